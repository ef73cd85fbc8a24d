// The suite on a real PostgreSQL server, and what only the server's files and
// several pools can show: R2, R3, R4, PR1 to PR3, PG5.
package pgreg

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/jackc/pgx/v5"

	"tidemark/internal/postgres"
	"tidemark/internal/property"
	"tidemark/internal/property/propertytest"
	"tidemark/internal/property/secret"
	"tidemark/internal/testkit/pgserver"
)

var server *pgserver.Server

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var err error
	if server, err = pgserver.Start(pgserver.Options{}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := server.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

type database struct {
	url  string
	keys [][]byte
}

func (d database) Open(t *testing.T, clock func() time.Time) property.Registry {
	t.Helper()
	return open(t, d.url, clock, d.keys...)
}

func open(t *testing.T, url string, clock func() time.Time, keys ...[]byte) *Registry {
	t.Helper()
	r, err := Open(t.Context(), config(url, keys...), Options{Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func config(url string, keys ...[]byte) Config {
	// Patient: other tests may use the machine.
	return Config{Config: postgres.Config{URL: url, CallTimeout: pgserver.Within}, SaltKeys: keys}
}

// closed makes sure that the test does not end with connections open.
func closed(t *testing.T, r *Registry) *Registry {
	t.Helper()
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("close registry: %v", err)
		}
	})
	return r
}

func TestConformance(t *testing.T) {
	propertytest.Run(t, func(t *testing.T) propertytest.Storage {
		return database{url: server.NewDatabase(t), keys: [][]byte{[]byte("the key that seals the salts")}}
	})
}

// onDisk returns the bytes of all files of the database and of the server's
// log, after it has written what it had in memory.
func onDisk(t *testing.T, url string) []byte {
	t.Helper()
	// The log first: a checkpoint may recycle what it held.
	log := bytesOf(t, filepath.Join(server.Dir, "data", "pg_wal"))
	return append(log, tables(t, url)...)
}

func tables(t *testing.T, url string) []byte {
	t.Helper()
	server.Execute(t, url, `CHECKPOINT`)
	oid := server.Text(t, url, `SELECT oid::text FROM pg_database WHERE datname = current_database()`)
	return bytesOf(t, filepath.Join(server.Dir, "data", "base", oid))
}

func bytesOf(t *testing.T, path string) []byte {
	t.Helper()
	var all []byte
	err := filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // the server removed it meanwhile
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		all = append(all, b...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestR2_FilesHoldNoSecret(t *testing.T) {
	url := server.NewDatabase(t)
	r := closed(t, open(t, url, nil))
	ctx := t.Context()
	_, c, err := r.CreateProperty(ctx, property.NewProperty{Name: "Shop"})
	if err != nil {
		t.Fatal(err)
	}
	token, err := r.CreateSetupToken(ctx)
	if err != nil {
		t.Fatal(err)
	}
	m, err := r.Setup(ctx, token, "ada@example.org", "a long password of ada")
	if err != nil {
		t.Fatal(err)
	}
	login, err := r.StartLogin(ctx, m.ID, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	all := onDisk(t, url)
	if !bytes.Contains(all, []byte("ada@example.org")) {
		t.Fatal("the files do not hold what they should: the test looks in the wrong place")
	}
	for what, secret := range map[string]string{
		"api secret": c.APISecret, "read key": c.ReadKey, "setup token": token,
		"password": "a long password of ada", "login token": login,
	} {
		if bytes.Contains(all, []byte(secret)) {
			t.Errorf("the files hold the %s", what)
		}
	}
	if !bytes.Contains(all, []byte("$argon2id$v=19$m=")) {
		t.Error("the files hold no Argon2id hash")
	}
}

func TestR4_DroppedSaltIsGoneFromTheTablesFiles(t *testing.T) {
	url := server.NewDatabase(t)
	r := closed(t, open(t, url, nil))
	ctx := t.Context()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	salt, err := r.Salt(ctx, "2026-11-23", now)
	if err != nil {
		t.Fatal(err)
	}
	younger, err := r.Salt(ctx, "2026-11-29", now.AddDate(0, 0, 6))
	if err != nil {
		t.Fatal(err)
	}
	// A reader with an older snapshot must not keep it alive.
	release := heldSnapshot(t, url)
	if !bytes.Contains(tables(t, url), salt) {
		t.Fatal("the salt is not in the files at first: the test looks in the wrong place")
	}
	if err := r.DropSalts(ctx, now.AddDate(0, 0, 6)); err != nil {
		t.Fatal(err)
	}
	release()
	files := tables(t, url)
	if bytes.Contains(files, salt) {
		t.Error("the files of the tables still hold the dropped salt")
	}
	if !bytes.Contains(files, younger) {
		t.Error("the files of the tables do not hold the younger salt")
	}
	if got, err := r.Salt(ctx, "2026-11-29", now.AddDate(0, 0, 6)); err != nil || !bytes.Equal(got, younger) {
		t.Errorf("the younger salt is %x, %v, want %x", got, err, younger)
	}
}

// heldSnapshot begins a transaction that still sees all that is there now.
func heldSnapshot(t *testing.T, url string) (release func()) {
	t.Helper()
	ctx := t.Context()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(ctx, `SELECT count(*) FROM property`); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := errors.Join(tx.Rollback(ctx), conn.Close(ctx)); err != nil {
			t.Error(err)
		}
	}
}

func TestR4_SealedSaltIsInNoFileOfTheServer(t *testing.T) {
	url := server.NewDatabase(t)
	former, latter := []byte("the former key of all nodes"), []byte("the latter key of all nodes")
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	salt, err := closed(t, open(t, url, nil, former)).Salt(t.Context(), "2026-11-23", now)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(onDisk(t, url), salt) {
		t.Error("tables or log hold the salt")
	}
	unsealed, err := closed(t, open(t, url, nil)).Salt(t.Context(), "2026-11-22", now)
	if err != nil {
		t.Fatal(err)
	}
	if all := onDisk(t, url); bytes.Count(all, unsealed) < 2 {
		t.Fatal("table and log do not hold a salt without a key: the test looks in the wrong place")
	}
	replaced := closed(t, open(t, url, nil, latter, former))
	if got, err := replaced.Salt(t.Context(), "2026-11-23", now); err != nil || !bytes.Equal(got, salt) {
		t.Errorf("with a new key in front: got %x, %v, want %x", got, err, salt)
	}
	if _, err := replaced.Salt(t.Context(), "2026-11-24", now); err != nil {
		t.Fatal(err)
	}
	for day, keys := range map[string][][]byte{"2026-11-23": {latter}, "2026-11-24": {former}} {
		other := closed(t, open(t, url, nil, keys...))
		if _, err := other.Salt(t.Context(), day, now); !errors.Is(err, errNoKey) {
			t.Errorf("day %s without its key: got error %v, want %v", day, err, errNoKey)
		}
	}
	if _, err := Open(t.Context(), config(url, []byte("short")), Options{}); err == nil {
		t.Error("a short key is taken")
	}
}

// Two tokens can only be there at once if two nodes made them at once; each of
// them alone would make a first member.
func TestR3_TwoTokensAtOnceMakeOneMember(t *testing.T) {
	url := server.NewDatabase(t)
	nodes := []*Registry{closed(t, open(t, url, nil)), closed(t, open(t, url, nil))}
	var tokens []string
	for range 6 {
		token := secret.New()
		tokens = append(tokens, token)
		server.Execute(t, url, fmt.Sprintf(`INSERT INTO setup_token VALUES ('\x%x', %d)`,
			secret.Digest(token), time.Now().Add(time.Hour).UnixMicro()))
	}
	// All have passed the check of their token and the slow hash before any goes on.
	release := lockedTable(t, url, "setup_token")
	errs := make([]error, len(tokens))
	var wg sync.WaitGroup
	for i, token := range tokens {
		wg.Go(func() {
			_, errs[i] = nodes[i%2].Setup(t.Context(), token, fmt.Sprintf("m%d@example.com", i), "a long password")
		})
	}
	waitFor(t, func() bool {
		return server.Text(t, url, `SELECT count(*)::text FROM pg_stat_activity
			WHERE wait_event_type = 'Lock' AND datname = current_database()`) == fmt.Sprint(len(tokens))
	})
	release()
	wg.Wait()
	made := 0
	for _, err := range errs {
		switch {
		case err == nil:
			made++
		case !errors.Is(err, property.ErrTokenInvalid):
			t.Errorf("got error %v, want %v", err, property.ErrTokenInvalid)
		}
	}
	if members := server.Text(t, url, `SELECT count(*)::text FROM member`); made != 1 || members != "1" {
		t.Errorf("%d setups made %s members, want 1", made, members)
	}
}

// lockedTable keeps others from writing the table, but lets them read it.
func lockedTable(t *testing.T, url, table string) (release func()) {
	t.Helper()
	ctx := t.Context()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(ctx, `BEGIN; LOCK TABLE `+table+` IN EXCLUSIVE MODE`, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := conn.Close(ctx); err != nil {
			t.Error(err)
		}
	}
}

// waitFor polls a condition for as long as a busy machine may need.
func waitFor(t *testing.T, holds func() bool) {
	t.Helper()
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for deadline := time.Now().Add(pgserver.Within); !holds(); <-poll.C {
		if time.Now().After(deadline) {
			t.Fatalf("the condition did not come within %v", pgserver.Within)
		}
	}
}

func TestPR1_ChangesByHandCount(t *testing.T) {
	url := server.NewDatabase(t)
	r := closed(t, open(t, url, nil))
	if _, _, err := r.CreateProperty(t.Context(), property.NewProperty{Name: "Shop"}); err != nil {
		t.Fatal(err)
	}
	last, err := r.Changes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{`UPDATE property SET name = 'Store'`, `DELETE FROM read_key`,
		`DELETE FROM api_secret`, `UPDATE data_stream SET name = 'x'`, `DELETE FROM data_stream`, `TRUNCATE property CASCADE`} {
		server.Execute(t, url, statement)
		now, err := r.Changes(t.Context())
		if err != nil || now <= last {
			t.Errorf("%s: Changes went from %d to %d, %v", statement, last, now, err)
		}
		last = now
	}
}

func TestPG5_NodesThatOpenTogetherMakeOneSchema(t *testing.T) {
	url := server.NewDatabase(t)
	errs := make([]error, 6)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			r, err := Open(t.Context(), config(url), Options{})
			if errs[i] = err; err == nil {
				_, err = r.Properties(t.Context())
				errs[i] = errors.Join(err, r.Close())
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
}

func TestPG5_NewerSchemaIsRefused(t *testing.T) {
	url := server.NewDatabase(t)
	closed(t, open(t, url, nil))
	server.Execute(t, url, `INSERT INTO registry_version (version_id, is_applied) VALUES (9999, true)`)
	again, err := Open(t.Context(), config(url), Options{})
	if err == nil {
		_ = again.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "newer than this binary knows") {
		t.Errorf("got error %v, want one that names the newer schema", err)
	}
}

// The suite on SQLite, and what only the file can show: R2, R4, SQ2, SQ3.
package sqlreg

import (
	"bytes"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	_ "time/tzdata"

	"tidemark/internal/property"
	"tidemark/internal/property/propertytest"
)

type file string

func (f file) Open(t *testing.T, clock func() time.Time) property.Registry {
	t.Helper()
	return open(t, string(f), clock)
}

func open(t *testing.T, path string, clock func() time.Time) *DB {
	t.Helper()
	d, err := OpenWith(path, Options{Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// closed makes sure that the test does not end with the file open.
func closed(t *testing.T, d *DB) *DB {
	t.Helper()
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("close registry: %v", err)
		}
	})
	return d
}

func TestConformance(t *testing.T) {
	propertytest.Run(t, func(t *testing.T) propertytest.Storage {
		return file(filepath.Join(t.TempDir(), "registry of 100 % & more?.db"))
	})
}

// onDisk returns the bytes of all files of the registry: the database and its WAL.
func onDisk(t *testing.T, path string) []byte {
	t.Helper()
	names, err := filepath.Glob(path + "*")
	if err != nil {
		t.Fatal(err)
	}
	var all []byte
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	return all
}

func TestR2_FilesHoldNoSecret(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registry.db")
	d := closed(t, open(t, path, nil))
	ctx := t.Context()
	_, c, err := d.CreateProperty(ctx, property.NewProperty{Name: "Shop"})
	if err != nil {
		t.Fatal(err)
	}
	token, err := d.CreateSetupToken(ctx)
	if err != nil {
		t.Fatal(err)
	}
	m, err := d.Setup(ctx, token, "ada@example.com", "a long password")
	if err != nil {
		t.Fatal(err)
	}
	login, err := d.StartLogin(ctx, m.ID, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	all := onDisk(t, path)
	if !bytes.Contains(all, []byte("ada@example.com")) {
		t.Fatal("the files do not hold what they should: the test looks in the wrong place")
	}
	for what, secret := range map[string]string{
		"api secret": c.APISecret, "read key": c.ReadKey, "setup token": token,
		"password": "a long password", "login token": login,
	} {
		if bytes.Contains(all, []byte(secret)) {
			t.Errorf("the files hold the %s", what)
		}
	}
	if !bytes.Contains(all, []byte("$argon2id$v=19$m=")) {
		t.Error("the files hold no Argon2id hash")
	}
}

func TestR4_DroppedSaltIsGoneFromFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registry.db")
	d := closed(t, open(t, path, nil))
	ctx := t.Context()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	salt, err := d.Salt(ctx, "2026-11-23", now)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(onDisk(t, path), salt) {
		t.Fatal("the salt is not in the files at first: the test looks in the wrong place")
	}
	if err := d.DropSalts(ctx, now.AddDate(0, 0, 7)); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(onDisk(t, path), salt) {
		t.Error("the files still hold the dropped salt")
	}
}

func TestR4_DropSaltsSaysWhenAReaderKeepsOldPages(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registry.db")
	d := closed(t, open(t, path, nil))
	ctx := t.Context()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	salt, err := d.Salt(ctx, "2026-11-23", now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.write.ExecContext(ctx, `PRAGMA busy_timeout = 1`); err != nil {
		t.Fatal(err)
	}
	rows, err := d.read.QueryContext(ctx, `SELECT day FROM salt`)
	if err != nil {
		t.Fatal(err)
	}
	rows.Next() // the read transaction is open now
	if err := d.DropSalts(ctx, now.AddDate(0, 0, 7)); err == nil {
		t.Error("no error although old pages had to stay")
	}
	if err := rows.Close(); err != nil {
		t.Fatal(err)
	}
	if err := d.DropSalts(ctx, now.AddDate(0, 0, 7)); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(onDisk(t, path), salt) {
		t.Error("the files still hold the dropped salt")
	}
}

func TestSQ1_WritesAreSynced(t *testing.T) {
	d := closed(t, open(t, filepath.Join(t.TempDir(), "registry.db"), nil))
	for pragma, want := range map[string]string{
		"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "secure_delete": "1",
	} {
		var got string
		if err := d.write.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s is %s, want %s", pragma, got, want)
		}
	}
}

func TestSQ2_HandlesThatOpenTogetherMakeOneSchema(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registry.db")
	errs := make([]error, 8)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			<-start
			d, err := Open(path)
			if errs[i] = err; err == nil {
				_, err = d.Properties(t.Context())
				errs[i] = errors.Join(err, d.Close())
			}
		})
	}
	close(start)
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
}

func TestSQ2_NewerSchemaIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registry.db")
	d := open(t, path, nil)
	_, err := d.write.ExecContext(t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)`)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(path)
	if err == nil {
		_ = again.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "newer than this binary knows") {
		t.Errorf("got error %v, want one that names the newer schema", err)
	}
}

// A registry of before there was a choice keeps rows for ever, as it did.
func TestOlderRegistriesKeepRowsForEverS30(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registry.db")
	d := open(t, path, nil)
	p, _, err := d.CreateProperty(t.Context(), property.NewProperty{Name: "Shop"})
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{`ALTER TABLE property DROP COLUMN row_days`, `DELETE FROM goose_db_version WHERE version_id = 2`} {
		if _, err := d.write.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := closed(t, open(t, path, nil)).Property(t.Context(), p.ID)
	if err != nil || got.RowDays != 0 || got.Version != p.Version {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestSQ3_FilesAreTheOwnersOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registry.db")
	closed(t, open(t, path, nil))
	names, err := filepath.Glob(path + "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode&0o077 != 0 {
			t.Errorf("%s has mode %v", filepath.Base(name), mode)
		}
	}
}

func TestOpenNamesFileThatIsNoRegistry(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registry.db")
	if err := os.WriteFile(path, bytes.Repeat([]byte("not a database "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := Open(path)
	if err == nil {
		_ = d.Close()
	}
	if err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got error %v, want one that names %s", err, path)
	}
}

func TestStoredTimesAreMicroseconds(t *testing.T) {
	d := closed(t, open(t, filepath.Join(t.TempDir(), "registry.db"), func() time.Time { return time.UnixMicro(1_700_000_000_123_456) }))
	if _, _, err := d.CreateProperty(t.Context(), property.NewProperty{Name: "Shop"}); err != nil {
		t.Fatal(err)
	}
	var at sql.NullInt64
	if err := d.read.QueryRowContext(t.Context(), `SELECT created FROM property`).Scan(&at); err != nil {
		t.Fatal(err)
	}
	if at.Int64 != 1_700_000_000_123_456 {
		t.Errorf("created is %d", at.Int64)
	}
}

// PG1 to PG3 on a real server: what is repeated, what is not, what ends in time.
package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

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

// withTable returns a database with two rows of a number.
func withTable(t *testing.T) (url string) {
	t.Helper()
	url = server.NewDatabase(t)
	server.Execute(t, url, `CREATE TABLE number (id int PRIMARY KEY, n int NOT NULL); INSERT INTO number VALUES (1, 0), (2, 0)`)
	return url
}

func openDB(t *testing.T, url string, patience time.Duration) *DB {
	t.Helper()
	d, err := Open(Config{URL: url, CallTimeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

func add(id int) func(ctx context.Context, tx pgx.Tx) error {
	return func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE number SET n = n + 1 WHERE id = $1`, id)
		return err
	}
}

func wantNumber(t *testing.T, url string, want int) {
	t.Helper()
	if got := server.Text(t, url, `SELECT n::text FROM number WHERE id = 1`); got != fmt.Sprint(want) {
		t.Errorf("the number is %s, want %d", got, want)
	}
}

// cutting is a connection that is cut after a commit was sent, before its answer.
type cutting struct {
	net.Conn
	left *atomic.Int32 // how many commits are still cut
	cut  atomic.Bool
}

func (c *cutting) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if bytes.HasSuffix(p, []byte("\x0bcommit\x00")) && c.left.Add(-1) >= 0 {
		c.cut.Store(true)
	}
	return n, err
}

func (c *cutting) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.cut.Load() && err == nil { // the server has answered, so it has committed
		return 0, io.ErrUnexpectedEOF
	}
	return n, err
}

func openCutting(t *testing.T, url string, commits int32) *DB {
	t.Helper()
	pc, err := Config{URL: url, CallTimeout: pgserver.Within, MaxConns: 2}.pool()
	if err != nil {
		t.Fatal(err)
	}
	var left atomic.Int32
	left.Store(commits)
	pc.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		var d net.Dialer
		conn, err := d.DialContext(ctx, network, address)
		return &cutting{Conn: conn, left: &left}, err
	}
	d, err := open(pc, pgserver.Within)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

func TestPG2_CommitInDoubtIsNotRepeatedUnlessTwiceIsAsGood(t *testing.T) {
	url := withTable(t)
	err := openCutting(t, url, 1).Change(t.Context(), add(1))
	if !errors.Is(err, ErrUnknown) || !errors.Is(err, ErrAway) {
		t.Errorf("got error %v, want %v", err, ErrUnknown)
	}
	wantNumber(t, url, 1)
	set := func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE number SET n = 7 WHERE id = 1`)
		return err
	}
	if err := openCutting(t, url, 1).ChangeAgain(t.Context(), set); err != nil {
		t.Error(err)
	}
	wantNumber(t, url, 7)
}

func TestPG2_DeadlockIsRepeatedAndBothTakeEffectOnce(t *testing.T) {
	url := withTable(t)
	d := openDB(t, url, pgserver.Within)
	both := make(chan struct{}, 2)
	met := make(chan struct{})
	go func() { // lets the first runs of both go on when each has its first row
		<-both
		<-both
		close(met)
	}()
	var wg sync.WaitGroup
	var runs atomic.Int32
	for _, order := range [][2]int{{1, 2}, {2, 1}} {
		wg.Go(func() {
			var once sync.Once
			err := d.Change(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
				runs.Add(1)
				if err := add(order[0])(ctx, tx); err != nil {
					return err
				}
				once.Do(func() { both <- struct{}{}; <-met })
				return add(order[1])(ctx, tx)
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if runs.Load() < 3 {
		t.Errorf("%d runs: there was no deadlock, the test shows nothing", runs.Load())
	}
	wantNumber(t, url, 2)
}

func TestPG2_RefusalOfTheCallerIsNotRepeatedAndChangesNothing(t *testing.T) {
	url := withTable(t)
	refusal, runs := errors.New("refused"), 0
	err := openDB(t, url, pgserver.Within).Change(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		runs++
		return errors.Join(refusal, add(1)(ctx, tx))
	})
	if !errors.Is(err, refusal) || errors.Is(err, ErrAway) || runs != 1 {
		t.Errorf("got error %v after %d runs", err, runs)
	}
	wantNumber(t, url, 0)
}

func TestPG1_LockThatIsHeldForEverEndsTheCall(t *testing.T) {
	url := withTable(t)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(t.Context(), `BEGIN; UPDATE number SET n = 100`, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
	if err := openDB(t, url, 200*time.Millisecond).Change(t.Context(), add(1)); !errors.Is(err, ErrAway) {
		t.Errorf("got error %v, want %v", err, ErrAway)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err = openDB(t, url, pgserver.Within).Change(ctx, add(1))
	if !errors.Is(err, context.Canceled) || errors.Is(err, ErrAway) {
		t.Errorf("a caller who gave up got error %v, want %v", err, context.Canceled)
	}
}

func TestPG3_CommitsWaitForTheDiskWhateverTheServersDefault(t *testing.T) {
	url := withTable(t)
	shown := func() (setting string) {
		err := openDB(t, url, pgserver.Within).Ask(t.Context(), func(ctx context.Context, q Querier) error {
			return q.QueryRow(ctx, `SHOW synchronous_commit`).Scan(&setting)
		})
		if err != nil {
			t.Fatal(err)
		}
		return setting
	}
	for given, want := range map[string]string{"off": "local", "on": "on", "remote_apply": "remote_apply"} {
		server.Execute(t, url, `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = `+given+`', current_database()); END $$`)
		if got := shown(); got != want {
			t.Errorf("with %s: got %s, want %s", given, got, want)
		}
	}
}

func TestErrorsNameTheServerAndNotThePassword(t *testing.T) {
	d := openDB(t, "postgres://ada:geheim@127.0.0.1:1/x?sslmode=disable", time.Second)
	err := d.Ask(t.Context(), func(ctx context.Context, q Querier) error { _, err := q.Exec(ctx, `SELECT 1`); return err })
	if !errors.Is(err, ErrAway) || !bytes.Contains([]byte(err.Error()), []byte("127.0.0.1")) || bytes.Contains([]byte(err.Error()), []byte("geheim")) {
		t.Errorf("got error %v", err)
	}
	if _, err := Open(Config{URL: "postgres://ada:geheim@host:port/x"}); err == nil || bytes.Contains([]byte(err.Error()), []byte("geheim")) {
		t.Errorf("got error %v", err)
	}
}

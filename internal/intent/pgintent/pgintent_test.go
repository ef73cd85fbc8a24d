// The suite on a real PostgreSQL server, and what only several processes and a
// server that fails can show: I2 on its way, I7.
package pgintent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tidemark/internal/intent"
	"tidemark/internal/intent/intenttest"
	"tidemark/internal/postgres"
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

type database string

func (url database) Open(t *testing.T) intent.Registry { return open(t, string(url), pgserver.Within) }

func open(t *testing.T, url string, patience time.Duration) *Registry {
	t.Helper()
	r, err := Open(t.Context(), postgres.Config{URL: url, CallTimeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func closed(t *testing.T, r *Registry) *Registry {
	t.Helper()
	t.Cleanup(func() { _ = r.Close() }) // it returns no error
	return r
}

func TestConformance(t *testing.T) {
	intenttest.Run(t, func(t *testing.T) intenttest.Storage { return database(server.NewDatabase(t)) })
}

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

// The old owner's call has begun before the partition is acquired, and comes to
// its decision after: it waits for the row, and must not decide by what it saw before.
func TestI2_CallsOnTheirWayAreFencedToo(t *testing.T) {
	url := server.NewDatabase(t)
	r := closed(t, open(t, url, pgserver.Within))
	ctx := t.Context()
	old, err := r.Acquire(ctx, 1, "a")
	if err != nil {
		t.Fatal(err)
	}
	// An Acquire that has done all but its commit.
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, `BEGIN; UPDATE intent_partition SET epoch = epoch + 1, owner = 'b'`, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
	result := make(chan error, 1)
	go func() {
		result <- r.Begin(ctx, intent.Intent{Partition: 1, Epoch: old, Seq: 1, From: 0, To: 5, State: "s"})
	}()
	waitFor(t, func() bool {
		return server.Text(t, url, `SELECT count(*)::text FROM pg_stat_activity
			WHERE wait_event_type = 'Lock' AND datname = current_database()`) == "1"
	})
	if _, err := conn.Exec(ctx, `COMMIT`); err != nil {
		t.Fatal(err)
	}
	if err := <-result; !errors.Is(err, intent.ErrFenced) {
		t.Errorf("got error %v, want %v", err, intent.ErrFenced)
	}
}

func TestI7_OwnersRaceWhileTheServerIsKilledAndStopped(t *testing.T) {
	url := server.NewDatabase(t)
	var handles []intent.Registry
	for range 3 {
		handles = append(handles, closed(t, open(t, url, time.Second)))
	}
	var played sync.WaitGroup
	ended := make(chan struct{})
	played.Go(func() {
		defer close(ended)
		intenttest.Play(t, handles, 1, 40)
	})
	done := func() string {
		return server.Text(t, url, `SELECT coalesce(max(seq), 0)::text FROM intent WHERE done`)
	}
	for _, end := range []func() error{server.Kill, server.Stop, server.Kill} {
		last := done()
		waitFor(t, func() bool {
			select {
			case <-ended: // it was faster than the faults
				return true
			default:
				return done() != last
			}
		})
		if err := errors.Join(end(), server.Begin()); err != nil {
			t.Fatal(err)
		}
	}
	played.Wait()
}

func TestPG1_FrozenServerHoldsNobodyUp(t *testing.T) {
	url := server.NewDatabase(t)
	r := closed(t, open(t, url, pgserver.Within))
	impatient, err := postgres.Open(postgres.Config{URL: url, CallTimeout: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	r.db.Close()
	r.db = impatient
	ctx := t.Context()
	var epoch uint64
	waitFor(t, func() bool { epoch, err = r.Acquire(ctx, 1, "a"); return err == nil })
	if err := server.Freeze(); err != nil {
		t.Fatal(err)
	}
	i := intent.Intent{Partition: 1, Epoch: epoch, Seq: 1, From: 0, To: 5, State: "s"}
	for what, call := range map[string]func(ctx context.Context) error{
		"acquire":  func(ctx context.Context) error { _, err := r.Acquire(ctx, 1, "b"); return err },
		"begin":    func(ctx context.Context) error { return r.Begin(ctx, i) },
		"progress": func(ctx context.Context) error { _, err := r.Progress(ctx, 1); return err },
	} {
		if err := call(ctx); !errors.Is(err, postgres.ErrAway) {
			t.Errorf("%s: got error %v, want %v", what, err, postgres.ErrAway)
		}
	}
	if err := server.Thaw(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { _, err := r.Progress(ctx, 1); return err == nil })
}

// PG4: an owner that froze with the row in its hands does not keep the next one out.
func TestPG4_FrozenOwnerHoldsNoRow(t *testing.T) {
	url := server.NewDatabase(t)
	next := closed(t, open(t, url, pgserver.Within))
	if _, err := next.Acquire(t.Context(), 1, "a"); err != nil {
		t.Fatal(err)
	}
	frozen := closed(t, open(t, url, time.Second))
	holds, thawed := make(chan struct{}), make(chan struct{})
	var owner sync.WaitGroup
	owner.Go(func() {
		var once sync.Once
		defer once.Do(func() { close(holds) }) // it never got the row
		err := frozen.db.Change(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, `SELECT 1 FROM intent_partition WHERE partition = 1 FOR UPDATE`); err != nil {
				return err
			}
			once.Do(func() { close(holds) })
			<-thawed // as a process that is stopped, it does not see its own time run out
			return nil
		})
		if err == nil {
			t.Error("the frozen owner committed")
		}
	})
	<-holds
	if _, err := next.Acquire(t.Context(), 1, "b"); err != nil {
		t.Error(err)
	}
	close(thawed)
	owner.Wait()
}

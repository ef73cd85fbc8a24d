// The suite on a real PostgreSQL server, and what only that can show: its clock
// jumps, it is killed, stopped and frozen, and nobody is evicted for it.
package pgnode

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"tidemark/internal/node"
	"tidemark/internal/node/nodetest"
	"tidemark/internal/node/watch"
	"tidemark/internal/postgres"
	"tidemark/internal/testkit/pgserver"
)

var server *pgserver.Server

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	options, err := pgserver.FakeClock()
	if err == nil {
		server, err = pgserver.Start(options)
	}
	if err != nil {
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

func (url database) Open(t *testing.T) node.Registry { return open(t, string(url), pgserver.Within) }

func open(t *testing.T, url string, patience time.Duration) *Registry {
	t.Helper()
	r, err := Open(t.Context(), postgres.Config{URL: url, CallTimeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestConformance(t *testing.T) {
	nodetest.Run(t, func(t *testing.T) nodetest.Storage { return database(server.NewDatabase(t)) })
}

// fleet is three nodes on the server, and an observer whose clock the test moves.
type fleet struct {
	t      *testing.T
	url    string
	r      *Registry
	leases []node.Lease
	now    time.Duration
	living *watch.Living
}

func newFleet(t *testing.T) *fleet {
	t.Helper()
	f := &fleet{t: t, url: server.NewDatabase(t)}
	f.r = open(t, f.url, pgserver.Within)
	t.Cleanup(func() { _ = f.r.Close() }) // it returns no error
	for _, id := range []string{"a", "b", "c"} {
		lease, err := f.r.Register(t.Context(), node.Node{ID: id, Roles: []string{"api"}, Address: id + ":1"})
		if err != nil {
			t.Fatal(err)
		}
		f.leases = append(f.leases, lease)
	}
	f.living = watch.NewLiving(f.r, func() time.Duration { return f.now })
	return f
}

// second is one second of the fleet's life: who is not dead renews, the observer looks.
func (f *fleet) second(dead ...string) []string {
	f.t.Helper()
	f.now += time.Second
	for _, lease := range f.leases {
		if slices.Contains(dead, lease.ID) {
			continue
		}
		if err := f.r.Renew(f.t.Context(), lease.ID, lease.Incarnation); err != nil {
			f.t.Fatal(err)
		}
	}
	return f.look()
}

// look returns who is alive to the observer.
func (f *fleet) look() []string {
	f.t.Helper()
	leases, err := f.living.Leases(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	var ids []string
	for _, lease := range leases {
		ids = append(ids, lease.ID)
	}
	return ids
}

func (f *fleet) wantAll(what string) {
	f.t.Helper()
	// The first look is before anybody has renewed since.
	for _, got := range [][]string{f.look(), f.second()} {
		if !slices.Equal(got, []string{"a", "b", "c"}) {
			f.t.Errorf("%s: alive are %v", what, got)
		}
	}
}

func TestW1_ClockJumpOfTheDatabaseEvictsNobody(t *testing.T) {
	f := newFleet(t)
	reset := func(ahead time.Duration) {
		t.Helper()
		if err := server.SetClock(ahead); err != nil {
			t.Fatal(err)
		}
	}
	defer reset(0)
	clock := func() time.Time {
		t.Helper()
		at, err := time.Parse(time.RFC3339, server.Text(t, f.url, `SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`))
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	before := clock()
	for _, ahead := range []time.Duration{0, 24 * time.Hour, -24 * time.Hour, time.Minute, 0} {
		reset(ahead)
		if moved := clock().Sub(before); moved < ahead-time.Hour || moved > ahead+time.Hour {
			t.Fatalf("the server's clock moved by %v, not %v: the test shows nothing", moved, ahead)
		}
		for range 3 {
			f.wantAll(fmt.Sprintf("clock %v ahead", ahead))
		}
	}
}

func TestW1_SilentNodeIsEvictedHoweverTheDatabasesClockJumps(t *testing.T) {
	f := newFleet(t)
	defer func() {
		if err := server.SetClock(0); err != nil {
			t.Error(err)
		}
	}()
	for second := range 30 {
		if err := server.SetClock(-time.Duration(second) * time.Hour); err != nil {
			t.Fatal(err)
		}
		got := f.second("b")
		if second < 5 && !slices.Contains(got, "b") {
			t.Fatalf("b is gone after %d s", second)
		}
		if len(got) == 2 {
			if slices.Contains(got, "b") {
				t.Errorf("alive are %v", got)
			}
			if err := f.r.Renew(t.Context(), "b", f.leases[1].Incarnation); !errors.Is(err, node.ErrEvicted) {
				t.Errorf("b renews: got error %v, want %v", err, node.ErrEvicted)
			}
			return
		}
	}
	t.Error("b was never evicted")
}

func TestW2_DatabaseThatWasAwayEvictsNobody(t *testing.T) {
	for name, fault := range map[string]struct{ begin, end func() error }{
		"killed":  {server.Kill, server.Begin},
		"stopped": {server.Stop, server.Begin},
		"frozen":  {server.Freeze, server.Thaw},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFleet(t)
			for range 3 {
				f.wantAll("before")
			}
			impatient, err := postgres.Open(postgres.Config{URL: f.url, CallTimeout: 50 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			patient := f.r.db
			f.r.db = impatient
			if err := fault.begin(); err != nil {
				t.Fatal(err)
			}
			for range 5 {
				f.now += time.Hour
				if leases, err := f.living.Leases(t.Context()); !errors.Is(err, postgres.ErrAway) {
					t.Errorf("got leases %v and error %v, want %v", leases, err, postgres.ErrAway)
				}
			}
			if err := fault.end(); err != nil {
				t.Fatal(err)
			}
			impatient.Close()
			f.r.db = patient // its connections are of before
			for range 5 {
				f.wantAll("after")
			}
		})
	}
}

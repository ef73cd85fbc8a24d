// Package nodetest is the conformance suite of registries of nodes: what every
// adapter of package node must do, by the labels N1 to N4 of the contract. What
// observers make of it is tested in package watch.
//
// Start reading at Run.
package nodetest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tidemark/internal/node"
)

// Storage is one place where leases are kept. Open opens a further handle on it,
// as another process would; the suite closes it.
type Storage interface {
	Open(t *testing.T) node.Registry
}

// Run holds an adapter to the contract. newStorage returns empty storage.
func Run(t *testing.T, newStorage func(t *testing.T) Storage) {
	cases := []struct {
		name string
		run  func(t *testing.T, one, other node.Registry)
	}{
		{"N1_OthersSeeWhatRegistered", othersSee},
		{"N1_SecondProcessReplacesTheFirst", replaced},
		{"N1_RacedIncarnationsAreApartAndTheLastStays", raced},
		{"N2_RenewMovesRenewalsAndNothingElse", renewMoves},
		{"N3_EvictSparesWhoRenewed", evictSpares},
		{"DeregisterEndsOnlyItsOwnLease", deregisterOwn},
		{"N4_EndedContextIsNoEmptyList", endedContext},
		{"RegisterRefusesWhatIsNoNode", refuses},
		{"N5_HeldUntilReleased", held},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			storage := newStorage(t)
			c.run(t, open(t, storage), open(t, storage))
		})
	}
}

func open(t *testing.T, s Storage) node.Registry {
	t.Helper()
	r := s.Open(t)
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("close nodes: %v", err)
		}
	})
	return r
}

func collector(id string) node.Node {
	return node.Node{ID: id, Roles: []string{"collector"}, Address: "127.0.0.1:1"}
}

func register(t *testing.T, r node.Registry, n node.Node) node.Lease {
	t.Helper()
	lease, err := r.Register(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	return lease
}

func wantLeases(t *testing.T, r node.Registry, want ...node.Lease) {
	t.Helper()
	got, err := r.Leases(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("leases (-want +got):\n%s", diff)
	}
}

func wantErr(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got error %v, want %v", what, got, want)
	}
}

func othersSee(t *testing.T, one, other node.Registry) {
	wantLeases(t, one)
	b := register(t, one, node.Node{ID: "b", Roles: []string{"processor", "collector", "processor"}, Address: "[::1]:8080",
		Metadata: map[string]string{"version": "1.2", "zone": "ä \"'"}})
	a := register(t, other, collector("a"))
	if diff := cmp.Diff([]string{"collector", "processor"}, b.Roles); diff != "" {
		t.Errorf("roles (-want +got):\n%s", diff)
	}
	wantLeases(t, one, a, b)
	wantLeases(t, other, a, b)
}

func replaced(t *testing.T, one, other node.Registry) {
	first := register(t, one, collector("a"))
	wantErr(t, "renew", one.Renew(t.Context(), "a", first.Incarnation), nil)
	n := collector("a")
	n.Address = "127.0.0.1:2"
	second := register(t, other, n)
	if second.Incarnation <= first.Incarnation {
		t.Errorf("incarnation %d after %d", second.Incarnation, first.Incarnation)
	}
	wantErr(t, "the first renews", one.Renew(t.Context(), "a", first.Incarnation), node.ErrReplaced)
	wantErr(t, "the first deregisters", one.Deregister(t.Context(), "a", first.Incarnation), nil)
	wantLeases(t, one, second)
	wantErr(t, "a stranger renews", one.Renew(t.Context(), "z", 1), node.ErrEvicted)
}

func raced(t *testing.T, one, other node.Registry) {
	handles := []node.Registry{one, other}
	leases := make([]node.Lease, 12)
	var wg sync.WaitGroup
	for i := range leases {
		wg.Go(func() {
			var err error
			if leases[i], err = handles[i%2].Register(t.Context(), collector("a")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	seen := map[uint64]bool{}
	var last node.Lease
	for _, lease := range leases {
		if seen[lease.Incarnation] {
			t.Errorf("incarnation %d was given twice", lease.Incarnation)
		}
		seen[lease.Incarnation] = true
		if lease.Incarnation > last.Incarnation {
			last = lease
		}
	}
	wantLeases(t, one, last)
}

func renewMoves(t *testing.T, one, other node.Registry) {
	a, b := register(t, one, collector("a")), register(t, one, collector("b"))
	for range 3 {
		before, err := other.Leases(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		wantErr(t, "renew", one.Renew(t.Context(), "a", a.Incarnation), nil)
		after, err := other.Leases(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if after[0].Renewals == before[0].Renewals {
			t.Errorf("renewals stay at %d", after[0].Renewals)
		}
		after[0].Renewals = a.Renewals
		if diff := cmp.Diff([]node.Lease{a, b}, after); diff != "" {
			t.Errorf("other than renewals (-want +got):\n%s", diff)
		}
	}
}

func evictSpares(t *testing.T, one, other node.Registry) {
	a, b := register(t, one, collector("a")), register(t, one, collector("b"))
	wantErr(t, "renew", one.Renew(t.Context(), "a", a.Incarnation), nil)
	if evicted, err := other.Evict(t.Context(), a); evicted || err != nil {
		t.Errorf("evict who renewed: got %v, %v", evicted, err)
	}
	again := register(t, one, collector("b"))
	if evicted, err := other.Evict(t.Context(), b); evicted || err != nil {
		t.Errorf("evict who registered anew: got %v, %v", evicted, err)
	}
	if evicted, err := other.Evict(t.Context(), again); !evicted || err != nil {
		t.Errorf("evict who stands still: got %v, %v", evicted, err)
	}
	wantErr(t, "the evicted renews", one.Renew(t.Context(), "b", again.Incarnation), node.ErrEvicted)
	if evicted, err := other.Evict(t.Context(), again); evicted || err != nil {
		t.Errorf("evict again: got %v, %v", evicted, err)
	}
	if third := register(t, one, collector("b")); third.Incarnation <= again.Incarnation {
		t.Errorf("incarnation %d after %d", third.Incarnation, again.Incarnation)
	}
}

func deregisterOwn(t *testing.T, one, other node.Registry) {
	a, b := register(t, one, collector("a")), register(t, other, collector("b"))
	for range 2 { // twice is no error
		wantErr(t, "deregister", one.Deregister(t.Context(), "a", a.Incarnation), nil)
	}
	wantLeases(t, other, b)
}

func endedContext(t *testing.T, one, _ node.Registry) {
	register(t, one, collector("a"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if leases, err := one.Leases(ctx); err == nil {
		t.Errorf("got leases %v and no error", leases)
	}
}

func refuses(t *testing.T, one, _ node.Registry) {
	for name, change := range map[string]func(n *node.Node){
		"no id":            func(n *node.Node) { n.ID = "" },
		"long id":          func(n *node.Node) { n.ID = strings.Repeat("x", 254) },
		"id of two lines":  func(n *node.Node) { n.ID = "a\nb" },
		"no address":       func(n *node.Node) { n.Address = "" },
		"address no text":  func(n *node.Node) { n.Address = "\xff" },
		"no role":          func(n *node.Node) { n.Roles = nil },
		"empty role":       func(n *node.Node) { n.Roles = []string{""} },
		"key with zero":    func(n *node.Node) { n.Metadata = map[string]string{"\x00": "x"} },
		"too long a value": func(n *node.Node) { n.Metadata = map[string]string{"x": strings.Repeat("x", 1025)} },
	} {
		n := collector("a")
		change(&n)
		_, err := one.Register(t.Context(), n)
		wantErr(t, name, err, node.ErrInvalid)
	}
	wantLeases(t, one)
}

// held: the oldest of all is told, to every process, and no end of a lease takes it away.
func held(t *testing.T, one, other node.Registry) {
	ctx := t.Context()
	expect := func(what string, wantAt time.Time, wantID string, want bool) {
		t.Helper()
		at, id, some, err := other.OldestHeld(ctx)
		if err != nil || some != want || id != wantID || !at.Equal(wantAt) {
			t.Errorf("%s: %v by %q, %v, %v; want %v by %q, %v", what, at, id, some, err, wantAt, wantID, want)
		}
	}
	early := time.Date(2026, 11, 28, 12, 0, 0, 123_000, time.UTC)
	late := early.Add(time.Hour)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	expect("nobody", time.Time{}, "", false)
	lease, err := one.Register(ctx, node.Node{ID: "collector-0", Roles: []string{"collector"}, Address: "a:1"})
	must(err)
	must(one.Hold(ctx, "collector-0", late))
	expect("one", late, "collector-0", true)
	must(other.Hold(ctx, "collector-1", early))
	expect("two", early, "collector-1", true)
	must(one.Hold(ctx, "collector-0", early.Add(-time.Minute)))
	expect("moved", early.Add(-time.Minute), "collector-0", true)
	must(one.Deregister(ctx, lease.ID, lease.Incarnation))
	expect("without a lease", early.Add(-time.Minute), "collector-0", true)
	must(one.Release(ctx, "collector-0"))
	must(one.Release(ctx, "collector-0"))
	expect("released", early, "collector-1", true)
	must(other.Release(ctx, "collector-1"))
	expect("nobody again", time.Time{}, "", false)
	if err := one.Hold(ctx, "", early); !errors.Is(err, node.ErrInvalid) {
		t.Errorf("a node without id: %v", err)
	}
}

// Watching on simulated time: who is killed, who is silent, who must not go.
package watch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"tidemark/internal/node"
	"tidemark/internal/node/memnode"
)

// cluster is a registry that can be away, and nodes that can be killed.
type cluster struct {
	*memnode.Registry
	mu     sync.Mutex
	reads  error // what Leases answers; nil: the leases
	writes error
	frozen bool // calls end with their context
	sick   map[string]error
}

func newCluster() *cluster { return &cluster{Registry: memnode.New(), sick: map[string]error{}} }

var errAway = errors.New("away")

// errHangs is the health of a node that does not answer.
var errHangs = errors.New("hangs")

func (c *cluster) set(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

func (c *cluster) ask(ctx context.Context, fault *error) error {
	c.mu.Lock()
	err, frozen := *fault, c.frozen
	c.mu.Unlock()
	if frozen {
		<-ctx.Done()
		return ctx.Err()
	}
	return err
}

func (c *cluster) Leases(ctx context.Context) ([]node.Lease, error) {
	if err := c.ask(ctx, &c.reads); err != nil {
		return nil, err
	}
	return c.Registry.Leases(ctx)
}

func (c *cluster) Renew(ctx context.Context, id string, incarnation uint64) error {
	if err := c.ask(ctx, &c.writes); err != nil {
		return err
	}
	return c.Registry.Renew(ctx, id, incarnation)
}

func (c *cluster) check(ctx context.Context, n node.Node) error {
	c.mu.Lock()
	err := c.sick[n.ID]
	c.mu.Unlock()
	if errors.Is(err, errHangs) {
		<-ctx.Done()
		return ctx.Err()
	}
	return err
}

// start runs a keeper, and returns how to kill it.
func (c *cluster) start(t *testing.T, ctx context.Context, id string) (kill func(health error)) {
	t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	dead := &mortal{Registry: c}
	k := NewKeeper(dead, node.Node{ID: id, Roles: []string{"collector"}, Address: id + ":1"}, slog.New(slog.DiscardHandler))
	go func() {
		if err := k.Run(ctx); err != nil {
			t.Errorf("keeper of %s: %v", id, err)
		}
	}()
	return func(health error) {
		dead.set(true) // it leaves no word
		cancel()
		c.set(func() { c.sick[id] = health })
	}
}

// mortal drops the goodbye of a node that was killed.
type mortal struct {
	node.Registry
	mu   sync.Mutex
	dead bool
}

func (a *mortal) set(dead bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.dead = dead
}

func (a *mortal) Deregister(ctx context.Context, id string, incarnation uint64) error {
	a.mu.Lock()
	dead := a.dead
	a.mu.Unlock()
	if dead {
		return nil
	}
	return a.Registry.Deregister(ctx, id, incarnation)
}

func (c *cluster) watch(ctx context.Context) *Watcher {
	w := NewWatcher(Deps{Source: NewLiving(c, nil), Check: c.check, Logger: slog.New(slog.DiscardHandler)})
	go func() { _ = w.Run(ctx) }() // it returns nil
	return w
}

// pass lets simulated time go on and everything that is due happen.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// shows fails unless the view lists the nodes so: "a" routable, "-b" not.
func shows(t *testing.T, w *Watcher, want ...string) {
	t.Helper()
	v, err := w.View()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range v.Nodes {
		name := s.ID
		if !s.Routable {
			name = "-" + name
		}
		got = append(got, name)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the view is %v, want %v", got, want)
	}
}

func play(t *testing.T, f func(t *testing.T, ctx context.Context, c *cluster)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer synctest.Wait()
		defer cancel()
		f(t, ctx, newCluster())
	})
}

func TestW3_KilledNodeIsKnownWithinTwoSeconds(t *testing.T) {
	for name, health := range map[string]error{
		"refused": syscall.ECONNREFUSED, "reset": syscall.ECONNRESET, "hangs": errHangs,
	} {
		for _, when := range []time.Duration{0, 1, 250, 499, 500, 501, 999} {
			for _, away := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s after %d ms, database away %v", name, when, away), func(t *testing.T) {
					play(t, func(t *testing.T, ctx context.Context, c *cluster) {
						c.start(t, ctx, "a")
						kill := c.start(t, ctx, "b")
						w := c.watch(ctx)
						pass(5*time.Second + when*time.Millisecond)
						shows(t, w, "a", "b")
						c.set(func() { c.frozen = away })
						kill(health)
						pass(2 * time.Second)
						shows(t, w, "a", "-b")
					})
				})
			}
		}
	}
}

func TestW3_OneLostCheckIsForgivenAndRefusedIsNot(t *testing.T) {
	play(t, func(t *testing.T, ctx context.Context, c *cluster) {
		c.start(t, ctx, "a")
		w := c.watch(ctx)
		pass(5*time.Second + 10*time.Millisecond)
		c.set(func() { c.sick["a"] = errors.New("status 500") })
		pass(CheckInterval)
		shows(t, w, "a")
		c.set(func() { delete(c.sick, "a") })
		pass(2 * CheckInterval)
		shows(t, w, "a")
		c.set(func() { c.sick["a"] = syscall.ECONNREFUSED })
		pass(CheckInterval)
		shows(t, w, "-a")
		c.set(func() { delete(c.sick, "a") })
		pass(CheckInterval)
		shows(t, w, "a")
	})
}

func TestW1_SilentLeaseEndsAndItsNodeComesBack(t *testing.T) {
	play(t, func(t *testing.T, ctx context.Context, c *cluster) {
		c.start(t, ctx, "a")
		kill := c.start(t, ctx, "b")
		w := c.watch(ctx)
		pass(5 * time.Second)
		kill(errHangs)
		pass(LeaseLife - RenewInterval - time.Second)
		shows(t, w, "a", "-b")
		pass(4 * time.Second)
		shows(t, w, "a")
		if leases, err := c.Leases(ctx); err != nil || len(leases) != 1 {
			t.Errorf("the registry has %v, %v", leases, err)
		}
		c.set(func() { delete(c.sick, "b") })
		c.start(t, ctx, "b")
		pass(time.Second)
		shows(t, w, "a", "b")
	})
}

func TestW2_DatabaseAwayHoldsTheLastView(t *testing.T) {
	for name, fault := range map[string]func(c *cluster){
		"refuses":         func(c *cluster) { c.reads, c.writes = errAway, errAway },
		"frozen":          func(c *cluster) { c.frozen = true },
		"takes no writes": func(c *cluster) { c.writes = errAway },
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(t *testing.T, ctx context.Context, c *cluster) {
				for _, id := range []string{"a", "b", "c"} {
					c.start(t, ctx, id)
				}
				w := c.watch(ctx)
				pass(5 * time.Second)
				c.set(func() { fault(c) })
				for range 60 {
					pass(time.Minute)
					shows(t, w, "a", "b", "c")
				}
				c.set(func() { c.reads, c.writes, c.frozen = nil, nil, false })
				// None of the looks after that takes anybody away.
				for range 100 {
					pass(CheckInterval / 2)
					shows(t, w, "a", "b", "c")
				}
			})
		})
	}
}

// An observer that was stopped for an hour, or whose machine slept, has seen
// nobody being silent.
func TestW1_FrozenObserverEvictsNobody(t *testing.T) {
	c := newCluster()
	var leases []node.Lease
	for _, id := range []string{"a", "b", "c"} {
		lease, err := c.Register(t.Context(), node.Node{ID: id, Roles: []string{"api"}, Address: id + ":1"})
		if err != nil {
			t.Fatal(err)
		}
		leases = append(leases, lease)
	}
	var now time.Duration
	l := NewLiving(c, func() time.Duration { return now })
	for step := range 200 {
		now += CheckInterval
		if step%20 == 19 {
			now += time.Hour
		}
		// One is as late as a node may be: it renews each eighth look, 4 s.
		for i, lease := range leases {
			if i > 0 && step%2 == 0 || i == 0 && step%8 == 0 {
				if err := c.Renew(t.Context(), lease.ID, lease.Incarnation); err != nil {
					t.Fatal(err)
				}
			}
		}
		if got, err := l.Leases(t.Context()); err != nil || len(got) != 3 {
			t.Fatalf("step %d: %v, %v", step, got, err)
		}
	}
}

func TestW4_NodeIsRoutableOnlyAfterAGoodCheck(t *testing.T) {
	play(t, func(t *testing.T, ctx context.Context, c *cluster) {
		c.set(func() { c.sick["a"] = errHangs })
		c.start(t, ctx, "a")
		pass(time.Millisecond)
		w := c.watch(ctx)
		changed := w.Changed()
		if _, err := w.View(); !errors.Is(err, ErrUnknown) {
			t.Errorf("view before the source answered: %v", err)
		}
		<-changed
		shows(t, w, "-a")
		c.set(func() { delete(c.sick, "a") })
		pass(CheckDeadline + CheckInterval)
		shows(t, w, "a")
		v, err := w.View()
		if err != nil {
			t.Fatal(err)
		}
		if got := v.Routable("collector"); len(got) != 1 || got[0].Address != "a:1" {
			t.Errorf("routable collectors are %v", got)
		}
		if got := v.Routable("api"); len(got) != 0 {
			t.Errorf("routable apis are %v", got)
		}
	})
}

func TestKeeperRegistersAgainAfterAnEvictionAndYieldsToAnother(t *testing.T) {
	play(t, func(t *testing.T, ctx context.Context, c *cluster) {
		n := node.Node{ID: "a", Roles: []string{"api"}, Address: "a:1"}
		ended := make(chan error, 1)
		go func() { ended <- NewKeeper(c, n, slog.New(slog.DiscardHandler)).Run(ctx) }()
		pass(3 * time.Second)
		leases, err := c.Leases(ctx)
		if err != nil || len(leases) != 1 || leases[0].Renewals == 0 {
			t.Fatalf("leases are %v, %v", leases, err)
		}
		if evicted, err := c.Evict(ctx, leases[0]); !evicted || err != nil {
			t.Fatalf("evict: %v, %v", evicted, err)
		}
		pass(RenewInterval)
		if again, err := c.Leases(ctx); err != nil || len(again) != 1 || again[0].Incarnation <= leases[0].Incarnation {
			t.Errorf("after the eviction: %v, %v", again, err)
		}
		if _, err := c.Register(ctx, n); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; !errors.Is(err, node.ErrReplaced) {
			t.Errorf("got error %v, want %v", err, node.ErrReplaced)
		}
		if leases, err := c.Leases(ctx); err != nil || len(leases) != 1 {
			t.Errorf("the other's lease is gone: %v, %v", leases, err)
		}
	})
}

func TestKeeperLeavesAtOnceWhenItStops(t *testing.T) {
	play(t, func(t *testing.T, ctx context.Context, c *cluster) {
		own, stop := context.WithCancel(ctx)
		c.start(t, own, "a")
		c.start(t, ctx, "b")
		w := c.watch(ctx)
		pass(5 * time.Second)
		stop()
		pass(CheckInterval)
		shows(t, w, "b")
	})
}

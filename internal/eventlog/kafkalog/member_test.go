// Ownership of partitions while members join, leave, die and come back.
package kafkalog

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"tidemark/internal/event"
)

// registry is what the members of a test say of who owns what. Its rules are
// those that a processor relies on.
type registry struct {
	t       *testing.T
	mu      sync.Mutex
	owner   map[event.Partition]string
	last    map[string]Generation
	changed chan struct{}
	history []string
}

func newRegistry(t *testing.T) *registry {
	return &registry{
		t: t, owner: make(map[event.Partition]string), last: make(map[string]Generation),
		changed: make(chan struct{}, 1),
	}
}

// listener is the listener of one member.
func (r *registry) listener(name string) Listener {
	hear := func(what string, f func(p event.Partition)) func(context.Context, Generation, []event.Partition) {
		return func(_ context.Context, g Generation, partitions []event.Partition) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.history = append(r.history, fmt.Sprintf("%s %s %v in generation %d", name, what, partitions, g.Number))
			if g.Number < r.last[name].Number && g.MemberID == r.last[name].MemberID {
				r.t.Errorf("%s: generation went back from %d", r.history[len(r.history)-1], r.last[name].Number)
			}
			r.last[name] = g
			for _, p := range partitions {
				f(p)
			}
			select {
			case r.changed <- struct{}{}:
			default:
			}
		}
	}
	return Listener{
		Assigned: hear("is assigned", func(p event.Partition) {
			if other, ok := r.owner[p]; ok {
				r.t.Errorf("%s is assigned partition %d, which %s owns", name, p, other)
			}
			r.owner[p] = name
		}),
		Revoked: hear("gives up", func(p event.Partition) {
			if r.owner[p] != name {
				r.t.Errorf("%s gives up partition %d, which %q owns", name, p, r.owner[p])
			}
			delete(r.owner, p)
		}),
		Lost: hear("has lost", func(p event.Partition) {
			// Somebody else may own it by now.
			if r.owner[p] == name {
				delete(r.owner, p)
			}
		}),
	}
}

// dead notes that a member can own nothing any more, whatever it believes.
func (r *registry) dead(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for p, owner := range r.owner {
		if owner == name {
			delete(r.owner, p)
		}
	}
}

// await waits until each member owns as many partitions as said.
func (r *registry) await(want map[string]int) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute)
	defer cancel()
	for {
		r.mu.Lock()
		got := make(map[string]int)
		for _, name := range r.owner {
			got[name]++
		}
		history := fmt.Sprint(r.history)
		r.mu.Unlock()
		if fmt.Sprint(got) == fmt.Sprint(want) {
			return
		}
		select {
		case <-r.changed:
		case <-ctx.Done():
			r.t.Fatalf("members own %v, want %v; history: %s", got, want, history)
		}
	}
}

func testMembers(t *testing.T, brokers []string) {
	cfg := testConfig(brokers, freshTopic(t))
	_ = mustOpen(t, cfg, Deps{}, plantNothing).Close() // makes the topics
	group := DefaultMemberConfig()
	group.Group, group.SessionTimeout = cfg.Topic, 3*time.Second
	r := newRegistry(t)
	join := func(name string, wire *cable) *Member {
		m, err := Join(cfg, group, Deps{Dial: wire.dial}, r.listener(name))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = m.Close() })
		return m
	}
	// One joins and gets everything, another one half of it.
	ann := join("ann", &cable{})
	r.await(map[string]int{"ann": 4})
	_, before := ann.Owned()
	bob := join("bob", &cable{})
	r.await(map[string]int{"ann": 2, "bob": 2})
	if owned, after := ann.Owned(); len(owned) != 2 || after.Number <= before.Number {
		t.Errorf("after a rebalance ann owns %v in generation %d, before it was generation %d", owned, after.Number, before.Number)
	}
	// One leaves.
	if err := bob.Close(); err != nil {
		t.Fatal(err)
	}
	r.await(map[string]int{"ann": 4})
	// One is killed: its session ends.
	wire := &cable{}
	cleo := join("cleo", wire)
	r.await(map[string]int{"ann": 2, "cleo": 2})
	_, stale := cleo.Owned()
	wire.pull()
	r.dead("cleo")
	r.await(map[string]int{"ann": 4})
	// It was not dead: it hears that it lost everything, under the generation
	// that others can tell to be over, and joins again.
	wire.plugIn()
	r.await(map[string]int{"ann": 2, "cleo": 2})
	if _, now := cleo.Owned(); now.Number <= stale.Number {
		t.Errorf("generation %d after generation %d", now.Number, stale.Number)
	}
	if err := ann.Commit(t.Context(), map[event.Partition]event.Offset{0: 0, 1: 0}); err != nil {
		t.Error(err)
	}
	t.Logf("history: %q", r.history)
}

func TestEveryPartitionIsOwnedByOneMember(t *testing.T) {
	t.Run("Fake", func(t *testing.T) {
		testMembers(t, fake(t, kfake.GroupMinSessionTimeout(500*time.Millisecond)).ListenAddrs())
	})
	t.Run("Real", func(t *testing.T) { testMembers(t, realBroker(t).Plain()) })
}

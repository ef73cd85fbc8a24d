// The registry while its server is killed, restarted and frozen.
package pgreg

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/postgres"
	"tidemark/internal/property"
)

// ours starts what was stopped, so that the next test finds a server.
func ours(t *testing.T) {
	t.Helper()
	t.Cleanup(func() {
		if err := server.Thaw(); err != nil {
			t.Error(err)
		}
	})
}

// writers create properties on two pools until they are told to stop, through
// whatever happens, and return what was acknowledged.
func writers(t *testing.T, nodes []*Registry) (acknowledged func() int, stop func() []event.PropertyID) {
	var mu sync.Mutex
	var ids []event.PropertyID
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	for i, r := range nodes {
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				p, _, err := r.CreateProperty(context.Background(), property.NewProperty{Name: fmt.Sprintf("P %d %d", i, n)})
				if err == nil {
					mu.Lock()
					ids = append(ids, p.ID)
					mu.Unlock()
				} else if !errors.Is(err, postgres.ErrAway) {
					t.Errorf("got error %v, want %v", err, postgres.ErrAway)
				}
			}
		})
	}
	acknowledged = func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(ids)
	}
	return acknowledged, func() []event.PropertyID {
		cancel()
		wg.Wait()
		return ids
	}
}

// What was acknowledged outlives a kill, and who uses the registry at the time
// goes on by himself.
func TestPG3_KillAndRestartUnderUseLosesNothingAcknowledged(t *testing.T) {
	for name, end := range map[string]func() error{"kill": server.Kill, "stop": server.Stop} {
		t.Run(name, func(t *testing.T) {
			url := server.NewDatabase(t)
			c := config(url)
			c.CallTimeout = time.Second
			var nodes []*Registry
			for range 2 {
				r, err := Open(t.Context(), c, Options{})
				if err != nil {
					t.Fatal(err)
				}
				nodes = append(nodes, closed(t, r))
			}
			acknowledged, stop := writers(t, nodes)
			for range 3 {
				enough := acknowledged() + 20
				waitFor(t, func() bool { return acknowledged() >= enough })
				if err := end(); err != nil {
					t.Fatal(err)
				}
				if err := server.Begin(); err != nil {
					t.Fatal(err)
				}
			}
			enough := acknowledged() + 20
			waitFor(t, func() bool { return acknowledged() >= enough })
			ids := stop()
			for _, id := range ids {
				if _, err := nodes[0].Property(t.Context(), id); err != nil {
					t.Errorf("acknowledged property is lost: %v", err)
				}
			}
		})
	}
}

func TestPG1_CallsEndWhileTheServerIsFrozen(t *testing.T) {
	ours(t)
	url := server.NewDatabase(t)
	c := config(url)
	c.CallTimeout = 100 * time.Millisecond
	// With and without a connection in the pool when it happens.
	warm, cold := closed(t, open(t, url, nil)), closed(t, open(t, url, nil))
	warm.db.Close()
	cold.db.Close()
	for _, r := range []*Registry{warm, cold} {
		db, err := postgres.Open(c.Config)
		if err != nil {
			t.Fatal(err)
		}
		r.db = db
	}
	waitFor(t, func() bool { _, err := warm.Changes(t.Context()); return err == nil })
	if err := server.Freeze(); err != nil {
		t.Fatal(err)
	}
	for i, r := range []*Registry{warm, cold} {
		for what, call := range map[string]func(ctx context.Context) error{
			"read":  func(ctx context.Context) error { _, err := r.Properties(ctx); return err },
			"write": func(ctx context.Context) error { _, err := r.CreateSetupToken(ctx); return err },
			"insert": func(ctx context.Context) error {
				_, _, err := r.CreateProperty(ctx, property.NewProperty{Name: "Shop"})
				return err
			},
		} {
			if err := call(t.Context()); !errors.Is(err, postgres.ErrAway) {
				t.Errorf("node %d: %s: got error %v, want %v", i, what, err, postgres.ErrAway)
			}
		}
	}
	if err := server.Thaw(); err != nil {
		t.Fatal(err)
	}
	for _, r := range []*Registry{warm, cold} {
		waitFor(t, func() bool { _, err := r.Properties(t.Context()); return err == nil })
	}
}

func TestCallsSayThatTheServerIsGone(t *testing.T) {
	r := closed(t, open(t, server.NewDatabase(t), nil))
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	_, err := r.Changes(t.Context())
	if !errors.Is(err, postgres.ErrAway) {
		t.Errorf("got error %v, want %v", err, postgres.ErrAway)
	}
	if _, err := Open(t.Context(), config(server.URL("test_1")), Options{}); !errors.Is(err, postgres.ErrAway) {
		t.Errorf("open: got error %v, want %v", err, postgres.ErrAway)
	}
	if err := server.Begin(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { _, err := r.Changes(t.Context()); return err == nil })
}

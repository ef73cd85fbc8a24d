// What an api process tells of the nodes that it sees.
package app

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"tidemark/internal/node"
	"tidemark/internal/node/memnode"
	"tidemark/internal/node/watch"
)

func TestNodesAreCountedByRoleAndState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := memnode.New()
		for id, roles := range map[string][]string{"a": {"api", "processor"}, "b": {"collector"}, "c": {"collector"}} {
			if _, err := registry.Register(t.Context(), node.Node{ID: id, Roles: roles, Address: id + ":80"}); err != nil {
				t.Fatal(err)
			}
		}
		w := watch.NewWatcher(watch.Deps{Source: registry, Logger: slog.New(slog.DiscardHandler),
			Check: func(_ context.Context, n node.Node) error {
				if n.ID == "c" {
					return errors.New("status 503")
				}
				return nil
			}})
		told := newNodesTelemetry(w)
		if n := testutil.CollectAndCount(told); n != 0 {
			t.Errorf("%d figures before anything is known", n)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); _ = w.Run(ctx) }()
		synctest.Wait()
		want := `# HELP tidemark_nodes Nodes of the cluster by role, as this process sees them. well: it answers and takes requests; unwell: its lease is there and it does not.
# TYPE tidemark_nodes gauge
tidemark_nodes{role="api",state="unwell"} 0
tidemark_nodes{role="api",state="well"} 1
tidemark_nodes{role="collector",state="unwell"} 1
tidemark_nodes{role="collector",state="well"} 1
tidemark_nodes{role="processor",state="unwell"} 0
tidemark_nodes{role="processor",state="well"} 1
`
		if err := testutil.CollectAndCompare(told, strings.NewReader(want)); err != nil {
			t.Error(err)
		}
		stop()
		<-ended
	})
}

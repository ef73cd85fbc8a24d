// Nodes: what an api process sees of the others. It ends leases of nodes that are gone, and tells
// how many of each role are worth a request.
package app

import (
	"context"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"tidemark/internal/node/watch"
)

// nodesTelemetry is the view as metrics.
type nodesTelemetry struct {
	watcher *watch.Watcher
	nodes   *prometheus.Desc
}

func newNodesTelemetry(w *watch.Watcher) *nodesTelemetry {
	return &nodesTelemetry{watcher: w, nodes: prometheus.NewDesc("tidemark_nodes",
		"Nodes of the cluster by role, as this process sees them. well: it answers and takes requests; unwell: its lease is there and it does not.",
		[]string{"role", "state"}, nil)}
}

// Describe implements prometheus.Collector.
func (t *nodesTelemetry) Describe(to chan<- *prometheus.Desc) { to <- t.nodes }

// Collect implements prometheus.Collector. Nothing is told before anything is known.
func (t *nodesTelemetry) Collect(to chan<- prometheus.Metric) {
	view, err := t.watcher.View()
	if err != nil {
		return
	}
	type kind struct{ role, state string }
	count := map[kind]int{}
	for _, role := range []string{roleCollector, roleProcessor, roleAPI} {
		count[kind{role, "well"}], count[kind{role, "unwell"}] = 0, 0
	}
	for _, n := range view.Nodes {
		state := "unwell"
		if n.Routable {
			state = "well"
		}
		for _, role := range n.Roles {
			count[kind{role, state}]++
		}
	}
	for k, n := range count {
		to <- prometheus.MustNewConstMetric(t.nodes, prometheus.GaugeValue, float64(n), k.role, k.state)
	}
}

// openNodesView begins to know nobody.
func (s *server) openNodesView(context.Context) error {
	s.roled.view = watch.NewWatcher(watch.Deps{Source: watch.NewLiving(s.roled.nodes, nil), Check: watch.HTTP("/readyz"), Logger: s.Logger})
	if err := s.telemetry.Register(newNodesTelemetry(s.roled.view)); err != nil {
		return fmt.Errorf("register telemetry of nodes: %w", err)
	}
	return nil
}

// watchNodes watches until ctx ends.
func (s *server) watchNodes(ctx context.Context) error { return s.roled.view.Run(ctx) }

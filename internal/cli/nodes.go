// nodes: who is there in a cluster, how well, and who owns which partitions. It looks for itself: at the
// leases in PostgreSQL, and at each node's health over HTTP, so it needs no server that answers.
package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"tidemark/internal/config"
	"tidemark/internal/event"
	"tidemark/internal/intent"
	"tidemark/internal/intent/pgintent"
	"tidemark/internal/node"
	"tidemark/internal/node/pgnode"
	"tidemark/internal/node/watch"
)

type nodesCmd struct {
	output
	Config string `help:"Configuration file of the cluster." type:"existingfile" env:"TIDEMARK_CONFIG" placeholder:"FILE" required:""`
	Watch  bool   `help:"Go on, and print again what changes, until interrupted."`
}

// cluster is what nodes prints.
type cluster struct {
	Nodes []clusterNode `json:"nodes"`
	// Unowned are partitions that nobody who is there works on.
	Unowned []clusterPartition `json:"unowned"`
	// Held says which node has accepted something that is not in the log yet.
	Held *clusterHeld `json:"held,omitempty"`
}

type clusterNode struct {
	ID      string   `json:"id"`
	Roles   []string `json:"roles"`
	Address string   `json:"address"`
	Version string   `json:"version"`
	// Well: it answers, and takes requests. Reason says why not.
	Well       bool               `json:"well"`
	Reason     string             `json:"reason,omitempty"`
	Partitions []clusterPartition `json:"partitions,omitempty"`
}

// clusterPartition is how far a partition has come. Owner acquired it last.
type clusterPartition struct {
	Partition event.Partition `json:"partition"`
	Owner     string          `json:"owner,omitempty"`
	Epoch     uint64          `json:"epoch"`
	Batch     uint64          `json:"batch"`
	Next      uint64          `json:"next"` // first offset that is not done
}

type clusterHeld struct {
	Node  string    `json:"node"`
	Since time.Time `json:"since"` // when the oldest of it was accepted
}

// lookFor is how long a look waits for the health of every node: two checks, and room.
const lookFor = 2*(watch.CheckInterval+watch.CheckDeadline) + time.Second

func (c *nodesCmd) Run(ctx context.Context, env *Env) (err error) {
	cfg, err := config.Load(c.Config)
	if err != nil {
		return err
	}
	if !cfg.OnPostgres() {
		return usagef("%s names no postgres.url: only the nodes of a cluster know of each other", c.Config)
	}
	nodes, err := pgnode.Open(ctx, cfg.Database())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, nodes.Close()) }()
	intents, err := pgintent.Open(ctx, cfg.Database())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, intents.Close()) }()
	l := &looker{nodes: nodes, intents: intents, partitions: cfg.EventLog.Partitions}
	return l.run(ctx, c, env)
}

// looker sees a cluster.
type looker struct {
	nodes      node.Registry
	intents    intent.Registry
	partitions int
	last       string
}

func (l *looker) run(ctx context.Context, c *nodesCmd, env *Env) error {
	w := watch.NewWatcher(watch.Deps{Source: watch.NewLiving(l.nodes, nil), Check: watch.HTTP("/readyz"), Logger: slog.New(slog.DiscardHandler)})
	watching, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() { defer close(ended); _ = w.Run(watching) }()
	defer func() { stop(); <-ended }()
	view, err := l.look(ctx, w)
	if err != nil {
		return err
	}
	for {
		seen, err := l.cluster(ctx, view)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !c.Watch:
			return err
		case err != nil:
			fmt.Fprintf(env.Stderr, "tidemark: %v\n", err)
		default:
			if err := l.print(env, c, seen); err != nil {
				return err
			}
		}
		if !c.Watch {
			return nil
		}
		changed := w.Changed()
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-time.After(watch.CheckInterval): // partitions change hands without a change of nodes
		}
		if view, err = w.View(); err != nil {
			return err
		}
	}
}

// look waits until something is known of each node.
func (l *looker) look(ctx context.Context, w *watch.Watcher) (node.View, error) {
	ctx, cancel := context.WithTimeout(ctx, lookFor)
	defer cancel()
	for {
		changed := w.Changed()
		view, err := w.View()
		if err == nil && !slices.ContainsFunc(view.Nodes, func(s node.Status) bool { return s.Reason == watch.Unchecked }) {
			return view, nil
		}
		select {
		case <-changed:
		case <-time.After(watch.CheckInterval / 10): // a first check that fails changes no route
		case <-ctx.Done():
			if err != nil {
				return view, fmt.Errorf("look for nodes: %w: does the database answer?", err)
			}
			return view, nil
		}
	}
}

// cluster adds who owns what.
func (l *looker) cluster(ctx context.Context, view node.View) (cluster, error) {
	out := cluster{Nodes: make([]clusterNode, 0, len(view.Nodes)), Unowned: []clusterPartition{}}
	by := map[string]int{}
	for i, s := range view.Nodes {
		by[s.ID] = i
		n := clusterNode{ID: s.ID, Roles: s.Roles, Address: s.Address, Version: s.Metadata["version"], Well: s.Routable}
		if !s.Routable {
			n.Reason = s.Reason
		}
		out.Nodes = append(out.Nodes, n)
	}
	for p := range l.partitions {
		progress, err := l.intents.Progress(ctx, p)
		if err != nil {
			return out, fmt.Errorf("read owner of partition %d: %w", p, err)
		}
		part := clusterPartition{Partition: event.Partition(p), Owner: progress.Owner, Epoch: progress.Epoch,
			Batch: progress.Last.Seq, Next: progress.Last.To}
		if i, ok := by[progress.Owner]; ok {
			out.Nodes[i].Partitions = append(out.Nodes[i].Partitions, part)
		} else {
			out.Unowned = append(out.Unowned, part)
		}
	}
	oldest, id, some, err := l.nodes.OldestHeld(ctx)
	if err != nil {
		return out, fmt.Errorf("ask what nodes hold: %w", err)
	}
	if some {
		out.Held = &clusterHeld{Node: id, Since: oldest.UTC()}
	}
	return out, nil
}

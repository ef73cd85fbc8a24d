// Roled: the parts of a process that has some of the roles. What it shares with the others lies elsewhere:
// the log in Kafka, the registry, nodes and intents in PostgreSQL, rows in ClickHouse, states in object storage.
package app

import (
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"tidemark/internal/config"
	"tidemark/internal/enrich"
	"tidemark/internal/event"
	"tidemark/internal/eventlog/kafkalog"
	"tidemark/internal/eventlog/spool"
	"tidemark/internal/intent/pgintent"
	"tidemark/internal/migrate/pgnote"
	"tidemark/internal/node"
	"tidemark/internal/node/pgnode"
	"tidemark/internal/node/watch"
	"tidemark/internal/pipeline/owned"
	"tidemark/internal/report"
	"tidemark/internal/service"
	"tidemark/internal/store"
	"tidemark/internal/store/clickstore"
)

// roled is what such a process has beside what every server has.
type roled struct {
	store    store.Shared
	click    *clickstore.Store // the same
	intents  *pgintent.Registry
	states   *nodeStates
	owned    *owned.Processor
	saves    atomic.Pointer[owned.Processor] // owned, for the goroutines of the log
	member   *kafkalog.Member
	nodes    *pgnode.Registry
	view     *watch.Watcher // of an api
	spool    *spool.Spool
	notes    *pgnote.Notes
	backlogs backlogs
}

// handOver is how long a processor has to finish its batches and leave its group.
const handOver = time.Minute

func (s *server) roledParts() []service.Part {
	parts := []service.Part{
		{Name: "data directory", Start: s.openDataDir, Stop: s.closeDataDir},
		{Name: "profiles", Start: s.openProfiles, Run: s.serveProfiles, Stop: s.closeProfiles},
		{Name: "registry", Start: s.openRegistry, Stop: func(context.Context) error { return s.registry.Close() }},
	}
	if s.has(roleCollector) {
		parts = append(parts,
			service.Part{Name: "salts", Run: s.eraseSalts},
			service.Part{Name: "places", Start: s.openPlaces, Stop: func(context.Context) error { return closeIf(s.places) }})
	}
	if s.has(roleProcessor) || s.has(roleAPI) || s.has(roleArchive) {
		parts = append(parts, service.Part{Name: "log", Start: s.openLog, Run: s.watchLog,
			Stop: func(context.Context) error { return s.log.Close() }, StopTimeout: time.Minute})
	}
	parts = append(parts, service.Part{Name: "nodes", Start: s.openNodes, Stop: func(context.Context) error { return s.roled.nodes.Close() }})
	if s.has(roleCollector) {
		parts = append(parts, service.Part{Name: "spool", Start: s.openSpool, Run: s.watchSpool, Stop: s.closeSpool, StopTimeout: time.Minute},
			service.Part{Name: "gate", Start: s.openGate, Run: s.awaitSwitch, Stop: func(context.Context) error { return s.roled.notes.Close() }})
	}
	if s.has(roleProcessor) || s.has(roleAPI) || s.has(roleArchive) {
		parts = append(parts, service.Part{Name: "store", Start: s.openShared,
			Stop: func(context.Context) error { return s.roled.store.Close() }})
	}
	if s.has(roleProcessor) {
		parts = append(parts,
			service.Part{Name: "intents", Start: s.openIntents, Stop: func(context.Context) error { return s.roled.intents.Close() }},
			service.Part{Name: "states", Start: s.openStates},
			service.Part{Name: "processor", Start: s.openOwned, Run: s.runOwned, Stop: s.closeOwned, StopTimeout: handOver})
	}
	if s.has(roleCollector) {
		parts = append(parts, service.Part{Name: "collector", Start: s.openCollector, Stop: s.closeCollector})
	}
	if s.has(roleAPI) {
		parts = append(parts,
			service.Part{Name: "backlogs", Start: s.openBacklogs, Run: s.roled.backlogs.watch},
			service.Part{Name: "nodes view", Start: s.openNodesView, Run: s.watchNodes},
			service.Part{Name: "api", Start: s.openSharedAPI, Run: s.follow})
	}
	if s.has(roleArchive) {
		parts = append(parts, service.Part{Name: "archive", Start: s.openArchiver, Run: s.runArchiver})
	}
	return append(parts,
		service.Part{Name: "operator", Start: s.openRoledOperator, Run: s.serveOperator, Stop: s.closeOperator},
		service.Part{Name: "http", Start: s.openHTTP, Run: s.serveHTTP, Stop: s.closeHTTP},
		service.Part{Name: "lease", Run: s.keepLease},
		service.Part{Name: "address", Start: s.announce, Stop: func(context.Context) error { return config.RemoveServer(s.Config.DataDir) }})
}

// logUse says what this process does with the log (K6).
func (s *server) logUse() logUse {
	switch {
	case !s.isRoled():
		return logUse{}
	case s.has(roleProcessor):
		return logUse{saves: func(p event.Partition) bool {
			owner := s.roled.saves.Load() // the log is there before it
			return owner != nil && slices.Contains(owner.Owned(), p)
		}}
	}
	return logUse{saves: func(event.Partition) bool { return false }}
}

// logName tells installations apart that share a store, in letters that a name may have.
func (s *server) logName() string { return logNameOf(s.log.Identity()) }

func (s *server) openShared(ctx context.Context) error {
	c, err := clickstore.Open(ctx, s.Config.ClickStore(s.logName()), clickstore.Deps{Logger: s.Logger, Registerer: s.telemetry})
	if err != nil {
		return err
	}
	s.roled.store, s.roled.click = c, c
	s.health.Set("store", func(ctx context.Context) error { _, err := c.Progress(ctx); return err })
	return nil
}

func (s *server) openIntents(ctx context.Context) (err error) {
	s.roled.intents, err = pgintent.Open(ctx, s.Config.Database())
	return err
}

func (s *server) openOwned(context.Context) error {
	var err error
	s.roled.owned, err = owned.New(s.Config.Owned(s.nodeID(), s.logName()), owned.Deps{Log: s.log, Intents: s.roled.intents, Store: s.roled.store, States: s.roled.states,
		Deriver: enrich.NewDeriver(enrich.DefaultConfig()), Logger: s.Logger, Registerer: s.telemetry, Clock: time.Now, RowDays: s.rowDays})
	s.roled.saves.Store(s.roled.owned)
	return err
}

// runOwned is a member of the group until ctx ends: partitions come and go.
func (s *server) runOwned(ctx context.Context) error {
	p := s.roled.owned
	var err error
	s.roled.member, err = kafkalog.Join(s.Config.KafkaLog(), s.Config.GroupMember(), kafkalog.Deps{Logger: s.Logger}, kafkalog.Listener{
		Assigned: func(_ context.Context, _ kafkalog.Generation, partitions []event.Partition) { p.Assign(partitions) },
		Revoked:  func(_ context.Context, _ kafkalog.Generation, partitions []event.Partition) { p.Revoke(partitions) },
		Lost:     func(_ context.Context, _ kafkalog.Generation, partitions []event.Partition) { p.Lose(partitions) },
	})
	if err != nil {
		return err
	}
	return p.Run(ctx)
}

// closeOwned finishes the batches under way and leaves the group: others take over at once.
func (s *server) closeOwned(context.Context) error {
	err := s.roled.owned.Close()
	if s.roled.member != nil {
		err = errors.Join(err, s.roled.member.Close())
	}
	return err
}

func (s *server) openSharedAPI(ctx context.Context) (err error) {
	s.reports, err = report.New(s.Config.Report, report.Deps{Store: s.roled.store,
		Freshness: &owned.Freshness{Log: s.log, Store: s.roled.store, Held: s.roled.backlogs.oldest, Clock: time.Now}})
	if err != nil {
		return err
	}
	return s.openAPI(ctx)
}

func (s *server) openNodes(ctx context.Context) (err error) {
	s.roled.nodes, err = pgnode.Open(ctx, s.Config.Database())
	return err
}

// nodeID names this process among the others.
func (s *server) nodeID() string {
	if s.Config.Cluster.Node != "" {
		return s.Config.Cluster.Node
	}
	name, err := os.Hostname()
	if err != nil { // it has no name, so it is alone
		return "localhost"
	}
	return name
}

// keepLease tells the others that this process is there, until ctx ends.
func (s *server) keepLease(ctx context.Context) error {
	return watch.NewKeeper(s.roled.nodes, node.Node{ID: s.nodeID(), Roles: s.Serving.Roles, Address: s.reachedAt(),
		Metadata: map[string]string{"version": s.Version}}, s.Logger).Run(ctx)
}

// reachedAt is where others reach this process: cluster.address, or the listener with the node's name for an address
// that means all.
func (s *server) reachedAt() string {
	if a := s.Config.Cluster.Address; a != "" {
		return a
	}
	host, port, err := net.SplitHostPort(s.listener.Addr().String())
	if err != nil {
		return s.listener.Addr().String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = s.nodeID()
	}
	return net.JoinHostPort(host, port)
}

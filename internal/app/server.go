// Server: the parts of one process, started in order.
package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidemark/internal/api"
	"tidemark/internal/archive"
	"tidemark/internal/cli"
	"tidemark/internal/collect"
	"tidemark/internal/config"
	"tidemark/internal/enrich"
	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/geo"
	"tidemark/internal/obs"
	"tidemark/internal/pipeline"
	"tidemark/internal/property"
	"tidemark/internal/property/pgreg"
	"tidemark/internal/property/recall"
	"tidemark/internal/property/sqlreg"
	"tidemark/internal/report"
	"tidemark/internal/service"
	"tidemark/internal/state"
	"tidemark/internal/state/pebblestate"
	"tidemark/internal/store"
	"tidemark/internal/store/duckstore"
)

// server is filled in as its parts start.
type server struct {
	cli.Serving
	telemetry *prometheus.Registry
	health    *obs.Health
	prepare   func(context.Context) error // done once the registry is open, or nil
	pages     func(*http.ServeMux)        // more pages, or nil
	stopping  chan struct{}               // closed when the listener stops

	lock      *dirLock
	registry  property.Registry
	log       runningLog
	collects  eventlog.Log // the log, as the collector uses it: itself, or a spool before it; behind the gate
	gate      *gate
	appends   *countedLog
	state     *pebblestate.State
	meta      *state.Meta
	store     *duckstore.Store
	places    *geo.DB
	ranges    *geo.Ranges
	processor *pipeline.Processor
	archiver  *archive.Archiver
	reports   *report.Engine
	directory *collect.Directory
	collector *collect.Collector
	tail      *api.Hub
	api       *api.API
	listener  net.Listener
	http      *http.Server
	profiles  *obs.ProfileServer
	operator  operator
	roled     roled
}

// Serve runs a server until ctx is done.
func Serve(ctx context.Context, serving cli.Serving) error {
	s := newServer(serving)
	if s.isRoled() {
		if err := checkRoles(serving.Roles, serving.Config); err != nil {
			return err
		}
	}
	return s.run(ctx, s.welcome)
}

func newServer(s cli.Serving) *server {
	return &server{Serving: s, telemetry: obs.NewRegistry(s.Version), health: obs.NewHealth(), tail: api.NewHub(),
		stopping: make(chan struct{})}
}

// run starts every part, last of all `last`, and waits.
func (s *server) run(ctx context.Context, last func(context.Context) error) error {
	g := service.New(s.Logger)
	parts := s.parts()
	if s.isRoled() {
		parts = s.roledParts()
	}
	for _, p := range parts {
		g.Add(p)
	}
	g.Add(service.Part{Name: "welcome", Start: last})
	began := time.Now()
	return g.Run(ctx, func() {
		s.Logger.Info("ready", "version", s.Version, "url", s.url(), "data_dir", s.Config.DataDir,
			"took", time.Since(began).Round(time.Millisecond))
	}, s.Abort)
}

func (s *server) parts() []service.Part {
	return []service.Part{
		{Name: "data directory", Start: s.openDataDir, Stop: s.closeDataDir},
		{Name: "profiles", Start: s.openProfiles, Run: s.serveProfiles, Stop: s.closeProfiles},
		{Name: "registry", Start: s.openRegistry, Stop: func(context.Context) error { return s.registry.Close() }},
		{Name: "preparation", Start: s.prepare},
		{Name: "salts", Run: s.eraseSalts},
		{Name: "places", Start: s.openPlaces, Stop: func(context.Context) error { return closeIf(s.places) }},
		{Name: "log", Start: s.openLog, Run: s.watchLog, Stop: func(context.Context) error { return s.log.Close() }, StopTimeout: time.Minute},
		{Name: "state", Start: s.openState, Stop: func(context.Context) error { return s.state.Close() }},
		{Name: "store", Start: s.openStore, Stop: func(context.Context) error { return s.store.Close() }},
		{Name: "processor", Start: s.openProcessor, Run: s.runProcessor, StopTimeout: time.Minute},
		{Name: "archive", Start: s.openArchiver, Run: s.runArchiver},
		{Name: "collector", Start: s.openCollector, Stop: s.closeCollector},
		{Name: "api", Start: s.openAPI},
		{Name: "operator", Start: s.openOperator, Run: s.serveOperator, Stop: s.closeOperator},
		{Name: "http", Start: s.openHTTP, Run: s.serveHTTP, Stop: s.closeHTTP},
		{Name: "address", Start: s.announce, Stop: func(context.Context) error { return config.RemoveServer(s.Config.DataDir) }},
	}
}

// closeIf closes what may not have been opened.
func closeIf[T interface {
	comparable
	Close() error
}](c T) error {
	var none T
	if c == none {
		return nil
	}
	return c.Close()
}

func (s *server) openDataDir(context.Context) error {
	if err := os.MkdirAll(s.Config.DataDir, 0o700); err != nil {
		return fmt.Errorf("make data directory: %w", err)
	}
	var err error
	if s.lock, err = lockDir(s.Config.DataDir); err != nil {
		return err
	}
	return finishRebuild(s.Config.DataDir)
}

func (s *server) closeDataDir(context.Context) error { return s.lock.Close() }

func (s *server) openProfiles(context.Context) (err error) {
	if s.Config.Debug.Profiles == "" {
		return nil
	}
	s.profiles, err = obs.ListenProfiles(s.Config.Debug.Profiles)
	return err
}

// serveProfiles serves until ctx is done, as every part's Run does.
func (s *server) serveProfiles(ctx context.Context) error {
	if s.profiles == nil {
		<-ctx.Done()
		return nil
	}
	ended := make(chan error, 1)
	go func() { ended <- s.profiles.Run(ctx) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return nil
	}
}

func (s *server) closeProfiles(ctx context.Context) error {
	if s.profiles == nil {
		return nil
	}
	return s.profiles.Stop(ctx)
}

func (s *server) openRegistry(ctx context.Context) error {
	if s.Config.OnPostgres() {
		registry, err := pgreg.Open(ctx, s.Config.PostgresRegistry(), pgreg.Options{})
		if err != nil {
			return err
		}
		s.registry = registry
		return nil
	}
	registry, err := sqlreg.Open(s.Config.RegistryFile())
	if err != nil {
		return err
	}
	s.registry = registry
	return nil
}

func (s *server) openPlaces(context.Context) (err error) {
	if file := s.Config.Geo.Database; file != "" {
		if s.places, err = geo.Open(file); err != nil {
			return err
		}
	}
	if file := s.Config.Geo.Ranges; file != "" {
		s.ranges, err = geo.OpenRanges(file)
	}
	return err
}

func (s *server) openLog(ctx context.Context) (err error) {
	s.log, err = openEventLog(ctx, s.Config, s.logUse(), s.Logger, s.telemetry)
	if err == nil {
		if s.gate, err = s.gated(s.log); err != nil {
			return errors.Join(err, s.log.Close())
		}
		s.collects, s.appends = s.gate, &countedLog{Log: s.gate}
		s.health.Set("log", func(context.Context) error { return s.log.Err() })
	}
	return err
}

// watchLog ends the process when the log stops: a new one can open it again.
func (s *server) watchLog(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-s.log.Failed():
		return fmt.Errorf("event log stopped, start the server again: %w", s.log.Err())
	}
}

func (s *server) openState(ctx context.Context) (err error) {
	s.state, err = pebblestate.Open(pebblestate.Config{Dir: s.Config.StateDir(), CacheBytes: 64 << 20},
		pebblestate.Deps{Logger: s.Logger})
	if err != nil {
		return err
	}
	s.meta, err = s.state.Load(ctx)
	return err
}

func (s *server) openStore(context.Context) (err error) {
	var manifest store.Manifest
	if s.meta != nil {
		manifest = s.meta.Manifest
	}
	s.store, err = duckstore.Open(s.Config.Duck(), manifest, duckstore.Deps{Logger: s.Logger, Registerer: s.telemetry})
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, store.ErrCorrupt) {
		return fmt.Errorf("%w; restore the data directory from a backup, or make the store anew from log and archive "+
			"with tidemark replay --rebuild --data-dir %s", err, s.Config.DataDir)
	}
	return err
}

func (s *server) openProcessor(context.Context) (err error) {
	s.processor, err = pipeline.New(s.Config.Processor, s.meta, pipeline.Deps{
		Log: s.log, State: s.state, Store: s.store, Deriver: enrich.NewDeriver(enrich.DefaultConfig()),
		Logger: s.Logger, Registerer: s.telemetry, Clock: time.Now, Pressed: s.appends.pressed,
		RowDays: s.rowDays,
	})
	if err != nil {
		return err
	}
	s.health.Set("store", s.storeHealth)
	s.reports, err = report.New(s.Config.Report, report.Deps{Store: s.store, Freshness: s.processor,
		Restatements: restatements{s.processor, s.registry}})
	return err
}

// rowDays tells upkeep for how long properties keep rows. A rebuild
// asks nobody and keeps all.
func (s *server) rowDays(ctx context.Context) (map[event.PropertyID]int, error) {
	properties, err := s.registry.Properties(ctx)
	if err != nil {
		return nil, err
	}
	days := map[event.PropertyID]int{}
	for i := range properties {
		if n := properties[i].RowDays; n > 0 {
			days[properties[i].ID] = n
		}
	}
	return days, nil
}

func (s *server) runProcessor(ctx context.Context) error { return s.processor.Run(ctx) }

// storeHealth asks whether a snapshot can be taken: a store that answers.
func (s *server) storeHealth(ctx context.Context) error {
	snapshot, err := s.store.Snapshot(ctx)
	if err != nil {
		return err
	}
	snapshot.Release()
	return nil
}

func (s *server) openCollector(context.Context) (err error) {
	s.directory = collect.NewDirectory(collect.DirectoryDeps{Registry: s.registry, Log: s.collects, Logger: s.Logger})
	deps := collect.Deps{Log: s.appends, Directory: s.directory, Salts: s.registry, Logger: s.Logger,
		Registerer: s.telemetry}
	if !s.isRoled() { // else live streams follow the log
		deps.OnAccepted = s.tail.Publish
	}
	if s.places != nil {
		deps.Geo = s.places.Lookup
	}
	if s.ranges != nil {
		deps.AddressVerdict = s.ranges.Verdict
	}
	s.collector, err = collect.New(s.Config.Collect(), deps)
	return err
}

func (s *server) closeCollector(context.Context) error {
	return errors.Join(closeIf(s.collector), closeIf(s.directory))
}

func (s *server) openAPI(context.Context) (err error) {
	cfg := api.DefaultConfig()
	cfg.SecureCookies = strings.HasPrefix(s.Config.HTTP.PublicURL, "https://")
	clientAddr, err := collect.ClientAddr(s.Config.Collect())
	if err != nil {
		return err
	}
	registry := s.registry
	if s.Config.OnPostgres() { // over a network: readers go on when it does not answer
		if registry, err = recall.New(recall.DefaultConfig(), recall.Deps{Registry: registry, Logger: s.Logger, Clock: time.Now}); err != nil {
			return err
		}
	}
	s.api, err = api.New(cfg, api.Deps{
		Reports: s.reports, Registry: registry, Tail: s.tail, Logger: s.Logger, Registerer: s.telemetry,
		ClientAddr: clientAddr,
	})
	return err
}

func (s *server) announce(context.Context) error {
	return config.WriteServer(s.Config.DataDir, config.Server{
		URL: s.url(), PID: os.Getpid(), Version: s.Version, Started: time.Now().UTC()})
}

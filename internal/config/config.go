// The root Config: the list of what can be chosen, its defaults and checks.
package config

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"time"

	"tidemark/internal/collect"
	"tidemark/internal/eventlog/kafkalog"
	"tidemark/internal/eventlog/pebblelog"
	"tidemark/internal/obs"
	"tidemark/internal/pipeline"
	"tidemark/internal/report"
	"tidemark/internal/store/duckstore"
)

// Config is all choices of one server.
type Config struct {
	// DataDir holds everything that must survive: log, state, segments, registry.
	DataDir    string          `yaml:"data_dir"`
	HTTP       HTTP            `yaml:"http"`
	EventLog   EventLog        `yaml:"eventlog"`
	Postgres   Postgres        `yaml:"postgres"`
	ClickHouse ClickHouse      `yaml:"clickhouse"`
	Objects    Objects         `yaml:"objects"`
	Archive    Archive         `yaml:"archive"`
	Cluster    Cluster         `yaml:"cluster"`
	Processor  pipeline.Config `yaml:"processor"`
	Store      Store           `yaml:"store"`
	Report     report.Config   `yaml:"report"`
	Geo        Geo             `yaml:"geo"`
	Log        obs.LogConfig   `yaml:"log"`
	Debug      Debug           `yaml:"debug"`
}

// HTTP is the one listener.
type HTTP struct {
	// Listen is host:port. Port 0 takes a free one.
	Listen string `yaml:"listen"`
	// PublicURL is how browsers reach the server, for the links that it prints.
	// Empty: what Listen says.
	PublicURL string `yaml:"public_url"`
	// TrustedProxies are load balancers: networks as CIDR, or single addresses.
	// Only what they say about the client's address is believed.
	TrustedProxies []string `yaml:"trusted_proxies"`
	// ClientIPHeader is the header in which they say it. Default X-Forwarded-For.
	ClientIPHeader string `yaml:"client_ip_header"`
	// MaxBody bounds a request body as sent. Too small refuses batches; too large
	// lets few senders fill memory.
	MaxBody Size `yaml:"max_body"`
	// DeniedConsent says what becomes of events whose sender denies analytics
	// storage: cookieless counts them without the identity they bring, refuse
	// refuses them.
	DeniedConsent string `yaml:"denied_consent"`
}

// EventLog is what can be chosen about the durable log.
type EventLog struct {
	// Partitions is fixed when the data directory is made.
	Partitions int `yaml:"partitions"`
	// MaxBytes bounds the log on disk. When it is reached, collectors answer 503.
	MaxBytes Size `yaml:"max_bytes"`
	// MinFreeBytes is the free disk space below which collectors answer 503.
	MinFreeBytes Size `yaml:"min_free_bytes"`
	// Kafka keeps the log instead of the data directory if it has brokers. MaxBytes and
	// MinFreeBytes have no meaning then.
	Kafka Kafka `yaml:"kafka"`
	// Spool is what a collector does while Kafka is away.
	Spool Spool `yaml:"spool"`
}

// Store is what can be chosen about the columnar store.
type Store struct {
	// MemoryLimit bounds queries; WriterMemoryLimit compaction.
	MemoryLimit       Size `yaml:"memory_limit"`
	WriterMemoryLimit Size `yaml:"writer_memory_limit"`
	// TempLimit bounds what queries may spill to disk.
	TempLimit Size `yaml:"temp_limit"`
	// AnswerMemory bounds answers that are remembered for the next who asks.
	AnswerMemory Size `yaml:"answer_memory"`
	// DraftAfter is how long a report over young days takes before these days are prepared, as final
	// days are. It takes disk and work; negative: never.
	DraftAfter time.Duration `yaml:"draft_after"`
	// Threads answer queries. More than the machine has cores does not help.
	Threads int `yaml:"threads"`
	// QueryTimeout ends a query that runs or waits longer.
	QueryTimeout time.Duration `yaml:"query_timeout"`
	// MaxConcurrentQueries is over all properties; one gets at most half.
	MaxConcurrentQueries int `yaml:"max_concurrent_queries"`
}

// Geo is where countries and cities come from.
type Geo struct {
	// Database is an mmdb file. Empty: every country is "(not set)".
	Database string `yaml:"database"`
	// Ranges is a file of networks whose events are set apart as automatic.
	Ranges string `yaml:"ranges"`
}

// Debug is for a person who looks for a fault.
type Debug struct {
	// Profiles is the loopback address of /debug/pprof/. Empty: none.
	Profiles string `yaml:"profiles"`
}

// Default returns the choices of someone who makes none.
func Default() Config {
	log, store, collector := pebblelog.DefaultConfig(), duckstore.DefaultConfig(), collect.DefaultConfig()
	brokers := kafkalog.DefaultConfig()
	return Config{
		DataDir: "tidemark-data",
		HTTP: HTTP{
			Listen: "127.0.0.1:8080", ClientIPHeader: collector.ClientIPHeader,
			MaxBody: Size(collector.MaxBody), DeniedConsent: collector.DeniedConsent,
		},
		EventLog: EventLog{
			Partitions: log.Partitions, MaxBytes: Size(log.MaxBytes), MinFreeBytes: Size(log.MinFreeBytes),
			Kafka: Kafka{Topic: brokers.Topic, ReplicationFactor: brokers.ReplicationFactor,
				MinInSyncReplicas: brokers.MinInSyncReplicas, CreateTopics: brokers.CreateTopics, ClientID: brokers.ClientID,
				AppendTimeout: brokers.AppendTimeout},
			Spool: defaultSpool(),
		},
		Postgres:   defaultPostgres(),
		ClickHouse: defaultClickHouse(),
		Objects:    defaultObjects(),
		Archive:    defaultArchive(),
		Cluster:    defaultCluster(),
		Processor:  pipeline.DefaultConfig(),
		Store: Store{
			MemoryLimit: Size(store.MemoryLimit), WriterMemoryLimit: Size(store.WriterMemoryLimit),
			TempLimit: Size(store.TempLimit), AnswerMemory: Size(store.AnswerMemory), DraftAfter: store.DraftAfter, Threads: store.Threads, QueryTimeout: store.QueryTimeout,
			MaxConcurrentQueries: store.MaxConcurrentQueries,
		},
		Report: report.DefaultConfig(),
		Log:    obs.DefaultLogConfig(),
	}
}

// Collect returns the collector's own Config. Its other bounds grow with MaxBody.
func (c Config) Collect() collect.Config {
	cfg := collect.DefaultConfig()
	cfg.TrustedProxies, cfg.ClientIPHeader = c.HTTP.TrustedProxies, c.HTTP.ClientIPHeader
	cfg.DeniedConsent = c.HTTP.DeniedConsent
	cfg.MaxBody = int(c.HTTP.MaxBody)
	cfg.MaxDecompressed = max(cfg.MaxDecompressed, cfg.MaxBody)
	cfg.MaxInFlight = max(cfg.MaxInFlight, 4*cfg.MaxDecompressed)
	return cfg
}

// Pebble returns the log's own Config.
func (c Config) Pebble() pebblelog.Config {
	p := pebblelog.DefaultConfig()
	p.Dir = c.LogDir()
	p.Partitions, p.MaxBytes, p.MinFreeBytes = c.EventLog.Partitions, int64(c.EventLog.MaxBytes), int64(c.EventLog.MinFreeBytes)
	return p
}

// Duck returns the store's own Config.
func (c Config) Duck() duckstore.Config {
	d := duckstore.DefaultConfig()
	d.Dir = c.StoreDir()
	d.MemoryLimit, d.WriterMemoryLimit = int64(c.Store.MemoryLimit), int64(c.Store.WriterMemoryLimit)
	d.TempLimit, d.Threads = int64(c.Store.TempLimit), c.Store.Threads
	d.AnswerMemory, d.DraftAfter = int64(c.Store.AnswerMemory), c.Store.DraftAfter
	d.QueryTimeout, d.MaxConcurrentQueries = c.Store.QueryTimeout, c.Store.MaxConcurrentQueries
	return d
}

// What lies where in the data directory.
func (c Config) RegistryFile() string { return RegistryFile(c.DataDir) }
func (c Config) LogDir() string       { return filepath.Join(c.DataDir, "log") }
func (c Config) StateDir() string     { return filepath.Join(c.DataDir, "state") }
func (c Config) StoreDir() string     { return filepath.Join(c.DataDir, "store") }

// RegistryFile is where the registry of a data directory lies; commands need
// to know it without the server's file.
func RegistryFile(dataDir string) string { return filepath.Join(dataDir, "registry.db") }

// Validate returns everything that cannot work, each with the key it is about.
func (c Config) Validate() error {
	var errs []error
	if c.DataDir == "" {
		errs = append(errs, errors.New("data_dir: must not be empty"))
	}
	for _, part := range []struct {
		key string
		err error
	}{
		{"http", errors.Join(c.HTTP.Validate(), c.Collect().Validate())},
		{"eventlog", c.validateEventLog()},
		{"postgres", c.Postgres.Validate()},
		{"clickhouse", c.validateClickHouse()},
		{"objects", c.validateObjects()},
		{"archive", c.validateArchive()},
		{"cluster", c.validateCluster()},
		{"processor", c.Processor.Validate()},
		{"store", errors.Join(c.Store.validate(), c.Duck().Validate())},
		{"report", c.Report.Validate()},
		{"log", c.Log.Validate()},
		{"debug", c.Debug.Validate()},
	} {
		for _, err := range flatten(part.err) {
			if !strings.HasPrefix(err.Error(), part.key+".") { // report names itself
				err = fmt.Errorf("%s.%w", part.key, err)
			}
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// flatten takes joined errors apart, so that each gets its key.
func flatten(err error) []error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, e := range joined.Unwrap() {
			all = append(all, flatten(e)...)
		}
		return all
	}
	return []error{err}
}

// Validate says what is wrong with the listener.
func (h HTTP) Validate() error {
	var errs []error
	if _, _, err := net.SplitHostPort(h.Listen); err != nil {
		errs = append(errs, fmt.Errorf("listen: %q is not host:port", h.Listen))
	}
	if h.PublicURL != "" && !strings.HasPrefix(h.PublicURL, "http://") && !strings.HasPrefix(h.PublicURL, "https://") {
		errs = append(errs, fmt.Errorf("public_url: %q does not start with http:// or https://", h.PublicURL))
	}
	if h.MaxBody < 64<<10 || h.MaxBody > 64<<20 {
		errs = append(errs, fmt.Errorf("max_body: %v is not between 64 KiB and 64 MiB", h.MaxBody))
	}
	return errors.Join(errs...)
}

// validate catches what the store would take for "not said".
func (s Store) validate() error {
	const least = 64 << 20
	var errs []error
	if s.MemoryLimit < least || s.WriterMemoryLimit < least {
		errs = append(errs, errors.New("memory_limit: this and writer_memory_limit must be at least 64 MiB"))
	}
	if s.Threads < 1 {
		errs = append(errs, errors.New("threads: must be at least 1"))
	}
	if s.QueryTimeout <= 0 {
		errs = append(errs, errors.New("query_timeout: must be positive"))
	}
	if s.MaxConcurrentQueries < 1 {
		errs = append(errs, errors.New("max_concurrent_queries: must be at least 1"))
	}
	return errors.Join(errs...)
}

// Validate says what is wrong with the addresses.
func (d Debug) Validate() error {
	if d.Profiles == "" {
		return nil
	}
	if err := obs.CheckProfileAddress(d.Profiles); err != nil {
		return fmt.Errorf("profiles: %w", err)
	}
	return nil
}

// Spool: what a collector keeps on its own disk while Kafka is away.
package config

import (
	"path/filepath"
	"time"

	"tidemark/internal/eventlog/pebblelog"
	"tidemark/internal/eventlog/spool"
)

// Spool is what can be chosen about it. Its bytes are bounded by eventlog.max_bytes and min_free_bytes.
type Spool struct {
	// MaxAge is how old the oldest spooled event may get; then collectors answer 503.
	MaxAge time.Duration `yaml:"max_age"`
	// MaxFarWait is how long an event waits for Kafka before it goes to the disk.
	MaxFarWait time.Duration `yaml:"max_far_wait"`
}

func defaultSpool() Spool {
	s := spool.DefaultConfig()
	return Spool{MaxAge: s.MaxAge, MaxFarWait: s.MaxFarWait}
}

// Spooling returns the spool's own Config.
func (c Config) Spooling() spool.Config {
	s := spool.DefaultConfig()
	s.Partitions, s.MaxAge, s.MaxFarWait = c.EventLog.Partitions, c.EventLog.Spool.MaxAge, c.EventLog.Spool.MaxFarWait
	s.AsideDir = filepath.Join(c.DataDir, "spool-refused")
	return s
}

// NearLog returns the Config of the log on the collector's own disk.
func (c Config) NearLog() pebblelog.Config {
	p := c.Pebble()
	p.Dir = filepath.Join(c.DataDir, "spool")
	return p
}

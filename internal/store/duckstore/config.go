// Configuration and what the store is wired to.
package duckstore

import (
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Config is the operator's choices.
type Config struct {
	// Dir holds the segment files, and tmp/ for queries that spill.
	Dir string
	// MemoryLimit bounds all queries together, in bytes. Too small: they spill, or fail with
	// ErrResources. Heads come on top: some 250 bytes a row. Default 512 MiB.
	MemoryLimit int64
	// WriterMemoryLimit bounds compaction and finalization; more is spilled. Default 512 MiB.
	WriterMemoryLimit int64
	// TempLimit bounds what queries may spill to disk, and once more
	// what compaction and finalization may. Default 4 GiB.
	TempLimit int64
	// AnswerMemory bounds remembered answers, in bytes; they are dropped when rows of
	// their property come. Too small: dashboards that many people watch are counted
	// for each of them. Default 64 MiB.
	AnswerMemory int64
	// DraftAfter is how long a report over young days takes before a draft of these days is made
	// in the background: some 50 bytes of disk a young event of the property, and the
	// work of making its days final once more. Shorter: more properties have drafts, eight at
	// most. Negative: none has. Default 40 ms.
	DraftAfter time.Duration
	// Threads that answer queries. Default 2.
	Threads int
	// QueryTimeout ends a query that runs or waits longer. Default 30 s.
	QueryTimeout time.Duration
	// MaxConcurrentQueries bounds how many queries run at once, over all
	// properties; one property gets at most half of them, so that one
	// property's dashboards cannot lock out the others'. Default 8.
	MaxConcurrentQueries int
}

// DefaultConfig returns the defaults; Dir is left to the caller.
func DefaultConfig() Config {
	return Config{
		MemoryLimit:          512 << 20,
		WriterMemoryLimit:    512 << 20,
		TempLimit:            4 << 30,
		AnswerMemory:         64 << 20,
		DraftAfter:           40 * time.Millisecond,
		Threads:              2,
		QueryTimeout:         30 * time.Second,
		MaxConcurrentQueries: 8,
	}
}

// withDefaults fills what is zero.
func (c Config) withDefaults() Config {
	d := DefaultConfig()
	c.MemoryLimit = orDefault(c.MemoryLimit, d.MemoryLimit)
	c.WriterMemoryLimit = orDefault(c.WriterMemoryLimit, d.WriterMemoryLimit)
	c.TempLimit = orDefault(c.TempLimit, d.TempLimit)
	c.AnswerMemory = orDefault(c.AnswerMemory, d.AnswerMemory)
	c.DraftAfter = orDefault(c.DraftAfter, d.DraftAfter)
	c.Threads = orDefault(c.Threads, d.Threads)
	c.QueryTimeout = orDefault(c.QueryTimeout, d.QueryTimeout)
	c.MaxConcurrentQueries = orDefault(c.MaxConcurrentQueries, d.MaxConcurrentQueries)
	return c
}

func orDefault[T int | int64 | time.Duration](v, d T) T {
	if v == 0 {
		return d
	}
	return v
}

// Validate says what is wrong with c.
func (c Config) Validate() error {
	switch {
	case c.Dir == "":
		return errors.New("store directory is not set")
	case c.MemoryLimit < 0 || c.WriterMemoryLimit < 0 || c.TempLimit < 0 || c.AnswerMemory < 0:
		return errors.New("store memory and temp limits must not be negative")
	case c.Threads < 0 || c.MaxConcurrentQueries < 0 || c.QueryTimeout < 0:
		return errors.New("store threads, queries and timeout must not be negative")
	}
	return nil
}

// Deps is the wiring.
type Deps struct {
	Logger     *slog.Logger          // nil: nothing is logged
	Registerer prometheus.Registerer // nil: telemetry is kept to itself
}

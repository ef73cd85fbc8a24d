// What an operator chooses about the log, and what the log needs from outside.
package pebblelog

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"

	"tidemark/internal/event"
)

// Config holds the operator's choices.
type Config struct {
	// Dir is the directory of the log. It is created if needed.
	Dir string
	// Partitions is fixed when the log is created; another number later is an
	// error. Too few: folds cannot run in parallel. Too many: small chunks.
	Partitions int
	// Begin says at which offsets the partitions of a log begin that is made now, so that its rows have other
	// numbers than those of a log that was lost. It means nothing for a log that is there. Empty: at 0.
	Begin []event.Offset
	// MaxBytes bounds the disk space of the log. At the bound Append fails with
	// ErrFull until Truncate has freed some; only essential batches are taken
	// beyond it. What a compaction writes comes on top until what it read is
	// deleted, and so do up to four files of former WALs. Zero means no bound.
	MaxBytes int64
	// MinFreeBytes is the free disk space below which Append fails with
	// ErrFull; essential batches may use three quarters of it, but leave 64 MiB.
	// Too small: the disk fills, a write fails halfway, and the log has to be
	// opened again. Zero means no bound.
	MinFreeBytes int64
	// MaxQueueBytes bounds what waits for a commit. Too small: bursts are
	// refused. Too big: memory, and a long wait before a caller is told.
	MaxQueueBytes int64
	// MaxQueueWait is how long an Append waits for a place in the queue, and
	// then for its commit to begin, before it fails with ErrFull.
	MaxQueueWait time.Duration
	// MaxCommitWait is how long an Append waits for a commit under way before
	// it fails with ErrUnknown. Too small: a slow disk makes senders repeat
	// what was kept.
	MaxCommitWait time.Duration
	// MaxCommitBytes bounds what one commit gathers; a single larger Append
	// still goes into one commit.
	MaxCommitBytes int64
	// MaxAppendBytes bounds one Append.
	MaxAppendBytes int64
	// CacheBytes is the size of the block cache for reading.
	CacheBytes int64
	// MemTableBytes is the size of one in-memory table. Bigger: fewer, larger
	// files and more to replay after a crash.
	MemTableBytes int64
	// CloseWait bounds how long Close waits for a disk that does not answer.
	CloseWait time.Duration
}

// DefaultConfig returns the choices that suit one machine with a few cores.
func DefaultConfig() Config {
	return Config{
		Partitions:     16,
		MaxBytes:       64 << 30,
		MinFreeBytes:   512 << 20,
		MaxQueueBytes:  64 << 20,
		MaxQueueWait:   2 * time.Second,
		MaxCommitWait:  10 * time.Second,
		MaxCommitBytes: 4 << 20,
		MaxAppendBytes: 64 << 20,
		CacheBytes:     32 << 20,
		MemTableBytes:  32 << 20,
		CloseWait:      30 * time.Second,
	}
}

// Validate reports the first choice that cannot work.
func (c Config) Validate() error {
	const maxPartitions = 1 << 10
	switch {
	case c.Dir == "":
		return errors.New("dir is empty")
	case len(c.Begin) != 0 && len(c.Begin) != c.Partitions:
		return fmt.Errorf("begin has %d offsets for %d partitions", len(c.Begin), c.Partitions)
	case c.Partitions < 1 || c.Partitions > maxPartitions:
		return fmt.Errorf("partitions is %d, must be 1 to %d", c.Partitions, maxPartitions)
	case c.MaxBytes < 0:
		return fmt.Errorf("max_bytes is %d, must not be negative", c.MaxBytes)
	case c.MinFreeBytes < 0:
		return fmt.Errorf("min_free_bytes is %d, must not be negative", c.MinFreeBytes)
	case c.MaxQueueBytes < 1:
		return fmt.Errorf("max_queue_bytes is %d, must be positive", c.MaxQueueBytes)
	case c.MaxQueueWait <= 0:
		return fmt.Errorf("max_queue_wait is %v, must be positive", c.MaxQueueWait)
	case c.MaxCommitWait <= 0:
		return fmt.Errorf("max_commit_wait is %v, must be positive", c.MaxCommitWait)
	case c.MaxCommitBytes < 1:
		return fmt.Errorf("max_commit_bytes is %d, must be positive", c.MaxCommitBytes)
	case c.MaxAppendBytes < 1 || c.MaxAppendBytes > 1<<30:
		return fmt.Errorf("max_append_bytes is %d, must be 1 to %d", c.MaxAppendBytes, 1<<30)
	case c.CacheBytes < 0:
		return fmt.Errorf("cache_bytes is %d, must not be negative", c.CacheBytes)
	case c.MemTableBytes < 256<<10 || c.MemTableBytes > 1<<30:
		return fmt.Errorf("mem_table_bytes is %d, must be %d to %d", c.MemTableBytes, 256<<10, 1<<30)
	case c.CloseWait <= 0:
		return fmt.Errorf("close_wait is %v, must be positive", c.CloseWait)
	}
	return nil
}

// Deps is the wiring. All fields may be left out.
type Deps struct {
	// FS is where files are. Nil means the operating system's.
	FS vfs.FS
	// Logger hears of openings, damage and failures. Nil discards.
	Logger *slog.Logger
	// Registerer takes the telemetry. Nil keeps it unregistered.
	Registerer prometheus.Registerer
}

func (d Deps) withDefaults() Deps {
	if d.FS == nil {
		d.FS = vfs.Default
	}
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	return d
}

// offsetLimit is the first offset that no RowID can hold.
const offsetLimit = event.Offset(1) << 48

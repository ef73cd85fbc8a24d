// How Pebble is set up for a log: large values, written once in order, read in
// order, deleted from the front.
package pebblelog

import (
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// pebbleFormat is the format of Pebble's own files. FormatWALSyncChunks or
// newer is required: it lets recovery tell damage from a torn tail.
const pebbleFormat = pebble.FormatValueSeparation

// bounded makes a size smaller for a log that may take little disk: the WAL of a
// table stays until the table is flushed, and its file is kept for the next WAL.
func (l *Log) bounded(size int64) int64 {
	const share, least = 32, 64 << 10
	if l.cfg.MaxBytes == 0 {
		return size
	}
	return min(size, max(l.cfg.MaxBytes/share, least))
}

// pebbleOptions returns the set-up. The logger, the listener and the file
// system carry Pebble's failures back to l.
func (l *Log) pebbleOptions() *pebble.Options {
	o := &pebble.Options{
		FS:                 l.fs,
		WALDir:             pebble.MakeStoreRelativePath(l.fs, walDirName),
		Logger:             pebbleLogger{l},
		EventListener:      l.listener(),
		Merger:             newMerger(),
		FormatMajorVersion: pebbleFormat,
		CacheSize:          l.cfg.CacheBytes,
		MemTableSize:       uint64(l.bounded(l.cfg.MemTableBytes)),
		// Two full tables may wait for their flush while the third fills.
		MemTableStopWritesThreshold: 3,
		// Chunks of different chapters never overlap, so that many files in L0 cost
		// readers little. Compact late.
		L0CompactionThreshold: 8,
		L0StopWritesThreshold: 48,
		LBaseMaxBytes:         256 << 20,
		MaxOpenFiles:          512,
		BytesPerSync:          1 << 20,
		WALBytesPerSync:       1 << 20,
		// No compaction while opening: if a later step of Open fails, Pebble takes
		// away the caches that a running compaction uses, which is a panic.
		CompactionConcurrencyRange: func() (lower, upper int) {
			if l.opened.Load() {
				return 1, 1
			}
			return 0, 1
		},
		// Truncated chunks should give their space back soon.
		FlushDelayDeleteRange: 10 * time.Second,
	}
	// The WAL is always below the log's own directory, wherever that is now: a data
	// directory may be moved, restored elsewhere, or named by another path. Earlier
	// builds wrote the whole path down, which Pebble would insist on.
	o.Unsafe.AllowMissingWALDirs = true
	// A file holds no more than a chapter: one that holds a bit of the first chapter that is kept
	// stays as a whole.
	for i := range o.TargetFileSizes {
		o.TargetFileSizes[i] = l.bounded(l.cfg.MemTableBytes)
	}
	o.ApplyCompressionSettings(func() pebble.DBCompressionSettings {
		return pebble.DBCompressionBalanced
	})
	for i := range o.Levels {
		// A block holds whole chunks; the index stays small.
		o.Levels[i].BlockSize = 64 << 10
		o.Levels[i].IndexBlockSize = 64 << 10
	}
	return o
}

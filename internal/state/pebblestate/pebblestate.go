// State: Pebble behind the state contract.
package pebblestate

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
	"math"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/internal/event"
	"tidemark/internal/state"
)

// Config is the operator's choice.
type Config struct {
	Dir string
	// CacheBytes holds blocks of client records. Too small a cache makes every
	// returning client a read from disk.
	CacheBytes int64
	// Portable cuts files so that copies (Copy) of one state after another differ by
	// little: for states that are saved elsewhere after each commit.
	Portable bool
}

// Deps is the wiring.
type Deps struct {
	FS     vfs.FS // nil: the disk
	Logger *slog.Logger
}

// State keeps the processor's state in one Pebble directory.
type State struct {
	db    *pebble.DB
	cache *pebble.Cache
	mu    sync.Mutex // a commit under way
	dir   string
	fs    vfs.FS
	opts  *pebble.Options
	// spill is from how many bytes on a commit in order is written as tables, and size
	// how large they are.
	spill, size int
	large       bool // the last commit in order was so
	tables      int  // made so far, of all commits
}

var _ state.State = (*State)(nil)

// pebbleFormat is fixed, so that an older version of this program can open what a
// newer one wrote until we raise it on purpose.
const pebbleFormat = pebble.FormatValueSeparation

// What a Portable state has smaller.
const (
	// portableMemTable bounds the WAL, of which each copy is a real one. Larger costs
	// that, and memory for each partition; smaller makes more tables, which compactions
	// write again and which are saved again.
	portableMemTable = 8 << 20
	// portableManifest bounds Pebble's own list of tables, which grows with each flush
	// and is in each copy.
	portableManifest = 256 << 10
)

// Keys: one byte of kind first.
const (
	metaKey      = 'm' // the key is just this byte
	clientPrefix = 'c' // then partition (2 bytes, big endian), then the client's key
)

// Open opens or creates the state in cfg.Dir.
func Open(cfg Config, deps Deps) (*State, error) {
	cache := pebble.NewCache(cfg.CacheBytes)
	fs := deps.FS
	if fs == nil {
		fs = vfs.Default
	}
	opts := &pebble.Options{
		FS:                    orderedFS{fs, cfg.Portable},
		Cache:                 cache,
		FormatMajorVersion:    pebbleFormat,
		MemTableSize:          32 << 20,
		L0CompactionThreshold: 4,
		Logger:                quiet{deps.Logger},
		// Without a listener Pebble ends the process at the first damaged block.
		// The read reports it as well, and the processor stops in good order (C3).
		EventListener: &pebble.EventListener{DataCorruption: func(info pebble.DataCorruptionInfo) {
			deps.Logger.Error("processor state is damaged: restore the data directory from a backup",
				"file", info.Path, "error", info.Details)
		}},
	}
	if cfg.Portable {
		opts.MemTableSize = portableMemTable
		opts.MaxManifestFileSize = portableManifest
	}
	for i := range opts.Levels {
		// New clients are looked up and not found: the filter spares the read.
		opts.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	opts.EnsureDefaults() // tables of commits are written with them as well
	db, err := pebble.Open(cfg.Dir, opts)
	if err != nil {
		cache.Unref()
		return nil, fmt.Errorf("open processor state in %s: %w", cfg.Dir, mark(err))
	}
	s := &State{db: db, cache: cache, dir: cfg.Dir, fs: opts.FS, opts: opts, spill: spillBytes, size: tableBytes}
	if cfg.Portable {
		s.spill = math.MaxInt // a table for each commit would be saved, compacted and saved again
	}
	if err := s.removeTables(); err != nil {
		return nil, errors.Join(fmt.Errorf("open processor state in %s: %w", cfg.Dir, err), s.Close())
	}
	return s, nil
}

// mark makes Pebble's corruption recognisable as the contract's.
func mark(err error) error {
	if pebble.IsCorruptionError(err) {
		return fmt.Errorf("%w: %w", state.ErrCorrupt, err)
	}
	return err
}

// Load implements state.State.
func (s *State) Load(context.Context) (*state.Meta, error) {
	b, err := s.get([]byte{metaKey})
	if err != nil || b == nil {
		return nil, err
	}
	m := &state.Meta{}
	if err := json.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("decode processor state: %w: %w", state.ErrCorrupt, err)
	}
	if m.Version != state.FormatVersion {
		return nil, fmt.Errorf("processor state has format %d, this program reads %d: "+
			"use the version of tidemark that wrote it", m.Version, state.FormatVersion)
	}
	return m, nil
}

// Client implements state.State.
func (s *State) Client(p event.Partition, key []byte) ([]byte, error) {
	var buf [256]byte
	return s.get(appendClientKey(buf[:0], p, key))
}

func (s *State) get(key []byte) ([]byte, error) {
	value, closer, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read processor state: %w", mark(err))
	}
	out, err := open(value)
	if cerr := closer.Close(); err == nil {
		err = cerr
	}
	return out, err
}

// Purge implements state.State. Compacting a key's own range rewrites a file or two of
// each level.
func (s *State) Purge(ctx context.Context, p event.Partition, keys [][]byte) error {
	if err := s.db.Flush(); err != nil {
		return fmt.Errorf("flush processor state: %w", mark(err))
	}
	for _, key := range keys {
		from := appendClientKey(nil, p, key)
		if err := s.db.Compact(ctx, from, append(from[:len(from):len(from)], 0), false); err != nil {
			return fmt.Errorf("compact processor state: %w", mark(err))
		}
	}
	return nil
}

// Begin implements state.State.
func (s *State) Begin() state.Commit {
	s.mu.Lock()
	return &commit{state: s, batch: s.db.NewBatch()}
}

// Close implements state.State.
func (s *State) Close() error {
	err := s.db.Close()
	s.cache.Unref()
	return err
}

func appendClientKey(dst []byte, p event.Partition, key []byte) []byte {
	dst = append(dst, clientPrefix)
	dst = binary.BigEndian.AppendUint16(dst, uint16(p))
	return append(dst, key...)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// seal appends value and its checksum: Pebble's own covers blocks on disk, this
// one the whole way from the fold and back (C3).
func seal(dst, value []byte) []byte {
	dst = append(dst, value...)
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(value, castagnoli))
}

func open(sealed []byte) ([]byte, error) {
	n := len(sealed) - 4
	if n < 0 || crc32.Checksum(sealed[:n], castagnoli) != binary.LittleEndian.Uint32(sealed[n:]) {
		return nil, fmt.Errorf("check processor state: %w", state.ErrCorrupt)
	}
	return append([]byte(nil), sealed[:n]...), nil
}

// quiet passes Pebble's errors on and keeps its chatter at debug level.
type quiet struct{ log *slog.Logger }

func (q quiet) Infof(format string, args ...any) {
	q.log.Debug("state engine", "message", fmt.Sprintf(format, args...))
}
func (q quiet) Errorf(format string, args ...any) {
	q.log.Error("state engine", "message", fmt.Sprintf(format, args...))
}
func (q quiet) Fatalf(format string, args ...any) {
	panic(fmt.Sprintf("state engine: "+format, args...))
}

// The file of durable ends: what the log must still hold at the next Open.
package pebblelog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/zeebo/xxh3"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

// The file is written at Close, when everything is out of the WAL. A database
// that comes back shorter has lost a file, or the end of its manifest or WAL,
// in a way that Pebble cannot tell from a crash.
const (
	highWaterName  = "HIGHWATER"
	highWaterMagic = "tmhw0001"
)

// encodeHighWater: magic, commit number, partitions u32, an end for each, sum.
func encodeHighWater(number uint64, ends []event.Offset) []byte {
	b := append([]byte(nil), highWaterMagic...)
	b = binary.LittleEndian.AppendUint64(b, number)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(ends)))
	for _, end := range ends {
		b = binary.LittleEndian.AppendUint64(b, uint64(end))
	}
	return binary.LittleEndian.AppendUint64(b, xxh3.Hash(b))
}

func decodeHighWater(b []byte) (number uint64, ends []event.Offset, err error) {
	const head, sumLen = 20, 8
	body := len(b) - sumLen
	if body < head || string(b[:8]) != highWaterMagic ||
		binary.LittleEndian.Uint64(b[body:]) != xxh3.Hash(b[:body]) ||
		body != head+8*int(binary.LittleEndian.Uint32(b[16:])) {
		return 0, nil, fmt.Errorf("%s is damaged: %w", highWaterName, eventlog.ErrCorrupt)
	}
	for at := head; at < body; at += 8 {
		ends = append(ends, event.Offset(binary.LittleEndian.Uint64(b[at:])))
	}
	return binary.LittleEndian.Uint64(b[8:]), ends, nil
}

// checkHighWater compares what was recovered with what must be there.
func (l *Log) checkHighWater() error {
	f, err := l.fs.Open(l.fs.PathJoin(l.cfg.Dir, highWaterName))
	if isNotExist(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open high water: %w", err)
	}
	b, err := io.ReadAll(f)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("read high water: %w", err)
	}
	number, ends, err := decodeHighWater(b)
	if err != nil {
		return err
	}
	if l.durable.Load() < number {
		return fmt.Errorf("log ends at commit %d, it held %d when it was closed: %w",
			l.durable.Load(), number, eventlog.ErrCorrupt)
	}
	for p, end := range ends {
		if p < l.cfg.Partitions && l.End(event.Partition(p)) < end {
			return fmt.Errorf("partition %d ends at %d, it held %d records when the log was closed: %w",
				p, l.End(event.Partition(p)), end, eventlog.ErrCorrupt)
		}
	}
	return nil
}

// writeHighWater replaces the file: written aside, synced, renamed, and the
// directory synced.
func (l *Log) writeHighWater() error {
	ends := make([]event.Offset, l.cfg.Partitions)
	for p := range ends {
		ends[p] = l.End(event.Partition(p))
	}
	name := l.fs.PathJoin(l.cfg.Dir, highWaterName)
	if err := writeSynced(l.fs, name+".tmp", encodeHighWater(l.durable.Load(), ends)); err != nil {
		return err
	}
	if err := l.fs.Rename(name+".tmp", name); err != nil {
		return fmt.Errorf("rename: %w", err)
	}
	return syncDir(l.fs, l.cfg.Dir)
}

func writeSynced(fs vfs.FS, name string, b []byte) error {
	f, err := fs.Create(name, "tidemark-highwater")
	if err != nil {
		return fmt.Errorf("create: %w", err)
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// Upgrade: a log of format version 1 becomes one of version 2 in a single commit. Its chunks stay
// where they are, as a chapter before the first, until they are truncated.
package pebblelog

import (
	"encoding/binary"
	"fmt"

	"tidemark/internal/event"
)

func (l *Log) upgrade(m meta) error {
	b := l.db.NewBatch()
	defer func() { _ = b.Close() }()
	number, _, err := l.getUint64(commitKeyOf(m.version))
	if err != nil {
		return fmt.Errorf("upgrade: read commit number: %w", err)
	}
	mustFinish(b.Set(commitKey(), binary.LittleEndian.AppendUint64(nil, number), nil))
	for p := range event.Partition(m.partitions) {
		start, found, err := l.getUint64(startKeyOf(kindStart1, p))
		if err != nil {
			return fmt.Errorf("upgrade: read start of partition %d: %w", p, err)
		}
		if found {
			mustFinish(b.Set(startKey(p), binary.LittleEndian.AppendUint64(nil, start), nil))
		}
	}
	counts, err := l.readCountsOf(kindCount1, func() error { return nil })
	if err != nil {
		return fmt.Errorf("upgrade: %w", err)
	}
	for _, c := range counts {
		key := countID{property: c.Property, day: c.Day, reason: c.Reason}.appendKey(nil)
		mustFinish(b.Merge(key, binary.LittleEndian.AppendUint64(nil, uint64(c.N)), nil))
	}
	mustFinish(b.DeleteRange([]byte{kindStart1}, []byte{kindCount1 + 1}, nil))
	mustFinish(b.Set(metaKey(), l.encodeMeta(), nil))
	if err := l.applySynced(b); err != nil {
		return fmt.Errorf("upgrade: %w", err)
	}
	l.logger.Info("event log upgraded", "from", m.version, "to", formatVersion)
	return nil
}

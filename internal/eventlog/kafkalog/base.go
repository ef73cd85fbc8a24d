// Base: offsets of a log that goes on where another one ended.
//
// A record's RowID is made of its partition and offset, and Kafka counts from 0. Where records of another log
// were folded already, a new record must not get the number of an old one: so the log's offsets are Kafka's
// plus a base for each partition. The base is written once, before there is any record, as the first record of
// the topic of sums, and is part of the log's identity. What was received before it is in the same record: whoever
// can read the log knows it, and writing it again adds nothing.
package kafkalog

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/zeebo/xxh3"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

// ErrNotEmpty: the topics hold something, so where the log begins cannot be chosen any more.
var ErrNotEmpty = errors.New("the topics of the event log are not empty")

// baseKey names the record of bases among the sums. It is longer than a mark and shorter than a sum, so a
// program that does not know it says that the topic is damaged, and does not go on with wrong offsets.
func baseKey() []byte { return []byte("from") }

// BeginAt makes the topics if they are missing and may be made, and has each partition p begin at offset
// base[p], with what was received before. Called again with the same base it changes nothing, whatever received is; with another
// base, or once the topics hold anything, it is ErrNotEmpty. Programs that had opened the log before must open it again.
func BeginAt(ctx context.Context, cfg Config, deps Deps, base []event.Offset, received []eventlog.Count) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("begin event log on kafka: %w", err)
		}
	}()
	if err := cfg.Validate(); err != nil {
		return err
	}
	if len(base) != cfg.Partitions {
		return fmt.Errorf("%d bases for %d partitions", len(base), cfg.Partitions)
	}
	ctx, cancel := context.WithTimeout(ctx, cfg.OpenTimeout)
	defer cancel()
	deps = deps.withDefaults()
	deps.Registerer = nil
	l, err := newLog(cfg, deps, plantNothing)
	if err != nil {
		return err
	}
	defer l.abort()
	shared, err := clientOptions(cfg, deps)
	if err != nil {
		return err
	}
	if l.producer, err = kgo.NewClient(append(l.producerOptions(), shared...)...); err != nil {
		return fmt.Errorf("make producer: %w", err)
	}
	l.admin = kadm.NewClient(l.producer)
	if err := l.ensureTopics(ctx); err != nil {
		return err
	}
	if err := l.loadSums(ctx, shared); err != nil {
		return err
	}
	if slices.Equal(l.bases(), base) {
		return nil
	}
	if err := l.checkEmpty(ctx); err != nil {
		return err
	}
	// Not as patient as an append only: a topic that was just made may have no leader yet.
	return l.producer.ProduceSync(ctx, l.sumRecord(baseKey(), baseValue(base, received))).FirstErr()
}

// checkEmpty tells whether nothing was ever written.
func (l *Log) checkEmpty(ctx context.Context) error {
	ends, err := listed(ctx, l.admin.ListEndOffsets, l.cfg.Topic, l.cfg.Topic+countsSuffix, l.cfg.Topic+sumsSuffix)
	if err != nil {
		return fmt.Errorf("ask for last offsets: %w", err)
	}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 && err == nil {
			err = fmt.Errorf("%s partition %d holds %d records: %w", o.Topic, o.Partition, o.Offset, ErrNotEmpty)
		}
	})
	return err
}

func baseValue(base []event.Offset, received []eventlog.Count) []byte {
	out := []byte{formatVersion}
	for _, o := range base {
		out = binary.BigEndian.AppendUint64(out, uint64(o))
	}
	for i := range received {
		out = appendCount(out, &received[i])
	}
	return out
}

// loadBase takes the record of bases.
func (l *Log) loadBase(r *kgo.Record) error {
	size := 1 + 8*l.cfg.Partitions
	if len(r.Value) < size || r.Value[0] != formatVersion {
		return fmt.Errorf("%s offset %d is no list of %d bases: %w", r.Topic, r.Offset, l.cfg.Partitions, eventlog.ErrCorrupt)
	}
	received, err := parseCounts(r.Value[size:])
	if err != nil {
		return fmt.Errorf("%s offset %d: %w: %w", r.Topic, r.Offset, eventlog.ErrCorrupt, err)
	}
	l.sums.begin(l.cfg.Partitions, received)
	for p := range l.cfg.Partitions {
		s := l.slots[p]
		s.base = event.Offset(binary.BigEndian.Uint64(r.Value[1+8*p:]))
		s.saved = max(s.saved, s.base) // nothing below was ever counted here
	}
	return nil
}

// bases returns the base of each partition.
func (l *Log) bases() []event.Offset {
	out := make([]event.Offset, l.cfg.Partitions)
	for p := range out {
		out[p] = l.slots[p].base
	}
	return out
}

// identityOfBase is empty for a log that begins at 0.
func (l *Log) identityOfBase() string {
	base := l.bases()
	if !slices.ContainsFunc(base, func(o event.Offset) bool { return o > 0 }) {
		return ""
	}
	return fmt.Sprintf(" from %016x", xxh3.Hash(baseValue(base, nil)))
}

// offset is that of a record of Kafka in the log.
func (s *slot) offset(kafka int64) event.Offset { return event.Offset(kafka) + s.base }

// kafka is the offset in Kafka of a record of the log.
func (s *slot) kafka(o event.Offset) int64 { return int64(o - s.base) }

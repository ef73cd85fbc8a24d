// Cutting a batch into what goes to each partition.
package kafkalog

import (
	"fmt"

	"tidemark/internal/eventlog"
)

// cut checks b as a whole and returns its parts, in the order of their first
// records. The parts share no memory with b.
func (l *Log) cut(b *eventlog.Batch) (parts []part, bytes int64, err error) {
	for i := range b.Records {
		r := &b.Records[i]
		if int(r.Partition) >= l.cfg.Partitions {
			return nil, 0, fmt.Errorf("record %d: no partition %d, the log has %d: %w", i, r.Partition, l.cfg.Partitions, eventlog.ErrInvalid)
		}
		if len(r.Payload) > l.cfg.MaxRecordBytes {
			return nil, 0, fmt.Errorf("record %d has %d bytes, at most %d go into one: %w: raise max_record_bytes, and max.message.bytes of the topic",
				i, len(r.Payload), l.cfg.MaxRecordBytes, eventlog.ErrInvalid)
		}
		p := findPart(&parts, l.slots[r.Partition])
		p.records = append(p.records, i)
		bytes += int64(len(r.Payload)) + perRecord
	}
	for i := range b.Counts {
		if r := b.Counts[i].Record; r < 0 || r > len(b.Records) {
			return nil, 0, fmt.Errorf("count %d is of record %d of %d: %w", i, r, len(b.Records), eventlog.ErrInvalid)
		}
		p := partOfCount(parts, b, i)
		if p == nil {
			p = findPart(&parts, l.slots[l.cfg.Partitions])
		}
		p.counts = append(p.counts, i)
	}
	// One allocation holds all payloads: they outlive the call in the tail.
	owned := make([]byte, 0, bytes)
	for i := range parts {
		if owned, err = parts[i].encode(b, owned); err != nil {
			return nil, 0, err
		}
		bytes += int64(perRecord * len(parts[i].counts))
	}
	return parts, bytes, nil
}

func findPart(parts *[]part, s *slot) *part {
	for i := range *parts {
		if (*parts)[i].slot == s {
			return &(*parts)[i]
		}
	}
	*parts = append(*parts, part{slot: s})
	return &(*parts)[len(*parts)-1]
}

// partOfCount returns the part with which count i is durable: that of its records,
// or any if the batch has no record there, or nil if it has none at all.
func partOfCount(parts []part, b *eventlog.Batch, i int) *part {
	partition := b.Counts[i].Partition
	if r := b.Counts[i].Record; r > 0 {
		partition = b.Records[r-1].Partition
	}
	for i := range parts {
		if len(parts[i].records) > 0 && parts[i].slot.index == int(partition) {
			return &parts[i]
		}
	}
	if len(parts) > 0 && len(parts[0].records) > 0 {
		return &parts[0]
	}
	return nil
}

// encode makes the Kafka records of p. A count rides with the record that it
// counts, or with the first, so that counts are never behind the records (L6): a partition
// takes them in order. Without records they get Kafka records of their own, as
// many as they need.
func (p *part) encode(b *eventlog.Batch, owned []byte) ([]byte, error) {
	if len(p.records) == 0 {
		p.encodeCounts(b)
		return owned, nil
	}
	first := p.records[0]
	counts := make(map[int][]byte, 1) // by record
	for _, i := range p.counts {
		at := first
		if r := b.Counts[i].Record; r > 0 {
			at = r - 1
		}
		counts[at] = appendCount(counts[at], &b.Counts[i])
	}
	for _, i := range p.records {
		if len(counts[i]) > maxHeaderBytes {
			return owned, fmt.Errorf("counts of record %d take %d bytes, at most %d go with it: %w",
				i, len(counts[i]), maxHeaderBytes, eventlog.ErrInvalid)
		}
		begin := len(owned)
		owned = append(owned, b.Records[i].Payload...)
		payload := owned[begin:len(owned):len(owned)]
		p.send = append(p.send, newRecord(p.slot.topic, p.slot.partition, payload, counts[i]))
	}
	p.left = len(p.send)
	return owned, nil
}

func (p *part) encodeCounts(b *eventlog.Batch) {
	var counts []byte
	for n, i := range p.counts {
		counts = appendCount(counts, &b.Counts[i])
		if n == len(p.counts)-1 || len(counts) > maxHeaderBytes/2 {
			p.send = append(p.send, newRecord(p.slot.topic, p.slot.partition, nil, counts))
			counts = nil
		}
	}
	p.left = len(p.send)
}

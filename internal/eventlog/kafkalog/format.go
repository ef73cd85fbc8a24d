// The bytes of a record in the topic: the payload as value, and one header that
// checks it and holds the counts that ride with it.
package kafkalog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

// headerKey names our header; docs/format/kafka.md describes its value.
const headerKey = "tidemark"

// formatVersion is the first byte of a header, and of a saved sum.
const formatVersion = 1

const (
	headerFixed = 5 // version, checksum
	// maxHeaderBytes bounds the counts of one record, so that a record has a
	// bound too. A count takes some ten bytes and its reason.
	maxHeaderBytes = 32 << 10
	// recordOverhead is what Kafka's own framing and our header add at most.
	recordOverhead = maxHeaderBytes + 1<<10
)

// checksum is CRC-32C over the partition, the counts and the payload: intact
// bytes in the wrong partition do not check either (L7). Every language has it.
func checksum(partition int32, counts, payload []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	sum := crc32.Update(0, table, binary.BigEndian.AppendUint32(nil, uint32(partition)))
	sum = crc32.Update(sum, table, counts)
	return crc32.Update(sum, table, payload)
}

// appendCount appends the encoding of one count.
func appendCount(dst []byte, c *eventlog.Count) []byte {
	dst = binary.AppendUvarint(dst, uint64(c.Property))
	dst = binary.AppendVarint(dst, int64(c.Day))
	dst = binary.AppendVarint(dst, c.N)
	dst = binary.AppendUvarint(dst, uint64(len(c.Reason)))
	return append(dst, c.Reason...)
}

// newRecord makes the Kafka record of a payload and encoded counts. It keeps
// payload.
func newRecord(topic string, partition int32, payload, counts []byte) *kgo.Record {
	header := make([]byte, headerFixed, headerFixed+len(counts))
	header[0] = formatVersion
	binary.BigEndian.PutUint32(header[1:], checksum(partition, counts, payload))
	if payload == nil {
		payload = []byte{} // A null value would be a tombstone.
	}
	return &kgo.Record{
		Topic: topic, Partition: partition, Value: payload,
		Headers: []kgo.RecordHeader{{Key: headerKey, Value: append(header, counts...)}},
	}
}

// parseRecord checks r and returns its counts. Errors wrap ErrCorrupt.
func parseRecord(r *kgo.Record) ([]eventlog.Count, error) {
	corrupt := func(what string) error {
		return fmt.Errorf("%s partition %d offset %d: %w: %s",
			r.Topic, r.Partition, r.Offset, eventlog.ErrCorrupt, what)
	}
	var header []byte
	for i := range r.Headers {
		if r.Headers[i].Key == headerKey {
			header = r.Headers[i].Value
		}
	}
	switch {
	case header == nil:
		return nil, corrupt("no tidemark header: somebody else writes to this topic")
	case len(header) < headerFixed:
		return nil, corrupt("header is too short")
	case header[0] != formatVersion:
		return nil, corrupt(fmt.Sprintf("format version %d, this program knows %d", header[0], formatVersion))
	}
	counts := header[headerFixed:]
	if binary.BigEndian.Uint32(header[1:]) != checksum(r.Partition, counts, r.Value) {
		return nil, corrupt("checksum does not fit")
	}
	parsed, err := parseCounts(counts)
	if err != nil {
		return nil, corrupt(err.Error())
	}
	return parsed, nil
}

var errCounts = errors.New("counts are malformed")

// parseCounts decodes what appendCount encoded, to the end.
func parseCounts(src []byte) ([]eventlog.Count, error) {
	var out []eventlog.Count
	for len(src) > 0 {
		property, n := binary.Uvarint(src)
		if n <= 0 {
			return nil, errCounts
		}
		src = src[n:]
		day, n := binary.Varint(src)
		if n <= 0 || day != int64(int32(day)) {
			return nil, errCounts
		}
		src = src[n:]
		number, n := binary.Varint(src)
		if n <= 0 {
			return nil, errCounts
		}
		src = src[n:]
		length, n := binary.Uvarint(src)
		if n <= 0 || length > uint64(len(src)-n) {
			return nil, errCounts
		}
		src = src[n:]
		out = append(out, eventlog.Count{
			Property: event.PropertyID(property), Day: int32(day), N: number,
			Reason: event.RefuseReason(src[:length]),
		})
		src = src[length:]
	}
	return out, nil
}

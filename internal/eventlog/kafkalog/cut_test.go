// Where counts ride.
package kafkalog

import (
	"fmt"
	"testing"

	"tidemark/internal/eventlog"
)

// TestCountsRideWithTheirRecord: of a batch of which a first part is durable,
// exactly that part is counted.
func TestCountsRideWithTheirRecord(t *testing.T) {
	l := &Log{cfg: Config{Partitions: 2, MaxRecordBytes: 100}, slots: []*slot{{index: 0}, {index: 1}, {index: 2}}}
	b := &eventlog.Batch{
		Records: []eventlog.Record{{Partition: 1}, {Partition: 0}, {Partition: 1}, {Partition: 1}},
		Counts: []eventlog.Count{
			{Property: 3, N: 1, Record: 3}, {Property: 1, N: 1, Record: 1}, {Property: 9, N: 5, Reason: "r", Partition: 1}, {Property: 4, N: 1, Record: 4},
		},
	}
	parts, _, err := l.cut(b)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range parts {
		for i, r := range p.send {
			counts, err := parseCounts(r.Headers[0].Value[headerFixed:])
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range counts {
				got = append(got, fmt.Sprintf("%d/%d: %d", p.slot.index, i, c.Property))
			}
		}
	}
	if want := "[1/0: 1 1/0: 9 1/1: 3 1/2: 4]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

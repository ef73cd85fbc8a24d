// The bytes of format version 1 stay what they are.
package kafkalog

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

// TestGoldenBytes compares with lines that are never edited once released.
func TestGoldenBytes(t *testing.T) {
	counts := appendCount(nil, &eventlog.Count{Property: 7, Day: 20000, N: 3})
	counts = appendCount(counts, &eventlog.Count{Property: math.MaxUint64, Day: -1, Reason: event.RefuseNoName, N: -300})
	header := func(partition int32, payload string, counts []byte) string {
		return fmt.Sprintf("%x", newRecord("t", partition, []byte(payload), counts).Headers[0].Value)
	}
	key := countKey{property: 7, day: 20000, reason: event.RefuseNoName}
	got := strings.Join([]string{
		"header without counts: " + header(0, "", nil),
		"header of a payload: " + header(3, "payload", nil),
		"header with counts: " + header(3, "payload", counts),
		fmt.Sprintf("key of a mark: %x", markKey(16)),
		fmt.Sprintf("key of a sum: %x", sumKey(3, key)),
		fmt.Sprintf("key of a sum of accepted events before 1970: %x", sumKey(3, countKey{property: 7, day: -1})),
		fmt.Sprintf("value of a sum: %x", sumValue(-2, 1<<40)),
	}, "\n") + "\n"
	want, err := os.ReadFile("testdata/golden.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

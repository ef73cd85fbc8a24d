// Others can read the topic: a consumer in Java that knows only the documented
// format sees what was appended.
package kafkalog

import (
	"context"
	"fmt"
	"math"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/testkit/kafkabroker"
)

func TestConsumerInAnotherLanguageReadsTheTopic(t *testing.T) {
	brokers := realBroker(t).Plain() // fetched, where it is the first time
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cfg := testConfig(brokers, freshTopic(t))
	l := mustOpen(t, cfg, Deps{}, plantNothing)
	var want []string
	next := make([]int, cfg.Partitions)
	expect := func(p int, counts string, payload []byte) {
		want = append(want, fmt.Sprintf("%d %d [%s] %x", p, next[p], counts, payload))
		next[p]++
	}
	for i := range 50 {
		payload := []byte(strings.Repeat(string(rune('a'+i%26)), i*i))
		p := i % cfg.Partitions
		b := &eventlog.Batch{
			Records: []eventlog.Record{{Partition: event.Partition(p), Payload: payload}, {Partition: event.Partition(p), Payload: []byte{0, 255}}},
			Counts: []eventlog.Count{
				{Property: math.MaxUint64, Day: -1, N: int64(i), Partition: event.Partition(p)},
				{Property: event.PropertyID(i), Day: 20000, Reason: event.RefuseNoName, N: math.MaxInt64, Partition: event.Partition(p)},
			},
		}
		if err := l.Append(ctx, b); err != nil {
			t.Fatal(err)
		}
		expect(p, fmt.Sprintf("%d,-1,,%d;%d,20000,%s,%d;", uint64(math.MaxUint64), i, i, event.RefuseNoName, int64(math.MaxInt64)), payload)
		expect(p, "", []byte{0, 255})
	}
	classpath, err := kafkabroker.Classpath(ctx)
	if err != nil {
		t.Fatal(err)
	}
	java, err := kafkabroker.Java()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, java, "-Xmx128m", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
		"-cp", classpath, "testdata/Consumer.java", brokers[0], cfg.Topic)
	var problems strings.Builder
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("consumer in Java: %v\n%s", err, problems.String())
	}
	got := strings.Split(strings.TrimSpace(string(out)), "\n")
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what the other consumer read (-want +got):\n%s", diff)
	}
}

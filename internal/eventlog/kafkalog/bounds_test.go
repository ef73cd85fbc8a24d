// Opening beside an election: brokers that do not know their ends yet are asked again.
package kafkalog

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"tidemark/internal/eventlog"
)

// TestOpeningWaitsForAnElection: the broker refuses to say where topics end, as a leader does
// until its followers have asked it once.
func TestOpeningWaitsForAnElection(t *testing.T) {
	brokers := fake(t)
	cfg := testConfig(brokers.ListenAddrs(), freshTopic(t))
	first := mustOpen(t, cfg, Deps{}, plantNothing)
	if err := first.Append(t.Context(), &eventlog.Batch{Records: []eventlog.Record{{Payload: []byte("before")}}}); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	const refusals = 40
	refused := 0
	brokers.ControlKey(kmsg.ListOffsets.Int16(), func(req kmsg.Request) (kmsg.Response, error, bool) {
		if refused == refusals {
			return nil, nil, false
		}
		brokers.KeepControl()
		refused++
		return refuseOffsets(req.(*kmsg.ListOffsetsRequest)), nil, true
	})
	l := mustOpen(t, cfg, Deps{}, plantNothing)
	if refused != refusals {
		t.Errorf("%d questions were refused, want %d", refused, refusals)
	}
	if got := l.End(0); got != 1 {
		t.Errorf("the log ends at %d, want 1", got)
	}
}

// refuseOffsets answers each partition with OFFSET_NOT_AVAILABLE.
func refuseOffsets(req *kmsg.ListOffsetsRequest) *kmsg.ListOffsetsResponse {
	resp := req.ResponseKind().(*kmsg.ListOffsetsResponse)
	for _, topic := range req.Topics {
		answer := kmsg.NewListOffsetsResponseTopic()
		answer.Topic = topic.Topic
		for _, p := range topic.Partitions {
			one := kmsg.NewListOffsetsResponseTopicPartition()
			one.Partition, one.ErrorCode = p.Partition, kerr.OffsetNotAvailable.Code
			answer.Partitions = append(answer.Partitions, one)
		}
		resp.Topics = append(resp.Topics, answer)
	}
	return resp
}

// What is left of a client's record where the log has forgotten its beginning.
package fold

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"tidemark/internal/event"
)

func TestPastRecordKeepsWhatLiesBeforeTheLog(t *testing.T) {
	row := func(o event.Offset) uint64 { return uint64(event.MakeRowID(3, o)) }
	google := &Origin{Place: &Place{EventTime: 100}, Source: "google"}
	mail := &Origin{Place: &Place{EventTime: 900}, Source: "mail"}
	whole := &ClientRecord{Number: row(5), ClientId: "c", Parts: []*Part{{Id: row(50)}}, Keys: make([]byte, keySize),
		History:    &History{Sessions: 4, FirstSession: google, LastOrigin: mail, LastOriginStart: 900},
		FirstEvent: &Place{EventTime: 100}, FirstRow: row(5), FirstPart: row(50), LastEventTime: 950}
	for name, c := range map[string]struct {
		start event.Offset
		began event.Time
		want  *ClientRecord // nil: the client was not known
	}{
		"it came behind the start": {5, 50, nil},
		"one source before": {10, 500, &ClientRecord{Number: row(5), ClientId: "c", FirstEvent: &Place{EventTime: 100}, FirstRow: row(5),
			LastEventTime: 100, History: &History{Sessions: 1, FirstSession: google}}},
		"both sources before": {40, 920, &ClientRecord{Number: row(5), ClientId: "c", FirstEvent: &Place{EventTime: 100}, FirstRow: row(5),
			LastEventTime: 100, History: &History{Sessions: 1, FirstSession: google, LastOrigin: mail, LastOriginStart: 900}}},
	} {
		record, err := whole.MarshalVT()
		if err != nil {
			t.Fatal(err)
		}
		past, err := PastRecord(record, c.start, c.began)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var got *ClientRecord
		if past != nil {
			got = &ClientRecord{}
			if err := got.UnmarshalVT(past); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(c.want, got, protocmp.Transform()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if _, err := PastRecord([]byte{0xff}, 1, 1); err == nil {
		t.Error("a record that does not decode has a past")
	}
}

// Made-up traffic on the wire: what arrives in the log is what was made up, over
// both of our ways in (S2, S5, S10, S13, S35).
package collect

import (
	"bytes"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/testing/protocmp"

	"tidemark/internal/event"
	"tidemark/internal/testkit/traffic"
)

func TestMadeUpTrafficArrivesAsItWasMade(t *testing.T) {
	cfg := traffic.DefaultConfig()
	cfg.Events, cfg.Start, cfg.Mix.Copies = 3000, noon, 0
	cfg.Properties = []traffic.Property{
		{ID: 101, MeasurementID: "G-UTC", Zone: "UTC", Currency: "USD", Host: "a.example", Weight: 2},
		{ID: 102, MeasurementID: "G-KATHMANDU", Zone: "Asia/Kathmandu", Currency: "NPR", Host: "b.example", Weight: 1},
	}
	source, err := traffic.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture(t, nil)
	native, measurement := 0, 0
	var want []*event.Event
	for sent, ok := source.Next(); ok; sent, ok = source.Next() {
		f.setClock(sent.At.Std())
		secret := f.registry.secrets[sent.Event.MeasurementId]
		target, body := "/v1/events?measurement_id="+sent.Event.MeasurementId, sent.AppendNative(nil, false)
		if sent.Protocol == traffic.MeasurementProtocol {
			target, body = "/mp/collect?api_secret="+secret+"&measurement_id="+sent.Event.MeasurementId, sent.AppendMP(nil)
			measurement++
		} else {
			native++
		}
		w := f.send(http.MethodPost, target, bytes.NewReader(body), "User-Agent", sent.Event.UserAgent)
		if w.Code >= 300 {
			t.Fatalf("%s: %d %s", body, w.Code, w.Body)
		}
		want = append(want, sent.Event)
	}
	if native < 100 || measurement < 100 {
		t.Fatalf("%d native, %d by Measurement Protocol: this test sees too little", native, measurement)
	}
	compareTraffic(t, f.events(t), want)
}

// compareTraffic matches events by key; what only the connection tells is not
// compared.
func compareTraffic(t *testing.T, got, want []*event.Event) {
	t.Helper()
	byKey := make(map[string]*event.Event)
	for _, e := range got {
		byKey[e.Key] = e
	}
	wrong := 0
	for _, w := range want {
		g := byKey[w.Key]
		if g == nil {
			t.Fatalf("event %v did not arrive", w)
		}
		ignored := []protoreflect.Name{"geo", "clock_fix", "index"}
		if w.Cookieless {
			ignored = append(ignored, "client_id")
		}
		diff := cmp.Diff(w, g, protocmp.Transform(), protocmp.IgnoreFields(new(event.Event), ignored...),
			protocmp.SortRepeated(func(a, b *event.Param) bool { return a.Key < b.Key }))
		if diff != "" {
			if wrong++; wrong <= 3 {
				t.Errorf("event %s (-made +arrived):\n%s", w.Key, diff)
			}
		}
	}
}

// Telemetry and the answers to what is not the sender's fault.
package collect

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

func TestTelemetryCountsWhatTheLedgerCounts(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	f := newFixture(t, func(_ *Config, d *Deps) { d.Registerer = reg })
	f.post("/v1/events?measurement_id=G-UTC", `[{"name":"a"},{"name":"b"},{"name":""}]`)
	f.post("/g/collect?tid=G-UTC&en=a", ``)
	want := map[string]float64{
		"tidemark_collector_events_accepted_total":               2,
		"tidemark_collector_events_refused_total no_event_name":  1,
		"tidemark_collector_events_refused_total no_client_id":   1,
		"tidemark_collector_requests_total native":               1,
		"tidemark_collector_requests_total gtag":                 1,
		"tidemark_collector_requests_total measurement_protocol": 0,
		"tidemark_collector_requests_failed_total memory":        0,
		"tidemark_collector_in_flight_bytes":                     0,
	}
	got := gather(t, reg)
	for name, n := range want {
		if value, ok := got[name]; !ok || value != n {
			t.Errorf("%s: got %v (there: %v), want %v", name, value, ok, n)
		}
	}
}

// gather returns all values by name and label.
func gather(t *testing.T, reg prometheus.Gatherer) map[string]float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := make(map[string]float64)
	for _, family := range families {
		for _, m := range family.GetMetric() {
			name := family.GetName()
			for _, label := range m.GetLabel() {
				name += " " + label.GetValue()
			}
			values[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return values
}

func TestARegistryThatDoesNotAnswerIsNotTheSendersFault(t *testing.T) {
	f := newFixture(t, nil)
	f.registry.change(func() { f.registry.err = errors.New("away") })
	for _, target := range []string{"/v1/events?measurement_id=G-UTC", "/g/collect?tid=G-UTC&cid=c&en=e", "/debug/mp/collect?measurement_id=G-UTC"} {
		w := f.post(target, `{"name":"a"}`)
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
			t.Errorf("%s: got %d, want 503 with Retry-After", target, w.Code)
		}
	}
	if len(f.counts(t)) != 0 {
		t.Errorf("counted %v, want nothing", f.counts(t))
	}
}

func TestD8StrangersWhoTryIDsAreAnsweredLater(t *testing.T) {
	f := newFixture(t, nil)
	busy := 0
	for i := range 2 * lookupsPerSec {
		w := f.post("/v1/events?measurement_id=G-"+strings.Repeat("X", 1+i%32)+strings.Repeat("Y", i/32), `{"name":"a"}`)
		if w.Code == http.StatusServiceUnavailable {
			busy++
		}
	}
	if busy == 0 {
		t.Error("never busy")
	}
}

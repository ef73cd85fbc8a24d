// Telemetry of the collector.
package collect

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

// telemetry holds the instruments, resolved: looking up a label for each event
// would cost more than counting.
type telemetry struct {
	accepted prometheus.Counter
	refused  map[event.RefuseReason]prometheus.Counter
	requests map[string]prometheus.Counter
	failures map[string]prometheus.Counter
}

// Why a whole request was turned away: labels of failures.
const (
	failMemory = "memory"   // too many bytes under way
	failLog    = "log"      // the event log did not take it
	failLookup = "registry" // the registry did not answer
	failBody   = "body"     // too slow, or gone
)

// newTelemetry makes the instruments and registers them unless reg is nil.
func newTelemetry(reg prometheus.Registerer, memory *inFlight) (*telemetry, error) {
	refused := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tidemark_collector_events_refused_total",
		Help: "Events refused, by reason. A jump means that a sender changed: see the property's ledger.",
	}, []string{"reason"})
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tidemark_collector_requests_total",
		Help: "Requests by protocol.",
	}, []string{"protocol"})
	failures := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tidemark_collector_requests_failed_total",
		Help: "Requests turned away whole, by what was missing. Senders retry; if it lasts, look there.",
	}, []string{"cause"})
	t := &telemetry{
		accepted: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tidemark_collector_events_accepted_total",
			Help: "Events that are durable in the event log.",
		}),
		refused:  make(map[event.RefuseReason]prometheus.Counter),
		requests: make(map[string]prometheus.Counter),
		failures: make(map[string]prometheus.Counter),
	}
	for _, why := range event.RefuseReasons() {
		t.refused[why] = refused.WithLabelValues(string(why))
	}
	for _, p := range []string{protocolNative, protocolMP, protocolGtag} {
		t.requests[p] = requests.WithLabelValues(p)
	}
	for _, cause := range []string{failMemory, failLog, failLookup, failBody} {
		t.failures[cause] = failures.WithLabelValues(cause)
	}
	if reg == nil {
		return t, nil
	}
	used := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "tidemark_collector_in_flight_bytes",
		Help: "Memory taken by requests under way. Near max_in_flight requests are answered 503.",
	}, func() float64 { return float64(memory.used.Load()) })
	return t, errors.Join(reg.Register(refused), reg.Register(requests), reg.Register(failures),
		reg.Register(t.accepted), reg.Register(used))
}

// counted adds the counts of a batch that is durable.
func (t *telemetry) counted(counts []eventlog.Count) {
	for _, c := range counts {
		if c.Reason == "" {
			t.accepted.Add(float64(c.N))
		} else if counter := t.refused[c.Reason]; counter != nil {
			counter.Add(float64(c.N))
		}
	}
}

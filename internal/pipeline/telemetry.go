// Telemetry of the processor.
package pipeline

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"tidemark/internal/ledger"
)

type telemetry struct {
	rows        prometheus.Counter
	checkpoints prometheus.Histogram
	// Failures of work that is tried again.
	upkeepFailures, writeFailures prometheus.Counter
	outcomes                      *prometheus.CounterVec
	lateness                      *prometheus.CounterVec
	visible                       prometheus.Histogram
}

func newTelemetry(reg prometheus.Registerer) *telemetry {
	t := &telemetry{
		rows: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tidemark_processor_rows_total",
			Help: "Event rows handed to the store. If it stands still while events are accepted, the processor hangs.",
		}),
		checkpoints: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "tidemark_processor_checkpoint_seconds",
			Help:    "Time from the beginning of a checkpoint to its commit. If it nears checkpoint_interval, the disk is too slow.",
			Buckets: prometheus.ExponentialBuckets(0.01, 2, 12),
		}),
	}
	t.upkeepFailures = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "tidemark_processor_upkeep_failures_total",
		Help: "Compactions and finalizations that failed and are tried again. If it grows, the store lacks memory or disk.",
	})
	t.writeFailures = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "tidemark_processor_segment_write_failures_total",
		Help: "Segment writes that failed and are tried again. Until one succeeds rows stay in memory and the log grows.",
	})
	t.outcomes = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tidemark_processor_events_total",
		Help: "Events by what became of them. contradicted beside stored is how often completeThrough was wrong; " +
			"if late or too_late grow, look at senders that queue, or at their clocks.",
	}, []string{"outcome"})
	t.lateness = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tidemark_processor_lateness_events_total",
		Help: "Stored events by how long after they happened they came, each in one bucket; under is its end in seconds.",
	}, []string{"under"})
	t.visible = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "tidemark_processor_visible_seconds",
		Help: "Time from accepting the oldest event of a round to its being visible in reports. If its 99th percentile " +
			"nears 1 second, the machine is too small for the load.",
		Buckets: prometheus.ExponentialBuckets(0.005, 2, 12),
	})
	if reg != nil {
		reg.MustRegister(t.rows, t.checkpoints, t.upkeepFailures, t.writeFailures, t.outcomes, t.lateness, t.visible)
	}
	return t
}

// watch registers what is read from p when telemetry is collected.
func (t *telemetry) watch(reg prometheus.Registerer, p *Processor) {
	if reg == nil {
		return
	}
	reg.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "tidemark_processor_lag_records",
			Help: "Records of the log that are not yet visible in reports. If it grows, the processor does not keep up.",
		}, func() float64 { return float64(p.progress().Lag) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "tidemark_processor_lag_seconds",
			Help: "How far processedThrough lies behind now. It is 0 at rest.",
		}, func() float64 {
			f := p.progress()
			return max(0, p.deps.now().Sub(f.ProcessedThrough).Seconds())
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "tidemark_processor_complete_lag_seconds",
			Help: "How far completeThrough lies behind now: how late events are that nearly all others precede.",
		}, func() float64 {
			f := p.progress()
			return max(0, p.deps.now().Sub(f.CompleteThrough).Seconds())
		}),
	)
}

// count adds outcomes that became visible.
func (t *telemetry) count(o *ledger.Outcomes) {
	for name, n := range map[string]int64{"stored": o.Stored, "duplicate": o.Duplicate, "too_late": o.TooLate,
		"expired": o.Expired, "late": o.Late, "clamped": o.Clamped, "contradicted": o.Contradicted} {
		t.outcomes.WithLabelValues(name).Add(float64(n))
	}
	for i, bound := range ledger.LatenessBounds() {
		t.lateness.WithLabelValues(strconv.Itoa(int(bound.Seconds()))).Add(float64(o.Lateness[i]))
	}
}

// Telemetry of the processor.
package pipeline

import "github.com/prometheus/client_golang/prometheus"

type telemetry struct {
	rows        prometheus.Counter
	checkpoints prometheus.Histogram
	// Failures of work that is tried again.
	upkeepFailures, writeFailures prometheus.Counter
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
	if reg != nil {
		reg.MustRegister(t.rows, t.checkpoints, t.upkeepFailures, t.writeFailures)
	}
	return t
}

// Telemetry of the processor.
package pipeline

import "github.com/prometheus/client_golang/prometheus"

type telemetry struct {
	rows        prometheus.Counter
	checkpoints prometheus.Histogram
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
	if reg != nil {
		reg.MustRegister(t.rows, t.checkpoints)
	}
	return t
}

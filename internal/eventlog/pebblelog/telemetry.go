// Telemetry of the log.
package pebblelog

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

type telemetry struct {
	commits     prometheus.Counter
	records     prometheus.Counter
	bytes       prometheus.Counter
	refused     prometheus.Counter
	failed      prometheus.Gauge
	syncSeconds prometheus.Histogram

	reg prometheus.Registerer
	all []prometheus.Collector
}

func newTelemetry(reg prometheus.Registerer, l *Log) (*telemetry, error) {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: "tidemark", Subsystem: "eventlog", Name: name, Help: help,
		})
	}
	t := &telemetry{
		commits: counter("commits_total",
			"Commits that are durable. Records per commit is how well appends share syncs."),
		records: counter("records_total", "Records that are durable."),
		bytes:   counter("bytes_total", "Bytes of records and counts that are durable, uncompressed."),
		refused: counter("refused_total",
			"Appends refused because the log is full or busy. If it grows, truncate, add disk, or slow down."),
		failed: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: "tidemark", Subsystem: "eventlog", Name: "failed",
			Help: "1 after a write failed: nothing is accepted until a restart. Look at the disk.",
		}),
		syncSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "tidemark", Subsystem: "eventlog", Name: "sync_seconds",
			Help:    "Seconds from the end of a commit's write to the end of its sync. If it grows, the disk is slow.",
			Buckets: prometheus.ExponentialBuckets(0.00005, 2, 18),
		}),
		reg: reg,
	}
	queued := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: "tidemark", Subsystem: "eventlog", Name: "queued_bytes",
		Help: "Bytes that wait for a commit. At max_queue_bytes appends are refused.",
	}, func() float64 {
		l.mu.Lock()
		defer l.mu.Unlock()
		return float64(l.queuedBytes)
	})
	t.all = []prometheus.Collector{
		t.commits, t.records, t.bytes, t.refused, t.failed, t.syncSeconds, queued,
	}
	if reg == nil {
		return t, nil
	}
	var errs []error
	for _, c := range t.all {
		errs = append(errs, reg.Register(c))
	}
	if err := errors.Join(errs...); err != nil {
		t.unregister()
		return nil, err
	}
	return t, nil
}

// unregister makes room for the log that is opened next.
func (t *telemetry) unregister() {
	if t.reg == nil {
		return
	}
	for _, c := range t.all {
		t.reg.Unregister(c)
	}
}

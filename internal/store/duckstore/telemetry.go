// Telemetry of the store.
package duckstore

import (
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidemark/internal/store"
)

type telemetry struct {
	appended  prometheus.Counter
	written   *prometheus.CounterVec
	segments  prometheus.Gauge
	headBytes prometheus.Gauge
	queries   *prometheus.HistogramVec
	refused   prometheus.Counter
	recalled  prometheus.Counter
	drafts    prometheus.Histogram
}

func newTelemetry(reg prometheus.Registerer) (*telemetry, error) {
	t := &telemetry{
		appended: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tidemark_store_appended_events_total",
			Help: "Event rows appended to heads. Stands still: the processor is stuck.",
		}),
		written: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tidemark_store_written_bytes_total",
			Help: "Bytes of segment files written, by table, compaction included.",
		}, []string{"table"}),
		segments: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "tidemark_store_segments",
			Help: "Segments in the installed manifest. Grows without end: compaction is behind.",
		}),
		headBytes: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "tidemark_store_head_bytes",
			Help: "Memory of rows that are in no segment yet. Grows without end: no checkpoint succeeds.",
		}),
		queries: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "tidemark_store_query_seconds",
			Help:    "Time to answer a plan, waiting for a slot included, by relation.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 16),
		}, []string{"relation"}),
		refused: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tidemark_store_exhausted_queries_total",
			Help: "Queries ended for want of memory or time. Grows: raise limits or narrow reports.",
		}),
		recalled: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tidemark_store_recalled_answers_total",
			Help: "Plans answered from memory. Stands still beside many queries: properties change all the time, or " +
				"the memory for answers is too small.",
		}),
		drafts: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "tidemark_store_draft_seconds",
			Help:    "Time to make a draft of a property's young days. Many: much traffic; store.draft_after says who gets one.",
			Buckets: prometheus.ExponentialBuckets(0.1, 2, 12),
		}),
	}
	if reg == nil {
		return t, nil
	}
	for _, c := range []prometheus.Collector{t.appended, t.written, t.segments, t.headBytes, t.queries, t.refused, t.recalled, t.drafts} {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("register store telemetry: %w", err)
		}
	}
	return t, nil
}

func (t *telemetry) observe(r store.Relation, d time.Duration, err error) {
	name := [...]string{"events", "sessions", "event_sessions"}
	if int(r) < len(name) {
		t.queries.WithLabelValues(name[r]).Observe(d.Seconds())
	}
	if errors.Is(err, store.ErrResources) {
		t.refused.Inc()
	}
}

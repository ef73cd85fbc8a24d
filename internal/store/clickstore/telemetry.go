// Telemetry of the store.
package clickstore

import (
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidemark/internal/store"
)

type telemetry struct {
	rows     *prometheus.CounterVec
	inserts  prometheus.Histogram
	repeated prometheus.Counter
	lost     prometheus.Counter
	queries  *prometheus.HistogramVec
	refused  prometheus.Counter
}

func newTelemetry(reg prometheus.Registerer) (*telemetry, error) {
	t := &telemetry{
		rows: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tidemark_clickstore_inserted_rows_total",
			Help: "Rows sent to ClickHouse, by table, those it knew already included. Stands still: processors are stuck.",
		}, []string{"table"}),
		inserts: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "tidemark_clickstore_insert_seconds",
			Help:    "Time to insert a batch. Grows: ClickHouse is busy, merges are behind, or replicas are slow.",
			Buckets: prometheus.ExponentialBuckets(0.005, 2, 15),
		}),
		repeated: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tidemark_clickstore_found_blocks_total",
			Help: "Blocks of a batch that was tried again and that were there already. Grows all the time: inserts fail after they succeeded.",
		}),
		lost: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tidemark_clickstore_lost_blocks_total",
			Help: "Blocks that ClickHouse claimed to have and had not, and that were inserted again. It was killed in the middle of an insert, or lost a part.",
		}),
		queries: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "tidemark_clickstore_query_seconds",
			Help:    "Time to answer a plan, by relation.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 16),
		}, []string{"relation"}),
		refused: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tidemark_clickstore_exhausted_queries_total",
			Help: "Queries ended for want of memory or time. Grows: raise limits or narrow reports.",
		}),
	}
	if reg == nil {
		return t, nil
	}
	for _, c := range []prometheus.Collector{t.rows, t.inserts, t.repeated, t.lost, t.queries, t.refused} {
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

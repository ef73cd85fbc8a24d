// Telemetry of the processor, and how far each partition is behind.
package owned

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// lag is how far a partition's visible rows have come; others may read it.
type lag struct {
	sync.Mutex
	next  event.Offset
	clock event.Time
}

func (l *lag) set(next event.Offset, clock event.Time) {
	l.Lock()
	defer l.Unlock()
	l.next, l.clock = next, clock
}

type telemetry struct {
	rows     prometheus.Counter
	batches  prometheus.Histogram
	visible  prometheus.Histogram
	upkeep   prometheus.Histogram
	failures *prometheus.CounterVec
}

func newTelemetry(reg prometheus.Registerer, p *Processor) *telemetry {
	t := &telemetry{
		rows: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tidemark_owned_rows_total",
			Help: "Event rows inserted into the shared store. If it stands still while events are accepted, no partition gets on.",
		}),
		batches: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "tidemark_owned_batch_seconds",
			Help:    "Time from reading a batch to its end. If it nears batch_interval, store, intents or states are slow.",
			Buckets: prometheus.ExponentialBuckets(0.01, 2, 12),
		}),
		visible: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "tidemark_owned_visible_seconds",
			Help:    "Time from accepting the oldest event of a batch to its being visible in reports.",
			Buckets: prometheus.ExponentialBuckets(0.02, 2, 12),
		}),
		upkeep: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "tidemark_owned_upkeep_seconds",
			Help:    "Time of a round of upkeep of the shared store. One process at a time does it; if none does, no day becomes final.",
			Buckets: prometheus.ExponentialBuckets(0.01, 4, 8),
		}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tidemark_owned_failures_total",
			Help: "Steps that failed and are tried again, by step. While one does, its partition lags.",
		}, []string{"step"}),
	}
	if reg != nil {
		reg.MustRegister(t.rows, t.batches, t.visible, t.upkeep, t.failures,
			prometheus.NewGaugeFunc(prometheus.GaugeOpts{
				Name: "tidemark_owned_partitions",
				Help: "Partitions that this process works on. Over all processes it should be the number of partitions.",
			}, func() float64 { return float64(len(p.Owned())) }),
			prometheus.NewGaugeFunc(prometheus.GaugeOpts{
				Name: "tidemark_owned_lag_records",
				Help: "Records of the partitions of this process that are not yet visible in reports.",
			}, func() float64 { return float64(p.lag()) }),
		)
	}
	return t
}

func (p *Processor) lag() (records uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, o := range p.owners {
		end := p.deps.Log.End(id)
		o.lag.Lock()
		if o.lag.next < end {
			records += uint64(end - o.lag.next)
		}
		o.lag.Unlock()
	}
	return records
}

// visibleRows counts rows that can be seen now (D4).
func (t *telemetry) visibleRows(b *store.SharedBatch, now time.Time) {
	t.rows.Add(float64(len(b.Events)))
	if len(b.Events) == 0 {
		return
	}
	oldest := b.Events[0].IngestTime
	for i := range b.Events {
		oldest = min(oldest, b.Events[i].IngestTime)
	}
	t.visible.Observe(max(0, event.TimeOf(now).Sub(oldest).Seconds()))
}

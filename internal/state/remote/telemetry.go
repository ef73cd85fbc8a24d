// Telemetry of saves and fetches.
package remote

import (
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type telemetry struct {
	save, fetch flow
	pruned      prometheus.Counter
}

// flow is one direction.
type flow struct {
	seconds               prometheus.Histogram
	moved, reused, failed prometheus.Counter
}

func newTelemetry(reg prometheus.Registerer) (*telemetry, error) {
	t := &telemetry{
		save:  newFlow("save", "uploaded", "If it nears the time between batches, saves hold up the processor: the object store is slow or far away."),
		fetch: newFlow("fetch", "fetched", "A partition that moves stands still for as long."),
		pruned: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tidemark_state_pruned_objects_total",
			Help: "Objects of former states deleted from the object store. If it stands still while states are saved, the bucket grows.",
		}),
	}
	if reg == nil {
		return t, nil
	}
	var errs []error
	for _, c := range []prometheus.Collector{t.save.seconds, t.save.moved, t.save.reused, t.save.failed,
		t.fetch.seconds, t.fetch.moved, t.fetch.reused, t.fetch.failed, t.pruned} {
		errs = append(errs, reg.Register(c))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("register telemetry: %w", err)
	}
	return t, nil
}

func newFlow(verb, moved, meaning string) flow {
	counter := func(what, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "tidemark_state_" + verb + "_" + what, Help: help})
	}
	return flow{
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "tidemark_state_" + verb + "_seconds",
			Help:    "Time of one " + verb + " of a partition's state. " + meaning,
			Buckets: prometheus.ExponentialBuckets(0.01, 2, 14),
		}),
		moved:  counter("bytes_total", "Bytes "+moved+". Much more than what commits write: compactions, which write tables again."),
		reused: counter("reused_bytes_total", "Bytes that were not "+moved+", since they were there. If it stands still, each "+verb+" moves all of the state."),
		failed: counter("failures_total", "Times that it failed. If it grows, look at the object store and at the log."),
	}
}

func (f *flow) done(begun time.Time, stats Stats, err error) {
	if err != nil {
		f.failed.Inc()
		return
	}
	f.seconds.Observe(time.Since(begun).Seconds())
	f.moved.Add(float64(stats.Moved))
	f.reused.Add(float64(stats.Reused))
}

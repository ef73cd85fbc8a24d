// Telemetry of the log.
package kafkalog

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

type telemetry struct {
	records  prometheus.Counter
	bytes    prometheus.Counter
	refused  prometheus.Counter
	unknown  prometheus.Counter
	fetches  prometheus.Counter
	dataLoss prometheus.Counter
	failed   prometheus.Gauge

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
		records: counter("records_total", "Records that are durable."),
		bytes:   counter("bytes_total", "Bytes of records that are durable, uncompressed."),
		refused: counter("refused_total",
			"Appends refused because the queue is full or brokers do not answer. If it grows, look at the brokers."),
		unknown: counter("unknown_total",
			"Appends whose outcome is unknown, at least in part. If it grows, look at the brokers, or raise append_timeout."),
		fetches: counter("fetches_total",
			"Fetches for readers that are behind the records kept in memory. If it grows all the time, raise tail_bytes."),
		dataLoss: counter("data_loss_total",
			"Times a broker did not know what it had acknowledged. Anything but 0: look for unclean leader elections."),
		failed: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: "tidemark", Subsystem: "eventlog", Name: "failed",
			Help: "1 after the log could no longer be followed: nothing is processed until a restart. The log says why.",
		}),
		reg: reg,
	}
	queued := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: "tidemark", Subsystem: "eventlog", Name: "queued_bytes",
		Help: "Bytes that wait for brokers. At max_queue_bytes appends are refused.",
	}, func() float64 { return float64(l.queue.bytes()) })
	t.all = []prometheus.Collector{t.records, t.bytes, t.refused, t.unknown, t.fetches, t.dataLoss, t.failed, queued}
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

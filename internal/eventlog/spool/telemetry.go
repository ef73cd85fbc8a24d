// Telemetry of the spool.
package spool

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"tidemark/internal/event"
)

type telemetry struct {
	spooled   prometheus.Counter
	bytes     prometheus.Counter
	forwarded prometheus.Counter
	again     prometheus.Counter
	unknown   prometheus.Counter
	refused   prometheus.Counter
	aside     prometheus.Counter
	failed    prometheus.Gauge

	reg prometheus.Registerer
	all []prometheus.Collector
}

func newTelemetry(reg prometheus.Registerer, s *Spool) (*telemetry, error) {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: "tidemark", Subsystem: "spool", Name: name, Help: help,
		})
	}
	gauge := func(name, help string, f func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Namespace: "tidemark", Subsystem: "spool", Name: name, Help: help,
		}, f)
	}
	t := &telemetry{
		spooled: counter("records_total", "Records that went to the disk because the far log did not take them."),
		bytes:   counter("bytes_total", "Bytes of frames that went to the disk."),
		forwarded: counter("forwarded_total",
			"Records of the disk that the far log has taken since. Behind records_total as long as some wait."),
		again: counter("forwarded_again_total",
			"Records that were forwarded although the far log may have had them. They count as duplicates, nowhere else."),
		unknown: counter("unknown_total",
			"Appends that went to the disk although the far log may have them. If it grows, look at the brokers, or raise max_far_wait."),
		refused: counter("refused_total",
			"Appends refused because the disk is at its bound or the oldest record too old. Senders got 503: bring the brokers back."),
		aside: counter("set_aside_total",
			"Appends that the far log refuses for good, kept as files. Anything but 0: see the log for why."),
		failed: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: "tidemark", Subsystem: "spool", Name: "failed",
			Help: "1 after the spool could no longer be read: nothing is forwarded until a restart. The log says why.",
		}),
		reg: reg,
	}
	t.all = []prometheus.Collector{
		t.spooled, t.bytes, t.forwarded, t.again, t.unknown, t.refused, t.aside, t.failed,
		gauge("partitions", "Partitions whose appends go to the disk. Anything but 0 for long: look at the brokers.",
			func() float64 { return float64(s.State().Near) }),
		gauge("waiting_appends", "Appends on the disk that wait for the far log.",
			func() float64 { return float64(s.State().Frames) }),
		gauge("disk_bytes", "Bytes of disk that the spool takes.",
			func() float64 { used, _ := s.Usage(); return float64(used) }),
		gauge("oldest_seconds", "Age of the oldest record that is not in the far log. At max_age appends are refused.", s.oldestSeconds),
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

func (s *Spool) oldestSeconds() float64 {
	oldest, ok := s.Oldest()
	if !ok {
		return 0
	}
	return event.TimeOf(s.deps.Clock()).Sub(oldest).Seconds()
}

// unregister makes room for the spool that is opened next.
func (t *telemetry) unregister() {
	if t.reg == nil {
		return
	}
	for _, c := range t.all {
		t.reg.Unregister(c)
	}
}

// Telemetry of an archiver.
package archive

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

type telemetry struct {
	days, bytes, rows, gone, swept, failures prometheus.Counter
	behind                                   prometheus.Gauge
}

func newTelemetry(reg prometheus.Registerer) (*telemetry, error) {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "tidemark", Subsystem: "archive", Name: name, Help: help})
	}
	t := &telemetry{
		days:     counter("days_total", "Editions of final days that were archived."),
		bytes:    counter("bytes_total", "Bytes of Parquet files that were archived."),
		rows:     counter("rows_total", "Rows that were archived, of events and sessions."),
		gone:     counter("gone_days_total", "Archived days whose rows were taken out, since they are not kept any longer."),
		swept:    counter("swept_objects_total", "Objects that were deleted: of former editions, or of archivers that ended early."),
		failures: counter("failures_total", "Rounds that failed; the log says why. If it grows, final days are not archived, and erased rows may still be there."),
		behind: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "tidemark", Subsystem: "archive", Name: "behind_days",
			Help: "Final days, over all properties, that the last round left unarchived. If it does not go back to 0, the log says why."}),
	}
	if reg == nil {
		return t, nil
	}
	for _, c := range []prometheus.Collector{t.days, t.bytes, t.rows, t.gone, t.swept, t.failures, t.behind} {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("register telemetry of the archive: %w", err)
		}
	}
	return t, nil
}

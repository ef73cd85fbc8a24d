// Telemetry of role api.
package api

import (
	"fmt"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type telemetry struct {
	requests  *prometheus.CounterVec
	seconds   *prometheus.HistogramVec
	listeners prometheus.Gauge
	dropped   prometheus.Counter
	throttled prometheus.Counter
}

func newTelemetry(reg prometheus.Registerer) (*telemetry, error) {
	t := &telemetry{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tidemark_api_requests_total",
			Help: "Requests by route and status. Many 5xx: see the log; many 401: a read key was revoked."}, []string{"route", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "tidemark_api_request_seconds",
			Help:    "Seconds until a request was answered, by route. Live streams last as long as they are listened to.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2.5, 12)}, []string{"route"}),
		listeners: prometheus.NewGauge(prometheus.GaugeOpts{Name: "tidemark_api_tail_listeners",
			Help: "Open live streams."}),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{Name: "tidemark_api_tail_dropped_events_total",
			Help: "Events that a live stream's reader was too slow for. They are in reports all the same."}),
		throttled: prometheus.NewCounter(prometheus.CounterOpts{Name: "tidemark_api_throttled_logins_total",
			Help: "Login attempts that were turned away unread. A steady rise: somebody guesses passwords."}),
	}
	for _, c := range []prometheus.Collector{t.requests, t.seconds, t.listeners, t.dropped, t.throttled} {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("register api telemetry: %w", err)
		}
	}
	return t, nil
}

func (t *telemetry) served(route string, code int, took time.Duration) {
	t.requests.WithLabelValues(route, strconv.Itoa(code)).Inc()
	t.seconds.WithLabelValues(route).Observe(took.Seconds())
}

// Health: is the process alive, and may it be sent traffic?
package obs

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// checkTimeout bounds one /readyz. Load balancers ask every few seconds and
// take silence for no.
const checkTimeout = 2 * time.Second

// Check returns nil when a part can do its work, else why not.
type Check func(ctx context.Context) error

// Health is the list of named checks.
type Health struct {
	mu     sync.Mutex
	checks map[string]Check
}

// NewHealth returns a list without checks: ready at once.
func NewHealth() *Health { return &Health{checks: map[string]Check{}} }

// Set adds a check or replaces the one of that name.
func (h *Health) Set(name string, c Check) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.checks[name] = c
}

// CheckResult is the outcome of one check. OK has no Reason.
type CheckResult struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Reason string `json:"reason,omitempty"`
}

// Ready runs all checks at once and returns their results by name.
func (h *Health) Ready(ctx context.Context) (bool, []CheckResult) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	h.mu.Lock()
	results := make(chan CheckResult, len(h.checks))
	waiting := make(map[string]bool, len(h.checks))
	for name, check := range h.checks {
		waiting[name] = true
		go func() { results <- outcome(ctx, name, check) }()
	}
	h.mu.Unlock()

	ready := true
	var out []CheckResult
	for len(waiting) > 0 && ctx.Err() == nil {
		select {
		case r := <-results:
			delete(waiting, r.Name)
			out = append(out, r)
			ready = ready && r.OK
		case <-ctx.Done():
		}
	}
	for name := range waiting { // a check that does not listen to its context
		out = append(out, CheckResult{Name: name, Reason: "does not answer"})
		ready = false
	}
	slices.SortFunc(out, func(a, b CheckResult) int { return strings.Compare(a.Name, b.Name) })
	return ready, out
}

func outcome(ctx context.Context, name string, check Check) CheckResult {
	if err := check(ctx); err != nil {
		return CheckResult{Name: name, Reason: err.Error()}
	}
	return CheckResult{Name: name, OK: true}
}

// Routes adds /healthz, /readyz and /metrics.
func Routes(mux *http.ServeMux, h *Health, reg *prometheus.Registry) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte("ok\n"))
	})
	mux.HandleFunc("GET /readyz", h.serveReady)
	mux.Handle("GET /metrics", TelemetryHandler(reg))
}

func (h *Health) serveReady(w http.ResponseWriter, r *http.Request) {
	ready, results := h.Ready(r.Context())
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if !ready {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	body := struct {
		Ready  bool          `json:"ready"`
		Checks []CheckResult `json:"checks"`
	}{ready, append([]CheckResult{}, results...)}
	_ = json.NewEncoder(w).Encode(body) // the client may be gone
}

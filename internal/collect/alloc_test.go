// The allocation budget of the hot path. What it spends on top of this, net/http
// and the log spend.
package collect

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestAllocationsStayWithinTheirBudget(t *testing.T) {
	for _, c := range []struct {
		name, target, body string
		budget             float64
	}{
		{"one event", "/v1/events?measurement_id=G-UTC", benchEvent, 26},
		{"a hundred", "/v1/events?measurement_id=G-UTC", "[" + strings.Repeat(benchEvent+",", 99) + benchEvent + "]", 350},
		{"measurement protocol", "/mp/collect?measurement_id=G-UTC&api_secret=sesame", benchMP, 20},
		{"tag", benchTag, "", 32},
	} {
		f := newFixture(t, func(_ *Config, d *Deps) { d.Log = nothingLog{} })
		f.newKey = func() string { return "random" }
		r := newRequest(c.target, c.body)
		r.Header.Set("User-Agent", benchAgent)
		reader := strings.NewReader(c.body)
		r.Body = io.NopCloser(reader)
		w := &countingWriter{header: make(http.Header)}
		got := testing.AllocsPerRun(100, func() {
			reader.Reset(c.body)
			f.handler.ServeHTTP(w, r)
		})
		if got > c.budget || w.code >= 300 {
			t.Errorf("%s: %v allocations, budget %v (answer %d)", c.name, got, c.budget, w.code)
		}
		t.Logf("%s: %v allocations", c.name, got)
	}
}

// Simulated traffic against a server that listens, one that is busy, one that
// refuses, and the clock.
package simulate

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/event"
	"tidemark/internal/testkit/traffic"
)

// listener remembers the keys that it accepted.
type listener struct {
	*httptest.Server
	mu      sync.Mutex
	keys    map[string]int
	secrets map[string]bool
	refuse  func(n int64) int // status of the nth request, 0 to accept
	n       atomic.Int64
}

func listen(t *testing.T) *listener {
	l := &listener{keys: map[string]int{}, secrets: map[string]bool{}, refuse: func(int64) int { return 0 }}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if status := l.refuse(l.n.Add(1)); status != 0 {
			w.WriteHeader(status)
			return
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.keys[keyOf(t, r.URL.Path, body)]++
		if secret := r.URL.Query().Get("api_secret"); secret != "" {
			l.secrets[r.URL.Query().Get("measurement_id")+secret] = true
		}
		_, _ = io.WriteString(w, `{"accepted":1,"refused":[]}`)
	}))
	t.Cleanup(l.Close)
	return l
}

// keyOf returns the event key of a request, whatever its protocol.
func keyOf(t *testing.T, path string, body []byte) string {
	var native struct {
		EventID string `json:"event_id"`
	}
	var mp struct {
		Events []struct {
			Params struct {
				EventID string `json:"event_id"`
			} `json:"params"`
		} `json:"events"`
	}
	var err error
	if path == "/mp/collect" {
		if err = json.Unmarshal(body, &mp); err == nil && len(mp.Events) == 1 {
			return mp.Events[0].Params.EventID
		}
	} else if err = json.Unmarshal(body, &native); err == nil && native.EventID != "" {
		return native.EventID
	}
	t.Errorf("%s: %s has no key: %v", path, body, err)
	return ""
}

func config(l *listener, events int) Config {
	c := traffic.DefaultConfig()
	c.Events, c.Rate, c.IsFlat, c.Mix.Copies, c.Mix.MeasurementProt = events, 2, true, 0.1, 0.3
	secrets := map[string]string{}
	for _, p := range c.Properties {
		secrets[p.MeasurementID] = "secret"
	}
	return Config{URL: l.URL, Traffic: c, Secrets: secrets, Past: 2 * time.Hour, Connections: 4}
}

func recorded(t *testing.T, record []byte) (keys map[string]int, copies int) {
	t.Helper()
	keys = map[string]int{}
	for line := range bytes.Lines(record) {
		r, err := traffic.ParseRecord(line)
		if err != nil {
			t.Fatal(err)
		}
		keys[r.Key]++
		if r.IsCopy {
			copies++
		}
	}
	return keys, copies
}

func TestSM2_RecordHasWhatWasAnswered(t *testing.T) {
	l := listen(t)
	var record bytes.Buffer
	var last Totals
	totals, err := Run(t.Context(), config(l, 500), Deps{
		Client: l.Client(), Record: &record, Progress: func(n Totals) { last = n },
	})
	if err != nil {
		t.Fatal(err)
	}
	keys, copies := recorded(t, record.Bytes())
	if diff := cmp.Diff(l.keys, keys); diff != "" {
		t.Errorf("keys (-server +record):\n%s", diff)
	}
	if totals.Sent != 500 || totals.Copies != copies || copies == 0 || totals.Lost != 0 || last != totals {
		t.Errorf("got totals %+v, last progress %+v, %d copies in the record", totals, last, copies)
	}
	if len(l.secrets) == 0 {
		t.Error("nothing came by the Measurement Protocol with its secret")
	}
}

func TestSM1_EventIsSentAgainUntilAnswered(t *testing.T) {
	l := listen(t)
	l.refuse = func(n int64) int {
		if n%3 == 0 {
			return http.StatusServiceUnavailable
		}
		return 0
	}
	var record bytes.Buffer
	totals, err := Run(t.Context(), config(l, 30), Deps{Client: l.Client(), Record: &record})
	if err != nil {
		t.Fatal(err)
	}
	keys, _ := recorded(t, record.Bytes())
	if diff := cmp.Diff(l.keys, keys); diff != "" || totals.Sent != 30 || totals.Retries == 0 {
		t.Errorf("got totals %+v, keys (-server +record):\n%s", totals, diff)
	}
}

func TestRefusedRequestEndsTheRun(t *testing.T) {
	l := listen(t)
	l.refuse = func(int64) int { return http.StatusForbidden }
	totals, err := Run(t.Context(), config(l, 30), Deps{Client: l.Client()})
	if err == nil || totals.Sent != 0 {
		t.Errorf("got %+v, %v, want an error", totals, err)
	}
}

func TestEndOfContextIsNoErrorAndCountsTheLost(t *testing.T) {
	l := listen(t)
	ctx, cancel := context.WithCancel(t.Context())
	l.refuse = func(int64) int { cancel(); return http.StatusServiceUnavailable }
	totals, err := Run(ctx, config(l, 30), Deps{Client: l.Client()})
	if err != nil || totals.Sent != 0 || totals.Lost == 0 {
		t.Errorf("got %+v, %v", totals, err)
	}
}

func TestSM1_NoEventIsSentBeforeItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		times := []time.Duration{-time.Hour, 0, time.Second, 3 * time.Second}
		i := 0
		next := func() (traffic.Sent, bool) {
			if i == len(times) {
				return traffic.Sent{}, false
			}
			i++
			return traffic.Sent{At: event.TimeOf(began.Add(times[i-1]))}, true
		}
		due := make(chan traffic.Sent)
		go func() {
			pace(t.Context(), next, due)
			close(due)
		}()
		var got []time.Duration
		for range due {
			got = append(got, time.Since(began).Round(time.Millisecond))
		}
		if diff := cmp.Diff([]time.Duration{0, 0, time.Second, 3 * time.Second}, got); diff != "" {
			t.Errorf("times (-want +got):\n%s", diff)
		}
	})
}

func TestFastTrafficMustFitIntoADay(t *testing.T) {
	if past, err := FastPast(1000, 100); err != nil || past > time.Hour {
		t.Errorf("got %v, %v", past, err)
	}
	for _, events := range []int{0, 1_000_000} {
		if past, err := FastPast(events, 1); err == nil {
			t.Errorf("%d events: got %v, want an error", events, past)
		}
	}
}

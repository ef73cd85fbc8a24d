// Probes: how long a sender or a reader that knows all processes of a role finds none that answers (D11), and how
// long what was acknowledged takes until a report has it.
package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"tidemark/internal/testkit/process"
)

// probes ask while things happen to a cluster.
type probes struct {
	t           *testing.T
	credentials credentials

	mu      sync.Mutex
	urls    map[string][]string // by role
	longest map[string]time.Duration
	since   map[string]string // what was happening in the longest
	now     string            // what is happening

	stop context.CancelFunc
	wg   sync.WaitGroup
}

// probeEvery is the distance of two questions of one probe.
const probeEvery = 50 * time.Millisecond

func startProbes(t *testing.T, c *cluster) *probes {
	t.Helper()
	p := &probes{t: t, urls: map[string][]string{}, longest: map[string]time.Duration{}, since: map[string]string{}}
	out := process.Command(t, binary, "property", "create", "--config", c.config, "--name", "Probes", "--json")
	if err := json.Unmarshal(out, &p.credentials); err != nil {
		t.Fatalf("decode %s: %v", out, err)
	}
	p.know(c, "start")
	ctx, stop := context.WithCancel(context.Background())
	p.stop = stop
	n := 0
	p.run(ctx, "collector", func(url string) bool {
		n++
		body := fmt.Sprintf(`{"name":"page_view","event_id":"p%d","client_id":"p%d","url":"https://probe.example/"}`, n, n%10)
		return p.answers(ctx, http.MethodPost, url+"/v1/events?measurement_id="+p.credentials.MeasurementID, body)
	})
	p.run(ctx, "api", func(url string) bool {
		return p.answers(ctx, http.MethodPost, url+"/v1beta/properties/"+p.credentials.Property+":runReport",
			`{"metrics":[{"name":"eventCount"}],`+lastDays+`}`)
	})
	t.Cleanup(p.end)
	return p
}

// know tells the probes where processes are, and what happens from now on.
func (p *probes) know(c *cluster, now string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = now
	p.urls["collector"], p.urls["api"] = c.urls(c.collectors), c.urls(c.apis)
}

// run asks one process of the role after the other until one answers.
func (p *probes) run(ctx context.Context, role string, ask func(url string) bool) {
	p.wg.Go(func() {
		clock := time.NewTicker(probeEvery)
		defer clock.Stop()
		last := time.Now()
		for ctx.Err() == nil {
			p.mu.Lock()
			urls := append([]string(nil), p.urls[role]...)
			p.mu.Unlock()
			for _, url := range urls {
				if ask(url) {
					p.good(role, time.Since(last))
					last = time.Now()
					break
				}
			}
			select {
			case <-clock.C:
			case <-ctx.Done():
			}
		}
	})
}

func (p *probes) good(role string, gap time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if gap > p.longest[role] {
		p.longest[role], p.since[role] = gap, p.now
	}
}

// answers tells whether the answer was 200 and came soon.
func (p *probes) answers(ctx context.Context, method, url, body string) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader([]byte(body)))
	if err != nil {
		return false
	}
	req.Header.Set("Authorization", "Bearer "+p.credentials.ReadKey)
	req.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err == nil && resp.StatusCode == http.StatusOK
}

func (p *probes) end() {
	p.stop()
	p.wg.Wait()
}

// report says what was longest.
func (p *probes) report() {
	p.end()
	for _, role := range []string{"collector", "api"} {
		p.t.Logf("%s: no process answered for at most %v (while: %s)", role, p.longest[role].Round(time.Millisecond), p.since[role])
	}
}

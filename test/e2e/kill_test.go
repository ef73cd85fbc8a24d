// D1, D2, D6 under kill -9: whatever was acknowledged is in the reports exactly
// once, however often and whenever the server is killed.
package e2e

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"tidemark/internal/testkit/process"
)

// killRounds is how often the server is killed; TIDEMARK_KILL_ROUNDS overrides it.
const killRounds = 50

// hurried makes checkpoints, final days and compaction as often as can be, so
// that kills meet all of them.
const hurried = `processor:
  checkpoint_events: 400
  checkpoint_interval: 150ms
  upkeep_interval: 40ms
log:
  level: info
`

func TestKillLosesAndDoublesNothingD1D2(t *testing.T) {
	rounds := killRounds
	if text := os.Getenv("TIDEMARK_KILL_ROUNDS"); text != "" {
		rounds = number(t, text)
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "hurried.yaml")
	if err := os.WriteFile(config, []byte(hurried), 0o600); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	c := createProperty(t, data)
	senders := &senders{credentials: c}

	var slowest time.Duration
	for round := range rounds {
		s := process.Start(t, binary, "serve", data, "--config", config)
		slowest = max(slowest, s.ReadyAfter)
		senders.start(s.URL, 6, random.Uint64())
		senders.waitFor(random.IntN(300))
		s.Kill()
		senders.stop()
		if round%10 == 9 {
			s := process.Start(t, binary, "serve", data, "--config", config)
			senders.check(t, s)
			s.Kill()
		}
	}
	s := process.Start(t, binary, "serve", data, "--config", config)
	senders.check(t, s)
	if err := s.Terminate(); err != nil {
		t.Errorf("stop in good order: %v\n%s", err, s.Output())
	}
	s = process.Start(t, binary, "serve", data, "--config", config)
	senders.check(t, s)
	t.Logf("%d kills, %d events acknowledged, slowest start %v", rounds, len(senders.acknowledged), slowest)
	if len(senders.acknowledged) < rounds {
		t.Errorf("only %d events were acknowledged: the test had nothing to lose", len(senders.acknowledged))
	}
}

// senders send events until the server dies. Events whose answer did not come are
// sent again, with the same key, to the next one (S7).
type senders struct {
	credentials credentials
	pace        <-chan time.Time // a request for each; nil: as fast as it goes

	wg   sync.WaitGroup
	quit chan struct{}

	mu           sync.Mutex
	next         int
	acknowledged []int
	unanswered   []int
	answers      chan struct{} // one for each request acknowledged
}

// waitFor returns when n more requests were acknowledged: others are under way.
func (s *senders) waitFor(n int) {
	for range n {
		<-s.answers
	}
}

func (s *senders) start(url string, n int, seed uint64) { s.startAt([]string{url}, n, seed) }

// startAt lets each sender have one of several servers.
func (s *senders) startAt(urls []string, n int, seed uint64) {
	s.quit, s.answers = make(chan struct{}), make(chan struct{}, 1<<20)
	for i := range n {
		random := rand.New(rand.NewPCG(seed, uint64(i)))
		s.wg.Go(func() {
			for s.send(urls[i%len(urls)], 1+random.IntN(20), random) {
			}
		})
	}
}

func (s *senders) stop() {
	close(s.quit)
	s.wg.Wait()
}

// take returns events to send: unanswered ones first.
func (s *senders) take(n int) []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := min(n, len(s.unanswered))
	out := append([]int(nil), s.unanswered[:k]...)
	s.unanswered = s.unanswered[k:]
	for len(out) < n {
		out = append(out, s.next)
		s.next++
	}
	return out
}

// clientOf is whose an event is. There are new ones from time to time: of each only so many keys are remembered (S38).
func clientOf(e int) int { return e%40 + 40*(e/100_000) }

// send returns false when it is time to stop.
func (s *senders) send(url string, n int, random *rand.Rand) bool {
	events := s.take(n)
	var body bytes.Buffer
	for _, e := range events {
		client := clientOf(e)
		fmt.Fprintf(&body, `{"name":"page_view","event_id":"k%d","client_id":"c%d","url":"https://shop.example/e/%d","time":%d}`+"\n",
			e, client, e, time.Now().Add(-time.Duration(random.IntN(3600))*time.Second).UnixMilli())
	}
	resp, err := http.Post(url+"/v1/events?measurement_id="+s.credentials.MeasurementID+"&api_secret="+s.credentials.APISecret,
		"application/x-ndjson", &body)
	ok := err == nil && resp.StatusCode == http.StatusOK
	if err == nil {
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
	s.mu.Lock()
	if ok {
		s.acknowledged = append(s.acknowledged, events...)
		s.answers <- struct{}{}
	} else {
		s.unanswered = append(s.unanswered, events...)
	}
	s.mu.Unlock()
	if s.pace != nil {
		select {
		case <-s.quit:
		case <-s.pace:
		}
	}
	select {
	case <-s.quit:
		return false
	default:
		return true
	}
}

// check sends what was not answered, and compares reports with what was sent.
func (s *senders) check(t *testing.T, server *process.Server) {
	t.Helper()
	s.checkAt(t, server.URL, server.URL)
}

// checkAt sends to one server and asks another.
func (s *senders) checkAt(t *testing.T, collector, api string) {
	t.Helper()
	s.quit, s.answers = make(chan struct{}), make(chan struct{}, 1<<20)
	close(s.quit)
	random := rand.New(rand.NewPCG(1, 1))
	for len(s.unanswered) > 0 {
		s.send(collector, min(len(s.unanswered), 100), random)
	}
	l := waitStored(t, api, s.credentials, s.next)
	if !l.Balanced || l.Stored != s.next || len(l.Refused) != 0 || l.TooLate != 0 {
		t.Fatalf("%d events were sent, the ledger is %+v", s.next, l)
	}
	if len(s.acknowledged) != s.next {
		t.Fatalf("BUG in the test: %d of %d events acknowledged", len(s.acknowledged), s.next)
	}
	seen, rows := make([]bool, s.next), 0
	for page := s.page(t, api, rows); len(page) > 0; page = s.page(t, api, rows) {
		rows += len(page)
		for _, row := range page {
			e, err := strconv.Atoi(row.Dimensions[0][len("/e/"):])
			if err != nil || e >= s.next || seen[e] || row.Metrics[0] != "1" {
				t.Fatalf("row %v: doubled, or never sent", row)
			}
			seen[e] = true
		}
	}
	for e, ok := range seen {
		if !ok {
			t.Fatalf("event %d was acknowledged and is in no report (%d of %d are)", e, rows, s.next)
		}
	}
}

// page asks for how often each page was viewed, from a row on: an answer has so many rows at most.
func (s *senders) page(t *testing.T, api string, from int) []reportRow {
	t.Helper()
	return ask(t, api, s.credentials, fmt.Sprintf(`{"dimensions":[{"name":"pagePath"}],"metrics":[{"name":"eventCount"}],`+
		`"orderBys":[{"dimension":{"dimensionName":"pagePath"}}],"offset":"%d","limit":"50000",%s}`, from, lastDays)).Rows
}

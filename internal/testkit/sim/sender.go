// Senders: who sends what when, sends again what was not acknowledged, and remembers
// what they were told.
package sim

import (
	"bytes"
	"container/heap"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/testkit/spec"
	"tidemark/internal/testkit/traffic"
)

// request is some events of one property that are sent together, as often as it takes.
type request struct {
	number  int
	events  []*event.Event
	due     event.Time
	skew    time.Duration // of the sender's clock
	trusted bool          // by the Measurement Protocol, with a secret
	acked   bool
	tries   int
	// copies are to be sent although it was acknowledged.
	copies int
}

// givesUpAfter so many tries without an answer the events are lost, as they are in life.
const givesUpAfter = 12

// sideBySide requests are due within this time of each other.
const sideBySide = 2 * time.Second

type senders struct {
	rng   *rand.Rand
	queue requestQueue
	all   []*request
}

// newSenders makes requests of the traffic: neighbours of one property that come the
// same way within an hour may share one.
func newSenders(rng *rand.Rand, t spec.Traffic) *senders {
	s := &senders{rng: rng}
	open := map[uint64]*request{}
	for _, e := range t.Arrivals {
		r := open[e.Property]
		if r == nil || !r.canTake(e) || rng.IntN(2) == 0 {
			r = &request{number: len(s.all), trusted: e.Trusted, skew: s.skew()}
			if rng.IntN(4) == 0 {
				r.copies = 1 + rng.IntN(2)
			}
			s.all, open[e.Property] = append(s.all, r), r
		}
		r.events = append(r.events, e)
		r.due = max(r.due, event.Time(e.IngestTime))
	}
	s.queue = append(s.queue, s.all...)
	heap.Init(&s.queue)
	return s
}

// skew is how wrong a sender's clock is.
func (s *senders) skew() time.Duration {
	return []time.Duration{0, 0, -7 * time.Minute, 3 * time.Hour, -400 * 24 * time.Hour}[s.rng.IntN(5)]
}

func (r *request) canTake(e *event.Event) bool {
	first := r.events[0]
	same := first.UserAgent == e.UserAgent && first.Trusted == e.Trusted &&
		(!e.Trusted && !e.Cookieless && !first.Cookieless || first.ClientId == e.ClientId)
	return same && !e.Trusted && len(r.events) < 5 && event.Time(e.IngestTime).Sub(r.due) < time.Hour
}

func (s *senders) waiting() bool { return len(s.queue) > 0 }

// deliver sends the next few requests side by side, each to either collector.
func (s *senders) deliver(w *world) error {
	var group []*request
	for range 1 + s.rng.IntN(4) {
		if len(s.queue) == 0 || len(group) > 0 && s.queue[0].due > w.machine.now().Add(sideBySide) {
			break
		}
		r := heap.Pop(&s.queue).(*request)
		group = append(group, r)
		w.machine.advanceTo(r.due)
	}
	answers := make([]int, len(group))
	var wg sync.WaitGroup
	release := w.machine.stalls(s.rng)
	for i, r := range group {
		to := w.machine.collector(s.rng.IntN(collectors))
		sent := r.encode(w.machine.now())
		wg.Go(func() { answers[i] = to.serve(sent, len(r.events)) })
	}
	wg.Wait() // whatever the store does
	var err error
	if release != nil {
		err = w.askWhileBusy()
		if w.machine.dead() || w.machine.failed() {
			err = nil
		}
		release()
	}
	for i, r := range group {
		w.note("request %d of property %d, %d events, try %d: %s", r.number, r.events[0].Property, len(r.events), r.tries+1, told(answers[i]))
		if serr := s.settle(r, answers[i], w); serr != nil && err == nil {
			err = serr
		}
	}
	return err
}

// What a sender is told.
const (
	noAnswer = iota
	unavailable
	accepted
	refused
)

func told(answer int) string {
	return []string{"no answer", "unavailable", "accepted", "refused"}[answer]
}

// settle decides what becomes of a request.
func (s *senders) settle(r *request, answer int, w *world) error {
	r.tries++
	switch {
	case answer == refused:
		return fmt.Errorf("request %d was refused", r.number)
	case answer == unavailable && !w.machine.failed() && !w.machine.dead():
		return fmt.Errorf("request %d was turned away, and nothing had failed", r.number)
	case answer == accepted:
		r.acked = true
		if r.copies == 0 {
			return nil
		}
		r.copies--
		r.due = w.machine.now().Add(time.Duration(s.rng.Int64N(int64(80 * time.Hour))))
	case r.tries >= givesUpAfter:
		return nil
	default:
		r.due = w.machine.now().Add(time.Duration(s.rng.Int64N(int64(2 * time.Hour))))
	}
	heap.Push(&s.queue, r)
	return nil
}

// encode makes the HTTP request as its sender makes it at a time.
func (r *request) encode(now event.Time) *http.Request {
	first := r.events[0]
	id := event.PropertyID(first.Property)
	query := url.Values{"measurement_id": {streamOf(id)}}
	path := "/v1/events"
	var body []byte
	for i, e := range r.events {
		sent := traffic.Sent{At: now, Event: e, Skew: r.skew}
		if r.trusted {
			path = "/mp/collect"
			query.Set("api_secret", secretOf(id))
			body = sent.AppendMP(body)
			continue
		}
		body = append(body, "[,"[min(i, 1)])
		body = sent.AppendNative(body, r.skew != 0)
	}
	if !r.trusted {
		body = append(body, ']')
	}
	request := httptest.NewRequest(http.MethodPost, path+"?"+query.Encode(), bytes.NewReader(body))
	request.Header.Set("User-Agent", first.UserAgent)
	request.RemoteAddr = fmt.Sprintf("192.0.2.%d:4711", len(first.ClientId)*7+int(first.ClientId[len(first.ClientId)-1]))
	return request
}

// serve gives a request to the collector and reads the answer. A machine without power
// gives none.
func (c *collecting) serve(r *http.Request, events int) int {
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, r)
	switch {
	case c.dead():
		return noAnswer
	case w.Code == http.StatusServiceUnavailable:
		return unavailable
	case w.Code == http.StatusNoContent:
		return accepted
	}
	var answer struct{ Accepted int }
	if w.Code != http.StatusOK || json.Unmarshal(w.Body.Bytes(), &answer) != nil || answer.Accepted != events {
		return refused
	}
	return accepted
}

type sentKey struct {
	property uint64
	key      string
}

// judge compares what is in the log with what was sent: whatever was acknowledged is in
// it (D1), a request is in it whole or not at all (S37), no more often than it was sent,
// and as it was sent.
func (s *senders) judge(seen *history) error {
	logged := map[sentKey][]*event.Event{}
	for _, e := range seen.events {
		k := sentKey{e.Property, e.Key}
		logged[k] = append(logged[k], e)
	}
	for _, r := range s.all {
		times := len(logged[sentKey{r.events[0].Property, r.events[0].Key}])
		if r.acked && times == 0 {
			return fmt.Errorf("request %d was acknowledged, and event %s is not in the log", r.number, r.events[0].Key)
		}
		if times > r.tries {
			return fmt.Errorf("request %d was sent %d times, event %s is %d times in the log", r.number, r.tries, r.events[0].Key, times)
		}
		for _, e := range r.events {
			k := sentKey{e.Property, e.Key}
			if len(logged[k]) != times {
				return fmt.Errorf("request %d: event %s is %d times in the log, event %s %d times",
					r.number, r.events[0].Key, times, e.Key, len(logged[k]))
			}
			for _, l := range logged[k] {
				if err := sameEvent(e, l); err != nil {
					return fmt.Errorf("request %d, event %s: %w", r.number, e.Key, err)
				}
			}
			delete(logged, k)
		}
	}
	for k := range logged {
		return fmt.Errorf("event %s of property %d is in the log, and nobody sent it", k.key, k.property)
	}
	return nil
}

// sameEvent compares an event with what was logged of it.
func sameEvent(sent, logged *event.Event) error {
	off := event.Time(logged.EventTime).Sub(event.Time(sent.EventTime))
	switch {
	case logged.Name != sent.Name || logged.Url != sent.Url:
		return fmt.Errorf("%s of %q became %s of %q", sent.Name, sent.Url, logged.Name, logged.Url)
	case !sent.Cookieless && logged.ClientId != sent.ClientId:
		return fmt.Errorf("client %q became %q", sent.ClientId, logged.ClientId)
	case logged.Trusted != sent.Trusted:
		return fmt.Errorf("trusted %v became %v", sent.Trusted, logged.Trusted)
	case off < -2*time.Millisecond || off > 2*time.Millisecond:
		return fmt.Errorf("its time moved by %v", off)
	}
	return nil
}

// requestQueue is a heap by time, then number.
type requestQueue []*request

// Len, Less, Swap, Push and Pop implement heap.Interface.
func (q requestQueue) Len() int { return len(q) }

// Less orders by time of sending.
func (q requestQueue) Less(i, j int) bool {
	return q[i].due < q[j].due || q[i].due == q[j].due && q[i].number < q[j].number
}

// Swap is of heap.Interface.
func (q requestQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

// Push is of heap.Interface.
func (q *requestQueue) Push(r any) { *q = append(*q, r.(*request)) }

// Pop is of heap.Interface.
func (q *requestQueue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

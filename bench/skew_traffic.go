// Traffic of the skew measure: the same made-up sessions for every case, dealt
// out evenly or in one of the ways in which real traffic is uneven.
package main

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/testkit/traffic"
)

const (
	skewBatch = 25 // events a request
	// oneSession is the session id of clients that have one session only.
	oneSession = "1700000000"
	// hotClient is too short to be written over on each pass (newRequest): it
	// stays one and the same client.
	hotClient = "hot.1"
	// Ids and paths with ten digits that are written over each time one is sent.
	newClientID = "100000000.0000000000"
	newPath     = "/item/0000000000"
)

// dealt is how events are made into requests.
type dealt struct {
	receivers []traffic.Property
	events    int
	once      bool                 // one request for each receiver, not as many as there are
	change    func(e *event.Event) // nil: as they are
}

// recent is traffic of the last minutes.
func recent(receivers []traffic.Property, events int) traffic.Config {
	cfg := traffic.DefaultConfig()
	const span = 15 * time.Minute
	cfg.Start, cfg.IsFlat = time.Now().Add(-span), true
	cfg.Rate = float64(events) / span.Seconds() * 2
	cfg.Clients, cfg.Pages, cfg.Properties = events/5, 2000, receivers
	cfg.Mix.Cookieless, cfg.Mix.MeasurementProt, cfg.Mix.HotClient = 0, 0, 0
	cfg.Mix.Copies, cfg.Mix.Late, cfg.Mix.TooLate, cfg.Mix.Skewed = 0, 0, 0, 0
	return cfg
}

// deal makes requests, each for one property.
func deal(d dealt) ([]request, error) {
	cfg := recent(d.receivers, d.events)
	source, err := traffic.New(cfg)
	if err != nil {
		return nil, err
	}
	waiting := map[uint64]*gathered{}
	var out []request
	for range d.events {
		s, ok := source.Next()
		if !ok {
			return nil, errors.New("BUG: traffic ended early")
		}
		if d.change != nil {
			d.change(s.Event)
		}
		g := waiting[s.Event.Property]
		if g == nil {
			g = &gathered{}
			waiting[s.Event.Property] = g
		}
		if d.once && g.made {
			continue
		}
		if g.add(&s) == skewBatch {
			out = append(out, newRequest(credentials{MeasurementID: s.Event.MeasurementId}, g.close(), skewBatch, &g.first))
		}
	}
	return out, nil
}

// gathered is the next request of a property.
type gathered struct {
	body  []byte
	first traffic.Sent
	n     int
	made  bool // there was one before
}

func (g *gathered) add(s *traffic.Sent) int {
	if g.n == 0 {
		g.body, g.first = append(g.body[:0], '['), *s
	} else {
		g.body = append(g.body, ',')
	}
	g.body = s.AppendNative(g.body, false)
	g.n++
	return g.n
}

func (g *gathered) close() []byte {
	g.n, g.made = 0, true
	return append(g.body, ']')
}

// numbered returns a change of requests that are about to be sent: what follows
// `before` gets ten digits that count from `from`, and begin again after n. Requests of the same
// number go to the same property, so that a client that comes again is the same one.
func numbered(before string, skip, from, n int, receivers []traffic.Property) func(r *request) {
	var sent atomic.Uint64
	batches := uint64(n / skewBatch)
	return func(r *request) {
		batch := (sent.Add(1) - 1) % batches
		copy(r.bytes[r.stream:], receivers[batch%uint64(len(receivers))].MeasurementID)
		k := uint64(from) + batch*skewBatch
		for _, at := range r.numbers(before, skip) {
			for i, x := 9, k; i >= 0; i, x = i-1, x/10 {
				r.bytes[at+i] = byte('0' + x%10)
			}
			k++
		}
	}
}

// numbers returns where the numbers of r begin, which is looked for once.
func (r *request) numbers(before string, skip int) []int {
	if r.counted == nil {
		for _, at := range positions(r.bytes, before, 0) {
			r.counted = append(r.counted, at+skip)
		}
	}
	return r.counted
}

// hot makes a share of the events of one property those of one client, which does
// in one session without end what crowds do.
func hot(p event.PropertyID, percent int) func(e *event.Event) {
	n := 0
	return func(e *event.Event) {
		if e.Property != uint64(p) {
			return
		}
		if n += percent; n >= 100 {
			n -= 100
			e.ClientId, e.SessionId, e.UserId = hotClient, oneSession, ""
		}
	}
}

// newcomer makes an event one of a client that is given its number when it is sent. Its
// user agent is a person's, in every request: the verdict is part of who a client is.
func newcomer(e *event.Event) {
	e.ClientId, e.SessionId, e.UserId, e.UserAgent = newClientID, oneSession, "", personAgent
}

// cameBefore makes event i that of client i, as numbered will make those that follow.
func cameBefore(receivers []traffic.Property) func(i int, e *event.Event) {
	return func(i int, e *event.Event) {
		to := &receivers[i/skewBatch%len(receivers)]
		newcomer(e)
		e.Property, e.MeasurementId = uint64(to.ID), to.MeasurementID
		e.ClientId = fmt.Sprintf("%s%010d", newClientID[:len(newClientID)-10], i)
	}
}

// unseen makes an event the view of a page that is given its number later.
func unseen(host string) func(e *event.Event) {
	return func(e *event.Event) {
		e.Name, e.Url, e.Params, e.HasValue = "page_view", fmt.Sprintf("https://%s%s", host, newPath), nil, false
	}
}

// seen makes event i the view of page i.
func seen(host string) func(i int, e *event.Event) {
	return func(i int, e *event.Event) {
		unseen(host)(e)
		e.Url = fmt.Sprintf("%s%010d", e.Url[:len(e.Url)-10], i)
	}
}

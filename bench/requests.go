// Requests: made-up traffic as whole HTTP requests in memory, made before the
// clock runs. Event keys, and parts of client ids, are written over in place
// each time a request is sent, so that no event is a copy and the clients of
// each pass are other people.
package main

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/testkit/traffic"
)

const zoneName = "Europe/Berlin"

// request is one HTTP request, headers and body.
type request struct {
	bytes   []byte
	keys    []int // where event keys begin; 16 hexadecimal digits each
	clients []int // where four digits of client ids begin
	stream  int   // where the measurement id begins
	counted []int // where numbers of the skew measure begin
	events  int
}

// makeRequests makes n events into requests of `batch` events each.
func makeRequests(c credentials, n, batch int, cookieless float64) ([]request, error) {
	source, err := recentTraffic(c, n, cookieless)
	if err != nil {
		return nil, err
	}
	out := make([]request, 0, n/batch)
	var body []byte
	for len(out) < n/batch {
		var first traffic.Sent
		body = append(body[:0], '[')
		for i := range batch {
			s, ok := source.Next()
			if !ok {
				return nil, fmt.Errorf("BUG: traffic ended early")
			}
			if i == 0 {
				first = s
			} else {
				body = append(body, ',')
			}
			body = s.AppendNative(body, false)
		}
		body = append(body, ']')
		if batch == 1 {
			body = body[1 : len(body)-1]
		}
		out = append(out, newRequest(c, body, batch, &first))
		if batch == 1 {
			body = body[:0]
		}
	}
	return out, nil
}

// recentTraffic is traffic of the last minutes, to one property.
func recentTraffic(c credentials, n int, cookieless float64) (*traffic.Source, error) {
	id, err := strconv.ParseUint(c.Property, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("read property id: %w", err)
	}
	cfg := traffic.DefaultConfig()
	const span = 15 * time.Minute
	cfg.Start, cfg.IsFlat = time.Now().Add(-span), true
	cfg.Rate = float64(n) / span.Seconds() * 2
	cfg.Clients, cfg.Pages = n/5, 2000
	cfg.Properties = []traffic.Property{{ID: event.PropertyID(id), MeasurementID: c.MeasurementID,
		Zone: zoneName, Currency: "EUR", Host: "shop.example", Weight: 1}}
	cfg.Mix.Cookieless, cfg.Mix.MeasurementProt = cookieless, 0
	cfg.Mix.Copies, cfg.Mix.Late, cfg.Mix.TooLate, cfg.Mix.Skewed = 0, 0, 0, 0
	return traffic.New(cfg)
}

func newRequest(c credentials, body []byte, events int, first *traffic.Sent) request {
	head := fmt.Sprintf("POST /v1/events?measurement_id=%s HTTP/1.1\r\nHost: bench\r\nUser-Agent: %s\r\n"+
		"X-Forwarded-For: %s\r\nAccept-Language: %s\r\nContent-Type: text/plain;charset=UTF-8\r\nContent-Length: %d\r\n\r\n",
		c.MeasurementID, first.Event.UserAgent, first.Address, first.Event.Language, len(body))
	r := request{bytes: append([]byte(head), body...), events: events, stream: strings.Index(head, "=") + 1}
	r.keys = positions(r.bytes, `"event_id":"`, 0)
	for _, at := range positions(r.bytes, `"client_id":"`, 0) {
		if n := bytes.IndexByte(r.bytes[at:], '"'); n >= 8 {
			r.clients = append(r.clients, at+n-4)
		}
	}
	return r
}

// positions returns where texts that follow `before` begin.
func positions(b []byte, before string, from int) []int {
	var out []int
	for {
		i := bytes.Index(b[from:], []byte(before))
		if i < 0 {
			return out
		}
		from += i + len(before)
		out = append(out, from)
	}
}

// stamp gives the events of r keys that no other event has, and from the second
// pass on clients that no other pass has.
func (r *request) stamp(key *uint64, pass int) {
	const digits = "0123456789abcdef"
	for _, at := range r.keys {
		*key++
		for i, k := 15, *key; i >= 0; i, k = i-1, k>>4 {
			r.bytes[at+i] = digits[k&15]
		}
	}
	if pass == 0 {
		return
	}
	for _, at := range r.clients {
		for i, k := 3, pass; i >= 0; i, k = i-1, k/10 {
			r.bytes[at+i] = digits[k%10]
		}
	}
}

// Tail: events as they are accepted, for those who watch. It is a view, not a
// log: who reads too slowly misses events and is told how many.
package api

import (
	"encoding/json"
	"sync"
	"sync/atomic"

	"tidemark/internal/event"
)

// Tail gives live events.
type Tail interface {
	// Listen returns a listener for events of p. The caller must Close it.
	Listen(p event.PropertyID) *Listener
}

// listenerBuffer bounds what waits for one slow reader: some 1 MB.
const listenerBuffer = 1024

// Hub hands accepted events to listeners. Publish never waits for a listener.
type Hub struct {
	// count lets Publish return at once while nobody listens.
	count atomic.Int64

	mu        sync.RWMutex
	listeners map[event.PropertyID]map[*Listener]struct{}
}

var _ Tail = (*Hub)(nil)

// NewHub returns a Hub without listeners.
func NewHub() *Hub { return &Hub{listeners: map[event.PropertyID]map[*Listener]struct{}{}} }

// Listener receives events of one property, as JSON texts.
type Listener struct {
	hub      *Hub
	property event.PropertyID
	events   chan []byte
	dropped  atomic.Int64
}

// Events is where events arrive. It is never closed.
func (l *Listener) Events() <-chan []byte { return l.events }

// TakeDropped returns how many events were dropped since the last call.
func (l *Listener) TakeDropped() int64 { return l.dropped.Swap(0) }

// Close ends the listening.
func (l *Listener) Close() {
	l.hub.mu.Lock()
	defer l.hub.mu.Unlock()
	all := l.hub.listeners[l.property]
	if _, open := all[l]; !open {
		return
	}
	delete(all, l)
	if len(all) == 0 {
		delete(l.hub.listeners, l.property)
	}
	l.hub.count.Add(-1)
}

// Listen implements Tail.
func (h *Hub) Listen(p event.PropertyID) *Listener {
	l := &Listener{hub: h, property: p, events: make(chan []byte, listenerBuffer)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.listeners[p] == nil {
		h.listeners[p] = map[*Listener]struct{}{}
	}
	h.listeners[p][l] = struct{}{}
	h.count.Add(1)
	return l
}

// IsHeard tells whether anybody listens.
func (h *Hub) IsHeard() bool { return h.count.Load() > 0 }

// Publish shows events to those who listen to their property. It keeps nothing
// of the events, and returns without waiting.
func (h *Hub) Publish(events []*event.Event) {
	if h.count.Load() == 0 {
		return
	}
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, e := range events {
		all := h.listeners[event.PropertyID(e.Property)]
		if len(all) == 0 {
			continue
		}
		text := liveText(e)
		for l := range all {
			select {
			case l.events <- text:
			default:
				l.dropped.Add(1)
			}
		}
	}
}

// liveJSON is an event as live streams show it.
type liveJSON struct {
	Name       string         `json:"name"`
	EventTime  string         `json:"eventTime"`
	IngestTime string         `json:"ingestTime"`
	ClientID   string         `json:"clientId"`
	UserID     string         `json:"userId,omitempty"`
	SessionID  string         `json:"sessionId,omitempty"`
	URL        string         `json:"url,omitempty"`
	Title      string         `json:"title,omitempty"`
	Referrer   string         `json:"referrer,omitempty"`
	Country    string         `json:"country,omitempty"`
	City       string         `json:"city,omitempty"`
	Value      *float64       `json:"value,omitempty"`
	Currency   string         `json:"currency,omitempty"`
	Params     map[string]any `json:"params,omitempty"`
}

func liveText(e *event.Event) []byte {
	out := liveJSON{
		Name: e.Name, EventTime: timeText(event.Time(e.EventTime)), IngestTime: timeText(event.Time(e.IngestTime)),
		ClientID: e.ClientId, UserID: e.UserId, SessionID: e.SessionId, URL: e.Url, Title: e.Title, Referrer: e.Referrer,
		Country: e.GetGeo().GetCountry(), City: e.GetGeo().GetCity(), Currency: e.Currency,
	}
	if e.HasValue {
		value := float64(e.ValueMicros) / 1e6
		out.Value = &value
	}
	if len(e.Params) > 0 {
		out.Params = make(map[string]any, len(e.Params))
	}
	for _, p := range e.Params {
		out.Params[p.Key] = liveValue(p)
	}
	text, err := json.Marshal(out)
	if err != nil {
		panic("BUG: encode live event: " + err.Error())
	}
	return text
}

// liveValue keeps the kind of a param's value, except for numbers that JSON has not.
func liveValue(p *event.Param) any {
	switch v := p.Value.(type) {
	case *event.Param_Boolean:
		return v.Boolean
	case *event.Param_Integer:
		return v.Integer
	case *event.Param_Number:
		if _, err := json.Marshal(v.Number); err == nil {
			return v.Number
		}
	}
	return p.Text()
}

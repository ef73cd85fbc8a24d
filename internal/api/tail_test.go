// Live events: to whom they go, and what happens to slow readers.
package api

import (
	"bufio"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"tidemark/internal/event"
)

func liveEvent(p uint64, name string) *event.Event {
	return &event.Event{Property: p, Name: name, ClientId: "c", EventTime: 1_000_000, IngestTime: 2_000_000,
		HasValue: true, ValueMicros: 9_990_000, Currency: "EUR",
		Params: []*event.Param{event.TextParam("plan", "gold"), event.IntegerParam("n", 3), event.BooleanParam("b", true)}}
}

// waitFor tries until ok, for as long as a busy machine may need.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("waited in vain until %s", what)
		case <-tick.C:
		}
	}
}

// nextData returns the next event's type and data of a stream.
func nextData(t *testing.T, r *bufio.Reader) (kind, data string) {
	t.Helper()
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		line = strings.TrimSuffix(line, "\n")
		if v, ok := strings.CutPrefix(line, "event: "); ok {
			kind = v
		}
		if v, ok := strings.CutPrefix(line, "data: "); ok {
			return kind, v
		}
	}
}

func TestD9TailShowsTheEventsOfOneProperty(t *testing.T) {
	s := newServer(t)
	resp := s.send(t, "GET", "/v1/properties/100/tail", "", "Authorization: Bearer key-100")
	if got := resp.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Fatalf("content type is %q", got)
	}
	waitFor(t, "the stream listens", func() bool { return s.hub.count.Load() == 1 })
	s.hub.Publish([]*event.Event{liveEvent(200, "secret"), liveEvent(100, "purchase")})
	kind, data := nextData(t, bufio.NewReader(resp.Body))
	want := `{"name":"purchase","eventTime":"1970-01-01T00:00:01.000Z","ingestTime":"1970-01-01T00:00:02.000Z",` +
		`"clientId":"c","value":9.99,"currency":"EUR","params":{"b":true,"n":3,"plan":"gold"}}`
	if kind != "event" || data != want {
		t.Errorf("got %s %s, want event %s", kind, data, want)
	}
	_ = resp.Body.Close()
	waitFor(t, "the listener is gone", func() bool { return s.hub.count.Load() == 0 })
}

func TestD8SlowReadersMissEventsAndAreToldHowMany(t *testing.T) {
	hub := NewHub()
	l := hub.Listen(100)
	defer l.Close()
	for range listenerBuffer + 7 {
		hub.Publish([]*event.Event{liveEvent(100, "x")})
	}
	if got := l.TakeDropped(); got != 7 {
		t.Errorf("%d events were dropped, want 7", got)
	}
	if got := l.TakeDropped(); got != 0 {
		t.Errorf("%d drops are told twice", got)
	}
	if len(l.Events()) != listenerBuffer {
		t.Errorf("%d events wait, want %d", len(l.Events()), listenerBuffer)
	}
}

func TestAStreamSaysThatEventsWereDropped(t *testing.T) {
	s := newServer(t)
	resp := s.send(t, "GET", "/v1/properties/100/tail", "", "Authorization: Bearer key-100")
	waitFor(t, "the stream listens", func() bool { return s.hub.count.Load() == 1 })
	s.hub.mu.RLock()
	for l := range s.hub.listeners[100] {
		l.dropped.Add(3)
	}
	s.hub.mu.RUnlock()
	s.hub.Publish([]*event.Event{liveEvent(100, "x")})
	r := bufio.NewReader(resp.Body)
	if kind, data := nextData(t, r); kind != "dropped" || data != `{"dropped":3}` {
		t.Errorf("got %s %s", kind, data)
	}
	if kind, _ := nextData(t, r); kind != "event" {
		t.Errorf("then got %s, want event", kind)
	}
}

func TestD8LiveStreamsAreBounded(t *testing.T) {
	s := newServer(t)
	for i, want := range []int{200, 200, 429} {
		resp := s.send(t, "GET", "/v1/properties/100/tail", "", "Authorization: Bearer key-100")
		if resp.StatusCode != want {
			t.Errorf("stream %d is answered %d, want %d", i, resp.StatusCode, want)
		}
	}
}

func TestPublishWithoutListenersAllocatesNothing(t *testing.T) {
	hub, events := NewHub(), []*event.Event{liveEvent(100, "x")}
	if n := testing.AllocsPerRun(100, func() { hub.Publish(events) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestLiveNumbersThatJSONHasNotAreTexts(t *testing.T) {
	inf := 1e308
	e := liveEvent(100, "x")
	e.Params = []*event.Param{event.NumberParam("huge", inf*10), event.NumberParam("half", 0.5)}
	var out struct{ Params map[string]any }
	if err := json.Unmarshal(liveText(e), &out); err != nil {
		t.Fatal(err)
	}
	if out.Params["half"] != 0.5 || out.Params["huge"] != "+Inf" {
		t.Errorf("params are %v", out.Params)
	}
}

// What goes over the wire is what the event says.
package traffic

import (
	"encoding/json"
	"testing"
	"time"
	"unicode/utf8"

	"tidemark/internal/event"
)

func TestNativeBodyTellsTheEvent(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Events = 3000
	for _, s := range take(t, cfg) {
		for _, withSent := range []bool{true, false} {
			var got struct {
				Name, URL, Referrer, Title, Language, Screen string
				EventID                                      string  `json:"event_id"`
				ClientID                                     *string `json:"client_id"`
				SessionID                                    string  `json:"session_id"`
				Time, Sent                                   int64
				EngagementMS                                 int64 `json:"engagement_ms"`
				Engaged                                      bool
				FirstVisit                                   bool `json:"first_visit"`
				Params                                       map[string]any
			}
			body := s.AppendNative(nil, withSent)
			if err := json.Unmarshal(body, &got); err != nil {
				t.Fatalf("%s: %v", body, err)
			}
			e := s.Event
			at, _ := event.ResolveEventTime(event.Time(got.Time*1000), event.Time(got.Sent*1000), s.At)
			switch {
			case got.Name != e.Name, got.URL != e.Url, got.Referrer != e.Referrer, got.Title != e.Title,
				got.Language != e.Language, got.Screen != e.Screen, got.EventID != e.Key,
				got.SessionID != e.SessionId, got.EngagementMS != e.EngagementMs,
				got.Engaged != e.Engaged, got.FirstVisit != e.FirstVisit,
				(got.ClientID == nil) != e.Cookieless, withSent != (got.Sent != 0),
				e.HasValue != (got.Params["value"] != nil):
				t.Fatalf("body %s\ndoes not tell event %v", body, e)
			case int64(at) != e.EventTime:
				t.Fatalf("S2 makes EventTime %v of body %s, want %v", at, body, event.Time(e.EventTime))
			}
		}
	}
}

func TestMPBodyTellsTheEvent(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Events = 3000
	cfg.Mix.MeasurementProt = 1
	for _, s := range take(t, cfg) {
		if s.Protocol != MeasurementProtocol { // programs and the hot client
			continue
		}
		var got struct {
			ClientID  string `json:"client_id"`
			UserAgent string `json:"user_agent"`
			Micros    int64  `json:"timestamp_micros"`
			Events    []struct {
				Name   string
				Params map[string]any
			}
		}
		e, body := s.Event, s.AppendMP(nil)
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		if e.Name == "user_engagement" {
			t.Fatalf("body %s uses a name that is reserved", body)
		}
		if len(got.Events) != 1 {
			t.Fatalf("body %s holds %d events", body, len(got.Events))
		}
		p := got.Events[0].Params
		sid, hasSID := p["session_id"].(string)
		if !e.Trusted || got.ClientID != e.ClientId ||
			got.Micros != e.EventTime || got.Events[0].Name != e.Name || p["event_id"] != e.Key ||
			p["page_location"] != e.Url || sid != e.SessionId || hasSID == e.Sessionless ||
			got.UserAgent != e.UserAgent || p["engagement_time_msec"] != float64(e.EngagementMs) {
			t.Fatalf("body %s\ndoes not tell event %v", body, e)
		}
	}
}

func TestRecordReadsBack(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Events = 3000
	for _, s := range take(t, cfg) {
		r, err := ParseRecord(s.AppendRecord(nil))
		if err != nil {
			t.Fatal(err)
		}
		e := s.Event
		if r.Property != event.PropertyID(e.Property) || r.Key != e.Key || r.IsCopy != s.IsCopy ||
			r.EventTime != event.Time(e.EventTime) || r.IngestTime != s.At || r.URL != e.Url ||
			r.Client != e.ClientId || r.ValueMicros != e.ValueMicros || r.Skew() != s.Skew ||
			r.IsTooLate != event.TooLate(e) {
			t.Fatalf("record %+v does not tell event %v", r, e)
		}
	}
	if _, err := ParseRecord([]byte("{")); err == nil {
		t.Error("half a record was read")
	}
}

func FuzzAppendText(f *testing.F) {
	for _, s := range []string{"", `a"b\c`, "\x00\x1f\x7f", "gr\u00fc\u00dfe", "\xff\xfe", "\u2028"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var got string
		if err := json.Unmarshal(appendText(nil, s), &got); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		if utf8.ValidString(s) && got != s {
			t.Fatalf("%q reads back as %q", s, got)
		}
	})
}

func TestPickerKeepsWeights(t *testing.T) {
	p := newPicker([]float64{5, 1, 0.5, 3.5})
	counts := make([]float64, 4)
	const n = 100_000
	for i := range n {
		counts[p.pick(float64(i)/n)]++
	}
	for i, want := range []float64{0.5, 0.1, 0.05, 0.35} {
		if got := counts[i] / n; got < want-0.001 || got > want+0.001 {
			t.Errorf("index %d is picked %.4f of the time, want %.4f", i, got, want)
		}
	}
}

func TestQueueKeepsOrder(t *testing.T) {
	var q queue
	rnd := newRandom(7)
	for range 1000 {
		q.push(rnd.Int64N(50), 0)
	}
	last := q.pop()
	for len(q.turns) > 0 {
		next := q.pop()
		if next.before(last) {
			t.Fatalf("%+v after %+v", next, last)
		}
		last = next
	}
}

func TestBustleMeanIsWhatTheRateIsMadeFor(t *testing.T) {
	s, err := New(DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	p, sum := &s.properties[0], 0.0
	for h := range 24 {
		sum += p.bustle(time.Date(2026, 6, 1, h, 0, 0, 0, p.zone).UnixMilli())
	}
	if got := sum / 24; got < meanBustle-0.001 || got > meanBustle+0.001 {
		t.Errorf("mean of the day is %.4f, meanBustle says %.4f", got, meanBustle)
	}
}

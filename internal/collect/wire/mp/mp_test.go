// The Measurement Protocol decoder on hostile input.
package mp

import (
	"strings"
	"testing"

	"tidemark/internal/collect/wire"
	"tidemark/internal/event"
)

// purse gives memory until it is empty.
type purse struct{ left int }

func (p *purse) Take(n int) bool {
	if n > p.left {
		return false
	}
	p.left -= n
	return true
}

func decode(body string, memory int) (*wire.Request, *Report, error) {
	r, report := new(wire.Request), new(Report)
	r.Reset(&purse{memory}, wire.Limits{MaxEvents: 100, MaxDepth: 16})
	return r, report, Decode(body, r, report)
}

func TestS13AnEventWithoutSessionIDIsSessionless(t *testing.T) {
	r, _, err := decode(`{"client_id":"c","events":[{"name":"a"},{"name":"a","params":{"session_id":17}},
		{"name":"a","params":{"session_id":""}}]}`, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{true, false, true} {
		if e := r.Drafts[i].Event; e.Sessionless != want {
			t.Errorf("event %d: sessionless = %v, session %q", i, e.Sessionless, e.SessionId)
		}
	}
}

func TestFieldsOfTheBodyHoldWhereverTheyStand(t *testing.T) {
	r, _, err := decode(`{"events":[{"params":{"source":"s"},"name":"campaign_details"}],"user_properties":{"p":{"value":"v"}},
		"client_id":"c","timestamp_micros":5}`, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	d := r.Drafts[0]
	if d.Event.ClientId != "c" || d.ClientTime != 5 || len(d.Event.UserProperties) != 1 || d.Event.Campaign.GetSource() != "s" {
		t.Errorf("got %+v", d)
	}
}

func TestABadTimeOfTheBodySpoilsOnlyEventsWithoutTheirOwn(t *testing.T) {
	r, _, err := decode(`{"client_id":"c","timestamp_micros":"x","events":[{"name":"a"},{"name":"a","timestamp_micros":7}]}`, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if r.Drafts[0].Refused != event.RefuseBadTime || r.Drafts[1].Refused != "" {
		t.Errorf("got %q and %q", r.Drafts[0].Refused, r.Drafts[1].Refused)
	}
}

func TestD8AReportIsBounded(t *testing.T) {
	_, report, _ := decode(`{"client_id":"c",`+strings.Repeat(`"x":1,`, 1000)+`"events":[{"name":"a"}]}`, 1<<20)
	if len(report.Messages) != maxMessages {
		t.Errorf("%d messages, want %d", len(report.Messages), maxMessages)
	}
}

func TestD8MemoryIsAskedForBeforeItIsTaken(t *testing.T) {
	if _, _, err := decode(`{"client_id":"c","events":[{"name":"a","params":{"a":1,"b":"x"}}]}`, 100); err != wire.ErrOverBudget {
		t.Errorf("got %v, want ErrOverBudget", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(`{"client_id":"c","timestamp_micros":1,"events":[{"name":"a","params":{"items":[{},{}],"session_id":5}}]}`, 1<<20)
	f.Add(`{"client_id":1,"user_properties":{"a":{"value":1},"b":2},"device":{"language":"x"},"user_location":{"city":""},"events":[{},7]}`, 1<<20)
	f.Add(`{"validation_behavior":"ENFORCE_RECOMMENDATIONS","ip_override":"::1","events":[{"name":"_a","params":{"_":""}}]}`, 9000)
	f.Fuzz(func(t *testing.T, body string, memory int) {
		memory = min(memory, 1<<26)
		r, report, err := decode(body, memory)
		if err != nil && err != wire.ErrOverBudget && err != wire.ErrUnreadable {
			t.Errorf("error %v", err)
		}
		if err == wire.ErrUnreadable && len(report.Messages) == 0 {
			t.Error("unreadable, but the report says nothing")
		}
		for _, d := range r.Drafts {
			if d.Event == nil || d.Refused == "" && err == nil && (!isName(d.Event.Name) || len(d.Event.Params) > event.MaxParams) {
				t.Errorf("draft %+v", d)
			}
		}
		// The report must not change what is read.
		silent := new(wire.Request)
		silent.Reset(&purse{memory}, r.Limits)
		if again := Decode(body, silent, nil); again != err || len(silent.Drafts) != len(r.Drafts) {
			t.Errorf("with a report: %v, without: %v", err, again)
		}
	})
}

// The native decoder on hostile input, and what its engagement means (S11).
package native

import (
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

func decode(body string, memory int) (*wire.Request, error) {
	r := new(wire.Request)
	r.Reset(&purse{memory}, wire.Limits{MaxEvents: 100, MaxDepth: 16})
	return r, Decode(body, 0, r)
}

func TestS11EngagementIsKnownIfTheEventSpeaksOfIt(t *testing.T) {
	for body, want := range map[string][3]bool{ // known, engaged, passive
		`{"name":"a"}`:                                     {false, false, false},
		`{"name":"a","interactive":false}`:                 {false, false, true},
		`{"name":"a","engaged":true}`:                      {true, true, false},
		`{"name":"a","engaged":false}`:                     {true, false, false},
		`{"name":"a","engagement_ms":0}`:                   {true, false, false},
		`{"name":"a","engagement_ms":null,"engaged":null}`: {false, false, false},
	} {
		r, err := decode(body, 1<<20)
		if err != nil || len(r.Drafts) != 1 {
			t.Fatalf("%s: %v", body, err)
		}
		e := r.Drafts[0].Event
		if got := [3]bool{e.EngagementKnown, e.Engaged, e.Passive}; got != want {
			t.Errorf("%s: known, engaged, passive = %v, want %v", body, got, want)
		}
	}
}

func TestAValueOfAWrongTypeSpoilsItsEventOnly(t *testing.T) {
	r, err := decode(`[{"name":7},{"name":"a","url":1},{"name":"a","engaged":"yes"},{"name":"a","params":[]},
		{"name":"a","campaign":"x"},{"name":"a","client_id":{}},{"name":"a","engagement_ms":"long"},{"name":"good"}]`, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range r.Drafts {
		if spoilt := i < 7; (d.Refused == event.RefuseMalformed) != spoilt {
			t.Errorf("event %d: refused %q", i, d.Refused)
		}
	}
}

func TestD8MemoryIsAskedForBeforeItIsTaken(t *testing.T) {
	if _, err := decode(`[{"name":"a","params":{"a":1,"b":"x"}}]`, 100); err != wire.ErrOverBudget {
		t.Errorf("got %v, want ErrOverBudget", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(`{"name":"a","client_id":1,"time":1.5,"params":{"a":[],"b":{},"c":1e9}}`, 1<<20)
	f.Add("{\"name\":\"a\"}\n\n{]\n[]", 1<<20)
	f.Add(`[{"campaign":{"source":null}},{},[[[]]]]`, 1000)
	f.Fuzz(func(t *testing.T, body string, memory int) {
		r, err := decode(body, min(memory, 1<<26))
		if err != nil && err != wire.ErrOverBudget && err != wire.ErrUnreadable {
			t.Errorf("error %v", err)
		}
		if len(r.Drafts) > r.Limits.MaxEvents || r.Surplus > len(body) {
			t.Errorf("%d drafts, %d surplus", len(r.Drafts), r.Surplus)
		}
		for _, d := range r.Drafts {
			if d.Refused == "" && (d.Event == nil || d.Event.Name == "" || len(d.Event.Params) > event.MaxParams) {
				t.Errorf("draft %+v", d)
			}
		}
	})
}

// The tag's decoder on hostile input, its keys (S5) and its items.
package ga4

import (
	"encoding/json"
	"fmt"
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

func decode(query, body string, memory int) (*wire.Request, error) {
	r := new(wire.Request)
	r.Reset(&purse{memory}, wire.Limits{MaxEvents: 100, MaxDepth: 16})
	return r, Decode(query, body, r)
}

func TestS5KeysDifferByEachPartAndLine(t *testing.T) {
	seen := make(map[string]string)
	for _, query := range []string{
		"cid=1&sid=2&_p=3&_s=4", "cid=9&sid=2&_p=3&_s=4", "cid=1&sid=9&_p=3&_s=4", "cid=1&sid=2&_p=9&_s=4",
		"cid=1&sid=2&_p=3&_s=9", "cid=12&_p=3&_s=4", "cid=1&sid=23&_p=&_s=4",
	} {
		r, err := decode(query, "en=a\nen=a", 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		for i, d := range r.Drafts {
			place := fmt.Sprint(query, " line ", i)
			if query == "cid=1&sid=23&_p=&_s=4" {
				if d.Event.Key != "" {
					t.Errorf("%s: key %q without a page id", place, d.Event.Key)
				}
				continue
			}
			if other, ok := seen[d.Event.Key]; ok || d.Event.Key == "" {
				t.Errorf("%s has the key of %s", place, other)
			}
			seen[d.Event.Key] = place
		}
	}
}

func TestItemsBecomeJSONThatFits(t *testing.T) {
	var query strings.Builder
	query.WriteString("en=purchase")
	for i := range 200 {
		fmt.Fprintf(&query, "&pr%d=id%d~nm%s~pr-1.5~qtx~k0a%%22b~v0c", i+1, i, strings.Repeat("n", 100))
	}
	r, err := decode(query.String(), "", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	text := event.FindParam(r.Drafts[0].Event, "items").Text()
	var items []map[string]any
	if err := json.Unmarshal([]byte(text), &items); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if len(text) > event.MaxParamText || len(items) < 20 || items[0]["price"] != -1.5 || items[0]["quantity"] != "x" || items[0][`a"b`] != "c" {
		t.Errorf("%d bytes, %d items, first %v", len(text), len(items), items[0])
	}
}

func TestD8PairsAndMemoryAreBounded(t *testing.T) {
	r, err := decode("cid=1", strings.Repeat("a=b&", maxPairs+1)+"\nen=good", 1<<20)
	if err != nil || len(r.Drafts) != 2 || r.Drafts[0].Refused != event.RefuseTooManyParams || r.Drafts[1].Refused != "" {
		t.Errorf("got %+v, %v", r.Drafts, err)
	}
	if _, err := decode(strings.Repeat("a=b&", maxPairs+1), "", 1<<20); err != wire.ErrUnreadable {
		t.Errorf("got %v, want ErrUnreadable", err)
	}
	if _, err := decode("en=a&ep.x=y", "", 100); err != wire.ErrOverBudget {
		t.Errorf("got %v, want ErrOverBudget", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("v=2&cid=1.2&sid=3&_p=4&_s=5&en=a", "ep.a=b&epn.c=1e5&up.d=e&upn.f=NaN\r\npr1=idA~nmB~k0c~v0d&pr200=~~", 1<<20)
	f.Add("en=view_promotion&cn=%zz&cs=%C3&gcs=G100&dh=h&dp=p", "", 1<<20)
	f.Fuzz(func(t *testing.T, query, body string, memory int) {
		r, err := decode(query, body, min(memory, 1<<26))
		if err != nil && err != wire.ErrOverBudget && err != wire.ErrUnreadable {
			t.Errorf("error %v", err)
		}
		if len(r.Drafts) > r.Limits.MaxEvents {
			t.Errorf("%d drafts", len(r.Drafts))
		}
		for _, d := range r.Drafts {
			if d.Refused != "" {
				continue
			}
			if d.Event.Name == "" || len(d.Event.Params) > event.MaxParams {
				t.Errorf("draft %+v", d)
			}
			if p := event.FindParam(d.Event, "items"); p != nil && len(p.Text()) > event.MaxParamText {
				t.Errorf("items of %d bytes", len(p.Text()))
			}
		}
	})
}

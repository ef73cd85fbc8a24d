// Tests of the freshness command: times, histogram, calibration.
package cli

import (
	"encoding/json"
	"strings"
	"testing"
)

const freshnessJSON = `{"property":"123","processedThrough":"2026-03-03T10:30:00.000Z",
	"finalThrough":"2026-02-28T10:30:00.000Z","completeThrough":"2026-03-03T10:29:58.000Z","lag":7,"pending":1,
	"stored":200,"duplicate":6,"tooLate":3,"late":20,"clamped":2,
	"lateness":[{"underSeconds":1,"events":160},{"underSeconds":10,"events":20},{"underSeconds":60,"events":0},
		{"underSeconds":600,"events":1},{"underSeconds":3600,"events":19},{"underSeconds":259200,"events":0}],
	"completeness":{"claimed":0.99,"contradicted":2,"of":200},
	"tooLateEvents":[{"name":"page_view","page":"https://shop.example/old","eventTime":"2026-03-01T00:00:00.000Z","lateSeconds":100000}]}`

func TestFreshnessDrawsTimesHistogramAndCalibration(t *testing.T) {
	b := newBackend(t, 200, freshnessJSON)
	out := tidemark(t, b.args("freshness")...).ok(t).out
	times, rest, _ := strings.Cut(out, "\n\n")
	for i, want := range []string{"processed through  2026-03-03T10:30:00.000Z", "complete through   2026-03-03T10:29:58.000Z",
		"final through      2026-02-28T10:30:00.000Z"} {
		if line := strings.Split(times, "\n")[i]; !strings.HasPrefix(line, want) || !strings.Contains(line, " ago") {
			t.Errorf("got %q, want it to begin with %q and to say how long ago", line, want)
		}
	}
	bar := func(n int) string { return strings.Repeat("\u2588", n) }
	wantText(t, rest, ""+
		"7 records behind, 1 events of this property pending\n"+
		"\nHow late the stored events came\n"+
		"  under 1 s              160  "+bar(40)+"\n"+
		"  under 10 s              20  "+bar(5)+"\n"+
		"  under 1 min              0  \n"+
		"  under 10 min             1  "+bar(1)+"\n"+
		"  under 1 h               19  "+bar(5)+"\n"+
		"  up to 3 days             0  \n"+
		"\n20 late by more than a minute, 3 too late to count, 6 copies, 2 from a clock ahead\n"+
		"completeThrough claims 99 % of events; 2 of 200 came after it (1.00 %).\n"+
		"\nLatest that came too late to count, since the server started\n"+
		"  2026-03-01T00:00:00.000Z      27 h late  page_view             https://shop.example/old\n")
	if b.path != "/v1/properties/123/ledger" {
		t.Errorf("asked %s", b.path)
	}
}

func TestFreshnessAsJSONHasTheSameNumbers(t *testing.T) {
	b := newBackend(t, 200, freshnessJSON)
	var got map[string]any
	if err := json.Unmarshal([]byte(tidemark(t, b.args("freshness", "--json")...).ok(t).out), &got); err != nil {
		t.Fatal(err)
	}
	if got["lag"] != 7.0 || got["completeThrough"] != "2026-03-03T10:29:58.000Z" {
		t.Errorf("got %v", got)
	}
}

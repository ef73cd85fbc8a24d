// D7 with the real binary: a store that is deleted is made anew from the log with the
// same answers, and final days are replayed beside a running server.
package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/testkit/process"
)

type replayed struct {
	From, To      string
	DerivedEvents int
	Difference    struct {
		Days, Groups []struct {
			Dimension, Value, Metric string
			Before, After            float64
		}
	}
	Applied bool
}

// replayFinal replays once the days before today-5 are final.
func replayFinal(t *testing.T, data string, c credentials, args ...string) replayed {
	t.Helper()
	want := finalDay()
	deadline := time.Now().Add(2 * time.Minute)
	for {
		out, err := process.TryCommand(binary, append([]string{"replay", "--data-dir", data, "--property", c.Property, "--json"}, args...)...)
		var r replayed
		if err == nil {
			if err := json.Unmarshal(out, &r); err != nil {
				t.Fatalf("decode %s: %v", out, err)
			}
			if r.To >= want {
				return r
			}
		} else if !strings.Contains(string(out), "final") {
			t.Fatalf("replay: %v\n%s", err, out)
		}
		if time.Now().After(deadline) {
			t.Fatalf("days before %s are not final after two minutes: %s", want, out)
		}
	}
}

// finalDay is one that is final as soon as what came until now is folded. Just after midnight the last one of them is not yet.
func finalDay() string {
	return time.Now().UTC().Add(-time.Hour).AddDate(0, 0, -5).Format(time.DateOnly)
}

// lastWeek asks the question about eight days and today.
func lastWeek() string {
	today := time.Now().UTC()
	return fmt.Sprintf(replayQuestion, today.AddDate(0, 0, -8).Format(time.DateOnly), today.Format(time.DateOnly))
}

// replayQuestion is about days from %q to %q.
const replayQuestion = `{"dimensions":[{"name":"date"},{"name":"sessionDefaultChannelGroup"}],"metrics":[{"name":"eventCount"},` +
	`{"name":"sessions"},{"name":"totalUsers"},{"name":"newUsers"},{"name":"engagedSessions"},{"name":"keyEvents"},{"name":"totalRevenue"}],` +
	`"orderBys":[{"dimension":{"dimensionName":"date"}}],"limit":"1000","dateRanges":[{"startDate":%q,"endDate":%q}]}`

func TestReplayAndRebuildD7(t *testing.T) {
	dir := t.TempDir()
	data, file := filepath.Join(dir, "data"), filepath.Join(dir, "tidemark.yaml")
	write(t, file, "processor:\n  upkeep_interval: 200ms\n  checkpoint_interval: 500ms\n")
	c := createProperty(t, data)
	process.Command(t, binary, "simulate", "--data-dir", data, "--in-process", "--events", "20000", "--rate", "0.03", "--seed", "7")
	s := process.Start(t, binary, "serve", data, "--config", file)
	account := waitFolded(t, s.URL, c)
	same := replayFinal(t, data, c)
	if same.DerivedEvents == 0 || len(same.Difference.Days)+len(same.Difference.Groups) != 0 {
		t.Errorf("a replay under the same definition differs: %+v", same)
	}
	question := lastWeek()
	before := ask(t, s.URL, c, question)
	if err := s.Terminate(); err != nil {
		t.Fatal(err)
	}

	if err := os.RemoveAll(filepath.Join(data, "store")); err != nil {
		t.Fatal(err)
	}
	if out, err := process.TryCommand(binary, "serve", "--data-dir", data, "--listen", "127.0.0.1:0"); err == nil ||
		!strings.Contains(string(out), "tidemark replay --rebuild") {
		t.Fatalf("a server without its store: got %v, want an error that names the command\n%s", err, out)
	}
	process.Command(t, binary, "replay", "--rebuild", "--data-dir", data)
	s = process.Start(t, binary, "serve", data, "--config", file)
	if again := waitFolded(t, s.URL, c); !cmp.Equal(account, again) {
		t.Errorf("ledger after the rebuild is %+v, was %+v", again, account)
	}
	replayFinal(t, data, c)
	if diff := cmp.Diff(before.Rows, ask(t, s.URL, c, question).Rows); diff != "" {
		t.Fatalf("answers after the rebuild (- before, + after):\n%s", diff)
	}

	changed := filepath.Join(dir, "definitions.json")
	write(t, changed, `{"keyEvents": ["page_view"], "channelRules": "default@1"}`)
	shown := replayFinal(t, data, c, "--definitions", changed)
	if len(shown.Difference.Days) == 0 || len(shown.Difference.Groups) == 0 || shown.Applied {
		t.Errorf("a replay under other key events and channels shows %+v", shown)
	}
	if diff := cmp.Diff(before.Rows, ask(t, s.URL, c, question).Rows); diff != "" {
		t.Fatalf("a replay that was only shown changed answers:\n%s", diff)
	}
	applied := replayFinal(t, data, c, "--definitions", changed, "--apply")
	if !applied.Applied {
		t.Errorf("the replay was not applied: %+v", applied)
	}
	for _, d := range applied.Difference.Days {
		if d.Metric != "keyEvents" && d.Metric != "engagedSessions" {
			t.Errorf("other key events changed %+v", d)
		}
	}
	if again := replayFinal(t, data, c); len(again.Difference.Days)+len(again.Difference.Groups) != 0 {
		t.Errorf("the definition does not hold after it was applied: %+v", again.Difference)
	}
	if cmp.Equal(before.Rows, ask(t, s.URL, c, question).Rows) {
		t.Error("reports do not show the replayed days")
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Replay in a cluster with the real binary: final days are counted again beside processors that go on, and come out as one process
// alone counts them again.
package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/testkit/process"
)

func TestClusterReplaysFinalDaysRP1RP2RP4(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	c := startArchived(ctx, t)
	c.apis = append(c.apis, c.start("api", 0))
	c.processors = append(c.processors, c.start("processor", 0))
	waitStored(t, c.apis[0].URL, c.credentials, 1)
	c.waitKept(ctx, c.processors[0].URL)
	same := c.replay("--config", c.config, "--scratch", t.TempDir())
	if same.DerivedEvents == 0 || len(same.Difference.Days)+len(same.Difference.Groups) != 0 || same.Applied {
		t.Errorf("a replay under the same definition differs: %+v", same)
	}
	days := c.daysOf(same)
	before := c.answers(days)

	changed := filepath.Join(c.dir, "definitions.json")
	write(t, changed, `{"sessionTimeout": "2m", "keyEvents": ["page_view"]}`)
	shown := c.replay("--config", c.config, "--definitions", changed)
	if len(shown.Difference.Days) == 0 || len(shown.Difference.Groups) == 0 || shown.Applied {
		t.Errorf("a replay under another timeout and other key events shows %+v", shown)
	}
	if diff := cmp.Diff(before, c.answers(days)); diff != "" {
		t.Fatalf("a replay that was only shown changed answers:\n%s", diff)
	}
	after := c.killInSwitch(ctx, changed, days, before)
	applied := c.replay("--config", c.config, "--definitions", changed, "--apply")
	if !applied.Applied || applied.From != same.From || applied.To != same.To {
		t.Errorf("the replay was not applied: %+v", applied)
	}
	now := c.answers(days)
	if after != nil && !cmp.Equal(after, now) || cmp.Equal(before, now) {
		t.Errorf("a replay that was killed and repeated (- killed, + repeated):\n%s", cmp.Diff(after, now))
	}
	c.checkReplayed(ctx, days)
	c.checkReplayedAlone(days, changed, same.To)
}

// daysOf are the first and the last day of a replay.
func (c *archivedCluster) daysOf(r replayed) []archivedDay {
	if r.From >= r.To {
		c.t.Fatalf("days %s to %s: the test proves too little", r.From, r.To)
	}
	return []archivedDay{{Day: r.From}, {Day: r.To}}
}

// replay counts days of the property again.
func (c *archivedCluster) replay(args ...string) (r replayed) {
	c.t.Helper()
	out := process.Command(c.t, binary, append([]string{"replay", "--property", c.credentials.Property, "--json"}, args...)...)
	if err := json.Unmarshal(out, &r); err != nil {
		c.t.Fatalf("decode %s: %v", out, err)
	}
	return r
}

// canReplay tells whether a day is final where it is to be replayed.
func (c *archivedCluster) canReplay(last string, args ...string) bool {
	c.t.Helper()
	out, err := process.TryCommand(binary, append([]string{"replay", "--property", c.credentials.Property, "--json"}, args...)...)
	if err != nil && !strings.Contains(string(out), "final") {
		c.t.Fatalf("replay: %v\n%s", err, out)
	}
	return err == nil && strings.Contains(string(out), `"to":"`+last+`"`)
}

// killInSwitch ends a replay without warning when its rows are in the store: answers are the old ones or the new ones. It returns
// the latter.
func (c *archivedCluster) killInSwitch(ctx context.Context, definitions string, days []archivedDay, before map[string][]reportRow) map[string][]reportRow {
	c.t.Helper()
	runs := func() string {
		return c.click.MustQuery(c.t, "SELECT uniqExact(run) FROM "+c.clickDB+".final_events", nil)
	}
	was := runs()
	cmd := exec.CommandContext(ctx, binary, "replay", "--property", c.credentials.Property, "--config", c.config, "--definitions", definitions, "--apply")
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	for runs() == was {
		if ctx.Err() != nil {
			c.t.Fatal("a replay sends no rows")
		}
	}
	if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		c.t.Fatal(err)
	}
	c.t.Logf("a replay was ended: %v", cmd.Wait())
	if now := c.answers(days); !cmp.Equal(before, now) {
		c.t.Log("its switch had come through")
		return now
	}
	return nil
}

// checkReplayed: the processor goes on, prepared sums answer as rows do, and answers tell what was done.
func (c *archivedCluster) checkReplayed(ctx context.Context, days []archivedDay) {
	c.t.Helper()
	before := c.answers(days)
	stored := askLedger(c.t, c.apis[0].URL, c.credentials).Stored
	c.simulate(ctx, c.load().KafkaLog(), 9, 400, time.Hour)
	for askLedger(c.t, c.apis[0].URL, c.credentials).Stored == stored {
		if ctx.Err() != nil {
			c.t.Fatal("the processor does not go on after a replay")
		}
	}
	c.waitKept(ctx, c.processors[0].URL)
	if diff := cmp.Diff(before, c.answers(days)); diff != "" {
		c.t.Errorf("when the store was kept again (- before, + after):\n%s", diff)
	}
	if again := c.replay("--config", c.config, "--from", days[0].Day, "--to", days[len(days)-1].Day); len(again.Difference.Days)+len(again.Difference.Groups) != 0 {
		c.t.Errorf("the definition does not hold after it was applied: %+v", again.Difference)
	}
	meta := string(ask(c.t, c.apis[0].URL, c.credentials, questionOver(days)).Metadata)
	if !strings.Contains(meta, `"replay"`) {
		c.t.Errorf("answers do not tell of the replay: %s", meta)
	}
}

func questionOver(days []archivedDay) string {
	return `{"metrics":[{"name":"sessions"}],"dateRanges":[{"startDate":"` + days[0].Day + `","endDate":"` + days[len(days)-1].Day + `"}]}`
}

// checkReplayedAlone has one process fold the same topic and replay the same days, and compares.
func (c *archivedCluster) checkReplayedAlone(days []archivedDay, definitions, last string) {
	c.t.Helper()
	// The settings are those of after the replay already, and its fold has read the definitions of the log: only events
	// behind the last are counted by it.
	data := filepath.Join(c.dir, "alone")
	alone := process.Start(c.t, binary, "serve", data, "--config", c.plain)
	waitStored(c.t, alone.URL, c.credentials, askLedger(c.t, c.apis[0].URL, c.credentials).Stored)
	args := []string{"--data-dir", data, "--definitions", definitions, "--from", days[0].Day, "--to", last}
	for deadline := time.Now().Add(3 * time.Minute); !c.canReplay(last, args...); {
		if time.Now().After(deadline) {
			c.t.Fatalf("%s does not become final in one process", last)
		}
	}
	r := c.replay(append(args, "--apply")...)
	if !r.Applied || r.From != days[0].Day || r.To != last || len(r.Difference.Days) == 0 {
		c.t.Errorf("one process replayed %+v", r)
	}
	compared := 0
	many := c.answers(days)
	for _, question := range slices.Sorted(maps.Keys(many)) {
		compared += c.compareFinal(question, ask(c.t, alone.URL, c.credentials, question).Rows, many[question])
	}
	if compared < 300 {
		c.t.Errorf("%d numbers were compared: too few to prove anything", compared)
	}
	if err := alone.Terminate(); err != nil {
		c.t.Errorf("one process on the same topic: %v\n%s", err, alone.Output())
	}
}

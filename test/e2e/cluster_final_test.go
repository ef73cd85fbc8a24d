// Final days of a cluster are those of one process on the same events.
package e2e

import (
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"tidemark/internal/sketch"
	"tidemark/internal/testkit/process"
)

// checkFinalAlone has one process with a store of its own fold the same topic, and compares what it answers of days that are final in
// both. Both count users over several days with sketches of their own (S29); all else is equal.
func (c *archivedCluster) checkFinalAlone(many map[string][]reportRow, last string) {
	c.t.Helper()
	alone := process.Start(c.t, binary, "serve", filepath.Join(c.dir, "alone"), "--config", c.plain)
	waitStored(c.t, alone.URL, c.credentials, askLedger(c.t, c.apis[0].URL, c.credentials).Stored)
	for deadline := time.Now().Add(time.Minute); !isFinal(c, alone.URL, last); {
		if time.Now().After(deadline) {
			c.t.Fatalf("%s does not become final in one process", last)
		}
	}
	compared := 0
	for question, want := range many {
		compared += c.compareFinal(question, ask(c.t, alone.URL, c.credentials, question).Rows, want)
	}
	if compared < 500 {
		c.t.Errorf("%d numbers were compared: too few to prove anything", compared)
	}
	if err := alone.Terminate(); err != nil {
		c.t.Errorf("one process on the same topic: %v\n%s", err, alone.Output())
	}
}

// isFinal tells whether a server says that a day is over for good.
func isFinal(c *archivedCluster, url, day string) bool {
	c.t.Helper()
	var meta struct {
		Tidemark struct{ FinalThrough time.Time }
	}
	question := fmt.Sprintf(`{"metrics":[{"name":"eventCount"}],"dateRanges":[{"startDate":%q,"endDate":%q}]}`, day, day)
	text := ask(c.t, url, c.credentials, question).Metadata
	if err := json.Unmarshal(text, &meta); err != nil {
		c.t.Fatalf("decode %s: %v", text, err)
	}
	return meta.Tidemark.FinalThrough.Format(time.DateOnly) > day
}

// compareFinal compares the answers to one question, and returns how many numbers they have.
func (c *archivedCluster) compareFinal(question string, one, many []reportRow) (compared int) {
	c.t.Helper()
	var asked struct{ Metrics []struct{ Name string } }
	if err := json.Unmarshal([]byte(question), &asked); err != nil {
		c.t.Fatal(err)
	}
	// Rows may be in the order of users, who are estimated.
	byName := func(a, b reportRow) int { return slices.Compare(a.Dimensions, b.Dimensions) }
	one, many = slices.SortedFunc(slices.Values(one), byName), slices.SortedFunc(slices.Values(many), byName)
	if !slices.EqualFunc(one, many, func(a, b reportRow) bool { return slices.Equal(a.Dimensions, b.Dimensions) }) {
		c.t.Errorf("%s: other rows:\none process %v\ncluster     %v", question, one, many)
		return 0
	}
	for i := range one {
		for k, m := range asked.Metrics {
			compared++
			a, b := one[i].Metrics[k], many[i].Metrics[k]
			if a == b || m.Name == "activeUsers" && isNear(a, b) || m.Name == "totalUsers" && isNear(a, b) {
				continue
			}
			c.t.Errorf("%s of %q: one process %s, cluster %s", m.Name, one[i].Dimensions, a, b)
		}
	}
	return compared
}

// isNear: two estimates of one number.
func isNear(a, b string) bool {
	x, err := strconv.ParseFloat(a, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	// Each is within the bound in 95 of 100 cases, and nearly always within twice that.
	return err == nil && err2 == nil && math.Abs(x-y) <= 4*sketch.UsersError*max(x, y)
}

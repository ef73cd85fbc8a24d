// S30 with the real binary: an operator says for how long rows are kept, a running server
// drops older ones, sums of their days stay as they were, and a rebuild keeps them.
package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/testkit/process"
)

func TestOldRowsGoAndTheirSumsStayS30(t *testing.T) {
	dir := t.TempDir()
	data, file := filepath.Join(dir, "data"), filepath.Join(dir, "tidemark.yaml")
	write(t, file, "processor:\n  upkeep_interval: 200ms\n  checkpoint_interval: 500ms\n")
	c := createProperty(t, data)
	// Seventeen days and a third: at least thirteen before the young ones, whatever time it is.
	process.Command(t, binary, "simulate", "--data-dir", data, "--in-process", "--events", "12000", "--rate", "0.008", "--seed", "3")
	s := process.Start(t, binary, "serve", data, "--config", file)
	account := waitFolded(t, s.URL, c)
	today := time.Now().UTC()
	day := func(n int) string { return today.AddDate(0, 0, n).Format(time.DateOnly) }
	question := func(dimensions string) string {
		return fmt.Sprintf(`{"dimensions":[%s],"metrics":[{"name":"eventCount"},{"name":"sessions"},{"name":"newUsers"},{"name":"totalUsers"},`+
			`{"name":"totalRevenue"}],"orderBys":[{"dimension":{"dimensionName":"date"}}],"limit":"1000","dateRanges":[{"startDate":%q,"endDate":%q}]}`,
			dimensions, day(-20), day(-5))
	}
	sums, raw := question(`{"name":"date"}`), question(`{"name":"date"},{"name":"pagePath"},{"name":"country"}`)
	replayFinal(t, data, c) // all but the last days are final now
	before := ask(t, s.URL, c, sums)
	if len(before.Rows) < 12 || ask(t, s.URL, c, raw).RowCount == 0 {
		t.Fatalf("%d days before: the test proves too little", len(before.Rows))
	}

	if out, err := process.TryCommand(binary, "property", "set", "--data-dir", data, "--property", c.Property, "--row-days", "8"); err == nil ||
		!strings.Contains(string(out), "--yes") {
		t.Errorf("fewer rows without --yes: %v\n%s", err, out)
	}
	process.Command(t, binary, "property", "set", "--data-dir", data, "--property", c.Property, "--row-days", "8", "--yes")
	deadline := time.Now().Add(time.Minute)
	for {
		status, text := tryAsk(t, s.URL, c, raw)
		if status == http.StatusBadRequest && strings.Contains(text, "FAILED_PRECONDITION") && strings.Contains(text, "rows begin on ") {
			break
		}
		if status != http.StatusOK || time.Now().After(deadline) {
			t.Fatalf("a question that needs the rows is answered %d %s", status, text)
		}
	}
	same := func(when string) {
		t.Helper()
		if diff := cmp.Diff(before.Rows, ask(t, s.URL, c, sums).Rows); diff != "" {
			t.Errorf("%s (- before, + after):\n%s", when, diff)
		}
		if l := waitFolded(t, s.URL, c); !cmp.Equal(account, l) || !l.Balanced {
			t.Errorf("%s the ledger is %+v, was %+v", when, l, account)
		}
		if status, text := tryAsk(t, s.URL, c, raw); status != http.StatusBadRequest {
			t.Errorf("%s a question that needs the rows is answered %d %s", when, status, text)
		}
	}
	same("after rows went")
	if out, err := process.TryCommand(binary, "replay", "--data-dir", data, "--property", c.Property); err == nil ||
		!strings.Contains(string(out), "no longer kept") {
		t.Errorf("a replay: %v\n%s", err, out)
	}
	if err := s.Terminate(); err != nil {
		t.Fatal(err)
	}
	process.Command(t, binary, "replay", "--rebuild", "--data-dir", data)
	s = process.Start(t, binary, "serve", data, "--config", file)
	same("after a rebuild")
	if err := s.Terminate(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(data, "state")); err != nil {
		t.Fatal(err)
	}
	mustRefuseRebuild(t, data, "the state is lost")
}

func TestRebuildRefusesToLoseCountsS30(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	c := createProperty(t, data)
	process.Command(t, binary, "property", "set", "--data-dir", data, "--property", c.Property, "--row-days", "8", "--yes")
	file := filepath.Join(t.TempDir(), "tidemark.yaml")
	write(t, file, "processor:\n  upkeep_interval: 200ms\n  checkpoint_interval: 500ms\n")
	process.Command(t, binary, "simulate", "--data-dir", data, "--in-process", "--events", "2000", "--rate", "0.0015", "--seed", "4")
	s := process.Start(t, binary, "serve", data, "--config", file)
	waitFolded(t, s.URL, c)
	deadline := time.Now().Add(time.Minute)
	for kept(t, data) == 0 {
		if time.Now().After(deadline) {
			t.Fatal("no rows were dropped within a minute")
		}
	}
	if err := s.Terminate(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(data, "store")); err != nil {
		t.Fatal(err)
	}
	mustRefuseRebuild(t, data, "counts of days whose rows are no longer kept")
}

func mustRefuseRebuild(t *testing.T, data, why string) {
	t.Helper()
	if out, err := process.TryCommand(binary, "replay", "--rebuild", "--data-dir", data); err == nil || !strings.Contains(string(out), why) {
		t.Errorf("a rebuild: %v, want a refusal that says %q\n%s", err, why, out)
	}
}

// kept counts the files of sums whose rows are gone.
func kept(t *testing.T, data string) int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(data, "store", "kept_rollups-*.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

// tryAsk runs a report that may be refused.
func tryAsk(t *testing.T, url string, c credentials, request string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, url+"/v1beta/properties/"+c.Property+":runReport", strings.NewReader(request))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.ReadKey)
	req.Header.Set("Content-Type", "application/json")
	return answerTo(t, req)
}

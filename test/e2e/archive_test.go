// The archive with the real binary: final days go to a real S3 server while it runs, other programs can find them, and
// a data directory that lost its store, or all it had, is restored with the same answers (D7).
package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/testkit/objectserver"
	"tidemark/internal/testkit/parquetfile"
	"tidemark/internal/testkit/process"
)

// archived is a line of `tidemark archive list --json`.
type archivedDay struct {
	Property, Day    string
	Edition          int
	Events, Sessions int
	Files            []string
	Gone             string
}

func listArchive(t *testing.T, file, data string) (days []archivedDay) {
	t.Helper()
	out := process.Command(t, binary, "archive", "list", "--json", "--config", file, "--data-dir", data)
	if err := json.Unmarshal(out, &days); err != nil {
		t.Fatalf("decode %s: %v", out, err)
	}
	return days
}

// waitArchived waits until days up to the one before last are archived, and want holds.
func waitArchived(t *testing.T, file, data, last string, want func([]archivedDay) bool) []archivedDay {
	t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for {
		days := listArchive(t, file, data)
		if n := len(days); n > 0 && days[n-1].Day >= last && want(days) {
			return days
		}
		if time.Now().After(deadline) {
			t.Fatalf("days up to %s are not archived as they should be: %+v", last, days)
		}
	}
}

func anyDays([]archivedDay) bool { return true }

// archiveOn writes a configuration that archives to a bucket of a real server.
func archiveOn(t *testing.T, file string) *objectserver.Server {
	t.Helper()
	s, err := objectserver.Start(t.Context(), objectserver.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	bucket := s.NewBucket(t)
	write(t, file, fmt.Sprintf("processor:\n  upkeep_interval: 200ms\n  checkpoint_interval: 500ms\n"+
		"archive:\n  interval: 1s\n  s3:\n    endpoint: %s\n    bucket: %s\n    prefix: final/\n    path_style: true\n"+
		"    access_key: %s\n    secret_key: %s\n", s.URL(), bucket, objectserver.AccessKey, objectserver.SecretKey))
	return s
}

func TestFinalDaysAreArchivedAndRestoredD7(t *testing.T) {
	dir := t.TempDir()
	data, file := filepath.Join(dir, "data"), filepath.Join(dir, "tidemark.yaml")
	archiveOn(t, file)
	c := createProperty(t, data)
	process.Command(t, binary, "simulate", "--data-dir", data, "--in-process", "--events", "20000", "--rate", "0.03", "--seed", "7")
	s := process.Start(t, binary, "serve", data, "--config", file)
	waitFolded(t, s.URL, c)
	replayFinal(t, data, c) // days are final
	last := finalDay()
	days := waitArchived(t, file, data, last, anyDays)
	if days[0].Events == 0 || days[0].Sessions == 0 || !strings.HasPrefix(days[0].Files[0], "property="+c.Property+"/day="+days[0].Day+"/") {
		t.Errorf("archived: %+v", days)
	}
	if out := process.Command(t, binary, "archive", "verify", "--config", file); !strings.Contains(string(out), "every byte is as it was written") {
		t.Errorf("verify says %s", out)
	}
	question := archiveQuestion(days[0].Day, last)
	before := ask(t, s.URL, c, question)
	if len(before.Rows) < 10 {
		t.Fatalf("%d rows: the test proves too little", len(before.Rows))
	}
	if err := s.Terminate(); err != nil {
		t.Fatal(err)
	}
	days = listArchive(t, file, data) // a day more may have become final
	same := func(when, data string) {
		t.Helper()
		s := process.Start(t, binary, "serve", data, "--config", file)
		if diff := cmp.Diff(before.Rows, ask(t, s.URL, c, question).Rows); diff != "" {
			t.Errorf("%s (- before, + after):\n%s", when, diff)
		}
		if err := s.Terminate(); err != nil {
			t.Fatal(err)
		}
	}

	// The store is gone, and the log has forgotten nothing: what is archived comes from there.
	for _, lost := range [][]string{{"store"}, {"store", "state"}} {
		for _, name := range lost {
			if err := os.RemoveAll(filepath.Join(data, name)); err != nil {
				t.Fatal(err)
			}
		}
		out := process.Command(t, binary, "replay", "--rebuild", "--data-dir", data, "--config", file)
		if !strings.Contains(string(out), fmt.Sprintf("%d archived days and the log", len(days))) {
			t.Errorf("a rebuild without %v says %s", lost, out)
		}
		same(fmt.Sprintf("after a rebuild without %v", lost), data)
	}

	// All is gone but the registry: another data directory begins with archived days, and a log behind them.
	fresh := filepath.Join(dir, "fresh")
	if err := os.MkdirAll(fresh, 0o700); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(data, "registry.db"))
	if err == nil {
		err = os.WriteFile(filepath.Join(fresh, "registry.db"), text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	process.Command(t, binary, "archive", "restore", "--data-dir", fresh, "--config", file)
	same("restored to an empty directory", fresh)
	process.Command(t, binary, "archive", "restore", "--data-dir", fresh, "--config", file)
	same("restored once more", fresh)
	if again := listArchive(t, file, fresh); !cmp.Equal(days, again) {
		t.Errorf("a restored server archived days again:\n%s", cmp.Diff(days, again))
	}
}

// archiveQuestion is about days between two.
func archiveQuestion(from, to string) string {
	return fmt.Sprintf(replayQuestion, from, to)
}

// A person who is erased is in no object once a later edition is archived, and damage is found.
func TestErasedPersonLeavesTheArchiveS30(t *testing.T) {
	dir := t.TempDir()
	data, file, kept := filepath.Join(dir, "data"), filepath.Join(dir, "tidemark.yaml"), filepath.Join(dir, "archive")
	write(t, file, "processor:\n  upkeep_interval: 200ms\n  checkpoint_interval: 500ms\narchive:\n  interval: 1s\n  dir: "+kept+"\n")
	c := createProperty(t, data)
	process.Command(t, binary, "simulate", "--data-dir", data, "--in-process", "--events", "8000", "--rate", "0.012", "--seed", "5")
	s := process.Start(t, binary, "serve", data, "--config", file)
	waitFolded(t, s.URL, c)
	replayFinal(t, data, c)
	last := finalDay()
	days := waitArchived(t, file, data, last, anyDays)
	client := clientOfDay(t, filepath.Join(kept, sessionsFile(days[1])))
	var its []string // days
	for _, d := range days {
		if d.Files != nil && clientsOfFile(t, filepath.Join(kept, sessionsFile(d)))[client] {
			its = append(its, d.Day)
		}
	}
	process.Command(t, binary, "erase", "--data-dir", data, "--property", c.Property, "--client-id", client)
	waitArchived(t, file, data, last, func(days []archivedDay) bool {
		return !slices.ContainsFunc(days, func(d archivedDay) bool { return d.Edition == 1 && slices.Contains(its, d.Day) })
	})
	if err := s.Terminate(); err != nil {
		t.Fatal(err)
	}
	for _, d := range listArchive(t, file, data) {
		if d.Files == nil {
			continue
		}
		if clients := clientsOfFile(t, filepath.Join(kept, sessionsFile(d))); clients[client] {
			t.Errorf("%s still has the client", d.Day)
		}
	}
	process.Command(t, binary, "archive", "verify", "--config", file)
	days = listArchive(t, file, data)
	damaged := filepath.Join(kept, days[2].Files[0])
	text, err := os.ReadFile(damaged)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 1
	write(t, damaged, string(text))
	if out, err := process.TryCommand(binary, "archive", "verify", "--config", file); err == nil || !strings.Contains(string(out), days[2].Day) {
		t.Errorf("a changed byte: %v\n%s", err, out)
	}
	if out, err := process.TryCommand(binary, "archive", "restore", "--config", file, "--data-dir", filepath.Join(dir, "other")); err == nil {
		t.Errorf("damaged days were restored:\n%s", out)
	}
}

func sessionsFile(d archivedDay) string {
	for _, f := range d.Files {
		if strings.HasSuffix(f, "-sessions.parquet") {
			return f
		}
	}
	return ""
}

// clientsOfFile reads the clients of a file of sessions with another engine than the one that wrote it.
func clientsOfFile(t *testing.T, path string) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := parquetfile.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	clients := map[string]bool{}
	for _, id := range f.Column("client_id").Values {
		clients[id] = true
	}
	return clients
}

func clientOfDay(t *testing.T, path string) string {
	t.Helper()
	return slices.Min(slices.Collect(maps.Keys(clientsOfFile(t, path))))
}

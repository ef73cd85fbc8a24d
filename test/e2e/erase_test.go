// S30, D10 with the real binary: a person is forgotten in reports, state and
// segments, the account says so, and others are as they were.
package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tidemark/internal/testkit/process"
)

func TestErasedPersonIsForgottenS30D10(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	c := createProperty(t, data)
	s := process.Start(t, binary, "serve", data)
	query := "?measurement_id=" + c.MeasurementID + "&api_secret=" + c.APISecret
	send := func(client, user, path string) {
		t.Helper()
		body := fmt.Sprintf(`{"client_id":%q,"user_id":%q,"timestamp_micros":%d,"events":[{"name":"page_view","params":{"session_id":"1",
		  "page_location":"https://shop.example/%s","note":"param-of-%s"}}]}`, client, user, time.Now().UnixMicro(), path, path)
		if status, text := post(t, s.URL+"/mp/collect"+query, body); status != http.StatusNoContent {
			t.Fatalf("answer %d %q", status, text)
		}
	}
	// Anna with two devices; Berta shares nothing with her.
	send("anna-phone", "user-anna", "page-anna-1")
	send("anna-phone", "user-anna", "page-anna-2")
	send("anna-desk", "user-anna", "page-anna-3")
	send("berta-phone", "user-berta", "page-berta")
	waitFolded(t, s.URL, c)
	question := `{"dimensions":[{"name":"pagePath"}],"metrics":[{"name":"eventCount"},{"name":"totalUsers"},{"name":"sessions"}],` + lastDays + `}`
	if got := ask(t, s.URL, c, question).RowCount; got != 4 {
		t.Fatalf("%d pages before, want 4", got)
	}
	var result struct {
		Clients, Events int
		LogUntil        time.Time
	}
	out := process.Command(t, binary, "erase", "--data-dir", data, "--property", c.Property, "--user-id", "user-anna", "--json")
	if err := json.Unmarshal(out, &result); err != nil {
		t.Fatalf("decode %s: %v", out, err)
	}
	if result.Clients != 2 || result.Events != 3 || time.Until(result.LogUntil) < 7*24*time.Hour {
		t.Errorf("erased %+v, want 2 clients, 3 events and the time when the log forgets", result)
	}
	forgotten := func(when string) {
		t.Helper()
		if got := fmt.Sprint(ask(t, s.URL, c, question).Rows); got != "[{[/page-berta] [1 1 1]}]" {
			t.Errorf("%s the report is %s", when, got)
		}
		if l := askLedger(t, s.URL, c); l.Stored != 1 || l.Erased != 3 || !l.Balanced {
			t.Errorf("%s the ledger is %+v", when, l)
		}
	}
	forgotten("after the erasure")
	mustNotHold(t, filepath.Join(data, "store"), "anna")
	mustNotHold(t, filepath.Join(data, "state"), "anna", ".sst")
	s.Kill()
	s = process.Start(t, binary, "serve", data)
	waitFolded(t, s.URL, c)
	forgotten("after a kill")
	send("anna-phone", "", "page-anna-4") // somebody new
	waitFolded(t, s.URL, c)
	if got := ask(t, s.URL, c, question).RowCount; got != 2 {
		t.Errorf("%d pages after a new visit, want 2", got)
	}
}

// mustNotHold waits until no file below dir, of the endings if any are given, holds text:
// engines delete files in the background. Short texts stand in these files as they are.
func mustNotHold(t *testing.T, dir, text string, endings ...string) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for again := time.NewTicker(20 * time.Millisecond); ; <-again.C {
		held := holding(t, dir, text, endings)
		if held == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("%s holds %q", held, text)
			return
		}
	}
}

func holding(t *testing.T, dir, text string, endings []string) (held string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || (len(endings) > 0 && filepath.Ext(path) != endings[0]) {
			return err
		}
		b, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(b), text) {
			held = path
		}
		return err
	})
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return held
}

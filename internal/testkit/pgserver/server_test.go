// The server itself: what is acknowledged outlives a kill, a frozen one is
// silent, and nothing is left behind.
package pgserver

import (
	"context"
	"os"
	"testing"
	"time"
)

func TestServerLivesThroughKillStopAndFreeze(t *testing.T) {
	s, err := Start(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(s.Dir); !os.IsNotExist(err) {
			t.Errorf("the folder is still there: %v", err)
		}
	}()
	url := s.NewDatabase(t)
	s.Execute(t, url, `CREATE TABLE kept (x text); INSERT INTO kept VALUES ('here')`)
	for name, end := range map[string]func() error{"kill": s.Kill, "stop": s.Stop} {
		if err := end(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := execute(t.Context(), url, `SELECT 1`); err == nil {
			t.Errorf("after %s the server answers", name)
		}
		if err := s.Begin(); err != nil {
			t.Fatalf("begin after %s: %v", name, err)
		}
		if got := s.Text(t, url, `SELECT x FROM kept`); got != "here" {
			t.Errorf("after %s: got %q", name, got)
		}
	}
	if err := s.Freeze(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := execute(ctx, url, `SELECT 1`); err == nil {
		t.Error("a frozen server answers")
	}
	if err := s.Thaw(); err != nil {
		t.Fatal(err)
	}
	if got := s.Text(t, url, `SELECT x FROM kept`); got != "here" {
		t.Errorf("after thaw: got %q", got)
	}
}

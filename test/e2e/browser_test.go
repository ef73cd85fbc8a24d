// The main job, end to end: a real Chromium browses the demo shop as two people
// and a bot, and the reports and the dashboard show exactly what was done.
package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"tidemark/internal/testkit/process"
)

func TestBrowserVisitsAreCountedAndShown(t *testing.T) {
	root, err := process.Root()
	if err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(t.TempDir(), "data")
	s := process.Start(t, binary, "demo", data, "--rate", "0")
	text, err := os.ReadFile(filepath.Join(data, "demo.json"))
	if err != nil {
		t.Fatal(err)
	}
	var demo struct {
		Email, Password string
		Shop            credentials
	}
	if err := json.Unmarshal(text, &demo); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", "--test", "run.mjs")
	cmd.Dir = filepath.Join(root, "test", "browser")
	cmd.Env = append(os.Environ(),
		"TIDEMARK_URL="+s.URL, "TIDEMARK_PROPERTY="+demo.Shop.Property, "TIDEMARK_READ_KEY="+demo.Shop.ReadKey,
		"TIDEMARK_MEMBER_EMAIL="+demo.Email, "TIDEMARK_MEMBER_PASSWORD="+demo.Password)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("browser test: %v\n%s\nserver:\n%s", err, out, s.Output())
	}
	if l := askLedger(t, s.URL, demo.Shop); !l.Balanced || l.Pending != 0 {
		t.Errorf("ledger does not balance: %+v", l)
	}
	if err := s.Terminate(); err != nil {
		t.Errorf("stop in good order: %v\n%s", err, s.Output())
	}
}

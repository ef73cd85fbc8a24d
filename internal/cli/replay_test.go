// replay: what the command orders, and how it draws what it gets.
package cli

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tidemark/internal/config"
)

// operatorServer answers on the socket of a data directory as a server does, and notes
// what it was asked.
func operatorServer(t *testing.T, answer string) (dir string, asked *[]string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "cli") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", config.OperatorSocket(dir))
	if err != nil {
		t.Fatal(err)
	}
	asked = &[]string{}
	s := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		*asked = append(*asked, r.URL.Path+" "+strings.TrimSpace(string(body)))
		if r.URL.Path == "/replays" {
			fmt.Fprintln(w, answer)
			return
		}
		fmt.Fprintln(w, "{}")
	})}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() {
		_ = s.Close()
		_ = os.RemoveAll(dir)
	})
	return dir, asked
}

const replayAnswer = `{"stage":"folding","share":0.5}
{"result":{"property":"7","from":"2026-03-01","to":"2026-03-02","derivedEvents":30,"keptEvents":12,"difference":{
"days":[{"dimension":"date","value":"20260301","metric":"sessions","before":12,"after":9},
{"dimension":"date","value":"20260301","metric":"totalRevenue","before":0,"after":12.5}],
"groups":[{"dimension":"sessionDefaultChannelGroup","value":"Direct\u001b[31m","metric":"sessions","before":4,"after":7}]}}}`

func TestReplayDrawsTheDifferenceAndChangesNothing(t *testing.T) {
	dir, asked := operatorServer(t, replayAnswer)
	out := tidemark(t, "replay", "--data-dir", dir, "--property", "7", "--from", "2026-03-01", "--to", "2026-03-02").ok(t).out
	wantText(t, out, `Property 7, 2026-03-01 to 2026-03-02: 42 events folded again
Of 12 the log no longer holds the record: their device, browser, bot verdict and own source are as they were.

date        metric        before  after  difference
2026-03-01  sessions          12      9          -3
2026-03-01  totalRevenue       0   12.5       +12.5

dimension                   value        sessions before  after  difference
sessionDefaultChannelGroup  Direct·[31m                4      7          +3

Nothing was changed. With --apply these numbers take the place of the old ones.
`)
	want := []string{`/replays {"property":"7","from":"2026-03-01","to":"2026-03-02","definitions":{}}`, "/replays/discard {}"}
	if fmt.Sprint(*asked) != fmt.Sprint(want) {
		t.Errorf("asked %q, want %q", *asked, want)
	}
}

func TestReplayAppliesWithDefinitions(t *testing.T) {
	dir, asked := operatorServer(t, `{"result":{"property":"7","from":"2026-03-01","to":"2026-03-02","derivedEvents":3,"keptEvents":0,`+
		`"difference":{"days":[],"groups":[]}}}`)
	file := filepath.Join(dir, "definitions.json")
	if err := os.WriteFile(file, []byte(`{"sessionTimeout": "1h", "keyEvents": []}`), 0o600); err != nil {
		t.Fatal(err)
	}
	out := tidemark(t, "replay", "--data-dir", dir, "--property", "7", "--definitions", file, "--from", "2026-03-01", "--to", "2026-03-02",
		"--apply", "--json").ok(t).out
	wantText(t, out, `{"property":"7","from":"2026-03-01","to":"2026-03-02","derivedEvents":3,"keptEvents":0,`+
		`"difference":{"days":[],"groups":[]},"applied":true}`+"\n")
	want := []string{`/replays {"property":"7","from":"2026-03-01","to":"2026-03-02","definitions":{"sessionTimeout":"1h","keyEvents":[]}}`,
		"/replays/apply {}"}
	if fmt.Sprint(*asked) != fmt.Sprint(want) {
		t.Errorf("asked %q, want %q", *asked, want)
	}
}

func TestReplaySaysWhatIsWrong(t *testing.T) {
	dir, _ := operatorServer(t, `{"error":"replay property 7: no day of the range is final"}`)
	wrong := filepath.Join(dir, "wrong.json")
	if err := os.WriteFile(wrong, []byte(`{"sessionTimout": "1h"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		code int
		text string
		args []string
	}{
		{2, "--property is needed", nil},
		{2, "no day such as", []string{"--property", "7", "--from", "yesterday"}},
		{2, "is after --to", []string{"--property", "7", "--from", "2026-03-02", "--to", "2026-03-01"}},
		{2, "sessionTimout", []string{"--property", "7", "--definitions", wrong}},
		{1, "no day of the range is final", []string{"--property", "7"}},
	} {
		if r := tidemark(t, append([]string{"replay", "--data-dir", dir}, c.args...)...); r.code != c.code || !strings.Contains(r.err, c.text) {
			t.Errorf("%q: got code %d, error %q, want %d and %q", c.args, r.code, r.err, c.code, c.text)
		}
	}
	if r := tidemark(t, "replay", "--data-dir", t.TempDir(), "--property", "7"); r.code != 1 || !strings.Contains(r.err, "no server runs on") {
		t.Errorf("without a server: got code %d, error %q", r.code, r.err)
	}
}

func TestRebuildSaysWhatTheLogCannotTell(t *testing.T) {
	programs := Programs{Rebuild: func(_ context.Context, s Serving, _ func(string, float64)) (Rebuilt, error) {
		return Rebuilt{Records: 5, LogFrom: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}, nil
	}}
	out := tidemarkWith(t, programs, "replay", "--rebuild", "--data-dir", t.TempDir()).ok(t).out
	wantText(t, out, `State and store were made anew from the log alone: 5 records.
The log begins at 2026-03-01T00:00:00Z and there was no archive: what happened before is gone, and the first days behind it may lack events. A backup has them.
`)
}

func TestReplayGoesToTheClusterUnlessADataDirectoryIsNamed(t *testing.T) {
	scratch := t.TempDir()
	file := filepath.Join(scratch, "cluster.yaml")
	if err := os.WriteFile(file, []byte("clickhouse:\n  url: http://127.0.0.1:8123\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var ordered SharedReplay
	programs := Programs{ReplayShared: func(_ context.Context, _ Serving, o SharedReplay, _ func(string, float64)) (*ReplayResult, error) {
		ordered = o
		return &ReplayResult{Property: "7", From: o.From, To: o.To, Derived: 3, Applied: o.Apply}, nil
	}}
	days := []string{"replay", "--config", file, "--property", "7", "--from", "2026-03-01", "--to", "2026-03-02"}
	out := tidemarkWith(t, programs, append(days, "--apply", "--scratch", scratch)...).ok(t).out
	wantText(t, out, "Property 7, 2026-03-01 to 2026-03-02: 3 events folded again\n\nNo number differs.\n\n"+
		"The replayed days are in place. Days that are not final yet keep the definition under which their events came until they are replayed, too.\n")
	want := SharedReplay{ReplayOrder: ReplayOrder{Property: "7", From: "2026-03-01", To: "2026-03-02"}, Apply: true, Scratch: scratch}
	if fmt.Sprint(ordered) != fmt.Sprint(want) {
		t.Errorf("ordered %+v, want %+v", ordered, want)
	}
	dir, asked := operatorServer(t, `{"result":{"property":"7"}}`)
	ordered = SharedReplay{}
	if tidemarkWith(t, programs, append(days, "--data-dir", dir)...).ok(t); len(*asked) != 2 || ordered.Property != "" {
		t.Errorf("with a data directory: asked %q, and the cluster %+v", *asked, ordered)
	}
}

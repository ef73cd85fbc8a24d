// The commands as a person or a script meets them: arguments in, text out.
package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/config"
	"tidemark/internal/property"
	"tidemark/internal/property/sqlreg"
	"tidemark/internal/simulate"
)

type result struct {
	code     int
	out, err string
}

func tidemark(t *testing.T, args ...string) result {
	t.Helper()
	return tidemarkWith(t, Programs{}, args...)
}

func tidemarkWith(t *testing.T, p Programs, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	code := Run(t.Context(), args, Env{Stdout: &out, Stderr: &errs, Programs: p, Version: "v0-test"})
	return result{code, out.String(), errs.String()}
}

// ok stops the test unless the command succeeded.
func (r result) ok(t *testing.T) result {
	t.Helper()
	if r.code != 0 {
		t.Fatalf("exit code %d: %s", r.code, r.err)
	}
	return r
}

func wantText(t *testing.T, got, want string) {
	t.Helper()
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
}

func TestHelpListsEveryCommand(t *testing.T) {
	for _, args := range [][]string{nil, {"--help"}} {
		out := tidemark(t, args...).ok(t).out
		for _, name := range []string{"serve", "demo", "property create", "property set", "property list", "report", "tail",
			"ledger", "replay", "simulate", "check-config", "list-roles", "version"} {
			if !strings.Contains(out, name) {
				t.Errorf("help after %q does not name %s:\n%s", args, name, out)
			}
		}
	}
}

func TestCL4_WrongCommandLineIsExitCode2(t *testing.T) {
	for _, args := range [][]string{
		{"fly"}, {"report", "--wings"}, {"property", "create"}, {"report", "--url", "x", "--read-key", "k"},
		{"report", "--url", "http://a", "--property", "1"}, {"report", "--url", "http://a", "--read-key", "k"},
		{"report", "--limit", "0"}, {"report", "-f", "country"}, {"demo", "--rate", "-1"},
	} {
		if r := tidemark(t, args...); r.code != 2 || r.out != "" || !strings.HasPrefix(r.err, "tidemark: ") {
			t.Errorf("%q: got code %d, output %q, error %q", args, r.code, r.out, r.err)
		}
	}
}

func TestVersionSaysWhatRuns(t *testing.T) {
	wantText(t, tidemark(t, "version").ok(t).out, "tidemark v0-test\n")
	wantText(t, tidemark(t, "version", "--json").ok(t).out, `{"version":"v0-test"}`+"\n")
}

func TestPropertyCreatePrintsWhatScriptsRelyOn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "by", "command")
	out := tidemark(t, "property", "create", "--data-dir", dir, "--name", "Shop",
		"--time-zone", "Asia/Kolkata", "--currency", "INR", "--json").ok(t).out
	var keys []string
	var got map[string]string
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{"property", "measurementId", "apiSecret", "readKey"} {
		if got[k] != "" {
			keys = append(keys, k)
		}
	}
	if len(keys) != 4 || len(got) != 4 || strings.Count(out, "\n") != 1 {
		t.Errorf("got %s", out)
	}
	r, err := sqlreg.Open(config.RegistryFile(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p, err := r.PropertyOfStream(t.Context(), got["measurementId"])
	if err != nil || p.ID.String() != got["property"] || p.TimeZone != "Asia/Kolkata" || p.Currency != "INR" {
		t.Errorf("registry has %+v, %v", p, err)
	}
}

func TestPropertyCreateWorksBesideAnOpenRegistry(t *testing.T) {
	dir := t.TempDir()
	server, err := sqlreg.Open(config.RegistryFile(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	out := tidemark(t, "property", "create", "--data-dir", dir, "--name", "Shop", "--json").ok(t).out
	var c property.Credentials
	if err := json.Unmarshal([]byte(out), &c); err != nil {
		t.Fatal(err)
	}
	if ok, err := server.CheckAPISecret(t.Context(), c.MeasurementID, c.APISecret); !ok || err != nil {
		t.Errorf("the open registry: got %v, %v", ok, err)
	}
}

func TestPropertyCreateNamesTheWrongFlag(t *testing.T) {
	r := tidemark(t, "property", "create", "--data-dir", t.TempDir(), "--name", "Shop", "--time-zone", "Mars/Olympus")
	if r.code != 1 || !strings.Contains(r.err, `timeZone: "Mars/Olympus" is not a time zone`) {
		t.Errorf("got code %d, error %q", r.code, r.err)
	}
}

func TestPropertyListShowsThem(t *testing.T) {
	dir := t.TempDir()
	if out := tidemark(t, "property", "list", "--data-dir", dir).ok(t).out; !strings.Contains(out, "no property yet") {
		t.Errorf("empty: got %q", out)
	}
	wantText(t, tidemark(t, "property", "list", "--data-dir", dir, "--json").ok(t).out, "[]\n")
	tidemark(t, "property", "create", "--data-dir", dir, "--name", "Another").ok(t)
	if out := tidemark(t, "property", "create", "--data-dir", dir, "--name", "Shop").out; !strings.Contains(out, "Read key") {
		t.Errorf("create: got %q", out)
	}
	out := tidemark(t, "property", "list", "--data-dir", dir).ok(t).out
	if lines := strings.Split(out, "\n"); len(lines) != 4 || !strings.HasSuffix(lines[1], "UTC        USD       for ever   Another") ||
		!strings.HasSuffix(lines[2], "  Shop") {
		t.Errorf("list: got %q", out)
	}
}

// Keeping fewer rows loses some for good: it needs a word more.
func TestPropertySetSaysForHowLongRowsAreKept(t *testing.T) {
	dir := t.TempDir()
	var made property.Credentials
	out := tidemark(t, "property", "create", "--data-dir", dir, "--name", "Shop", "--row-days", "400", "--json").ok(t).out
	if err := json.Unmarshal([]byte(out), &made); err != nil {
		t.Fatal(err)
	}
	set := func(args ...string) result {
		return tidemark(t, append([]string{"property", "set", "--data-dir", dir, "--property", made.Property.String(), "--row-days"}, args...)...)
	}
	kept := func() int {
		t.Helper()
		var list []listedProperty
		if err := json.Unmarshal([]byte(tidemark(t, "property", "list", "--data-dir", dir, "--json").ok(t).out), &list); err != nil || len(list) != 1 {
			t.Fatalf("list: %+v, %v", list, err)
		}
		return list[0].RowDays
	}
	if n := kept(); n != 400 {
		t.Errorf("made with %d days, want 400", n)
	}
	if r := set("90"); r.code != 2 || !strings.Contains(r.err, "for good") || !strings.Contains(r.err, "--yes") || kept() != 400 {
		t.Errorf("fewer days without --yes: %+v, kept %d", r, kept())
	}
	wantText(t, set("90", "--yes").ok(t).out, "Rows of Shop are kept 90 days.\n")
	if r := set("7", "--yes"); r.code != 1 || !strings.Contains(r.err, "rowDays: must be 0, for ever, or between 8 and") || kept() != 90 {
		t.Errorf("too few days: %+v, kept %d", r, kept())
	}
	wantText(t, set("0", "--json").ok(t).out, `{"property":"`+made.Property.String()+`","rowDays":0}`+"\n")
	if r := set("400"); r.code != 2 || kept() != 0 {
		t.Errorf("from for ever to some without --yes: %+v, kept %d", r, kept())
	}
	if r := tidemark(t, "property", "set", "--data-dir", dir, "--property", "77", "--row-days", "9", "--yes"); r.code != 1 || !strings.Contains(r.err, "not found") {
		t.Errorf("an unknown property: %+v", r)
	}
	if out := tidemark(t, "property", "list", "--data-dir", dir).ok(t).out; !strings.Contains(out, "for ever") {
		t.Errorf("list: %s", out)
	}
}

func TestCheckConfigSaysWhatIsWrongAndWhatIsDoubtful(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("http: {listne: x}\n")
	want := "tidemark: " + path + ":\nline 1: http.listne: unknown key, did you mean listen?\n"
	if r := tidemark(t, "check-config", path); r.code != 1 || r.err != want || r.out != "" {
		t.Errorf("got %+v", r)
	}
	r := tidemark(t, "check-config", path, "--json")
	if r.code != 1 || !strings.HasPrefix(r.out, `{"ok":false,"errors":[`) {
		t.Errorf("json: got %+v", r)
	}
	write("eventlog: {max_bytes: 0}\n")
	out := tidemark(t, "check-config", path).ok(t).out
	if !strings.Contains(out, "warning: eventlog.max_bytes: ") || !strings.HasSuffix(out, "\nok\n") {
		t.Errorf("got %q", out)
	}
}

func TestServeLaysFlagsOverTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.yaml")
	if err := os.WriteFile(path, []byte("data_dir: from-file\nlog: {level: warn}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var got Serving
	programs := Programs{Serve: func(_ context.Context, s Serving) error { got = s; return nil }}
	tidemarkWith(t, programs, "serve", "--config", path, "--listen", "127.0.0.1:0").ok(t)
	if got.Config.DataDir != "from-file" || got.Config.HTTP.Listen != "127.0.0.1:0" || got.Config.Log.Level != "warn" {
		t.Errorf("got %+v", got.Config)
	}
	r := tidemarkWith(t, programs, "serve", "--listen", "nowhere")
	if r.code != 1 || !strings.Contains(r.err, `http.listen: "nowhere" is not host:port`) {
		t.Errorf("bad flag: got %+v", r)
	}
	programs.Serve = func(context.Context, Serving) error { return errors.New("disk is gone") }
	if r := tidemarkWith(t, programs, "serve"); r.code != 1 || !strings.HasSuffix(r.err, "tidemark: disk is gone\n") {
		t.Errorf("failing server: got %+v", r)
	}
}

func TestListRolesPrintsTheTable(t *testing.T) {
	programs := Programs{Roles: func() []Role {
		return []Role{{"log", nil, "Keeps events."}, {"collector", []string{"log"}, "Takes events."}}
	}}
	wantText(t, tidemarkWith(t, programs, "list-roles").ok(t).out, ""+
		"ROLE       NEEDS  WHAT IT DOES\n"+
		"log        -      Keeps events.\n"+
		"collector  log    Takes events.\n")
}

// backend is a server that answers every request the same and keeps the last.
type backend struct {
	*httptest.Server
	path, auth, body string
}

func newBackend(t *testing.T, status int, answer string) *backend {
	b := &backend{}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		b.path, b.auth, b.body = r.URL.Path, r.Header.Get("Authorization"), string(text)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer) // the client may be gone
	}))
	t.Cleanup(b.Close)
	return b
}

func (b *backend) args(command string, more ...string) []string {
	return append([]string{command, "--url", b.URL, "--property", "123", "--read-key", "secret"}, more...)
}

func TestLedgerShowsBothSums(t *testing.T) {
	b := newBackend(t, 200, `{"property":"123","received":110,"refused":{"malformed":7,"no_event_name":3},
		"accepted":100,"pending":1,"stored":90,"duplicate":6,"tooLate":3,"balanced":true,"synthetic":4}`)
	wantText(t, tidemark(t, b.args("ledger")...).ok(t).out, ""+
		"received           110\n"+
		"  refused           10\n"+
		"    malformed        7\n"+
		"    no_event_name    3\n"+
		"  accepted         100\n"+
		"    pending          1\n"+
		"    stored          90\n"+
		"    duplicate        6\n"+
		"    too late         3\n"+
		"    expired          0\n"+
		"    erased           0\n"+
		"\nThe ledger balances.\n"+
		"outside the sums: 4 synthetic rows, 0 unmerged, 0 over limits\n")
	if b.path != "/v1/properties/123/ledger" || b.auth != "Bearer secret" {
		t.Errorf("asked %s with %s", b.path, b.auth)
	}
}

func TestServersRefusalIsToldWithoutControlCharacters(t *testing.T) {
	b := newBackend(t, 403, `{"error":{"code":403,"message":"not \u001b[31myours","status":"PERMISSION_DENIED"}}`)
	r := tidemark(t, b.args("ledger")...)
	if r.code != 1 || r.err != "tidemark: server says PERMISSION_DENIED: not \u00b7[31myours\n" {
		t.Errorf("got %+v", r)
	}
}

func TestDataDirFindsServerAndProperty(t *testing.T) {
	b := newBackend(t, 200, `{"balanced":true}`)
	dir := t.TempDir()
	var c property.Credentials
	out := tidemark(t, "property", "create", "--data-dir", dir, "--name", "Shop", "--json").ok(t).out
	if err := json.Unmarshal([]byte(out), &c); err != nil {
		t.Fatal(err)
	}
	r := tidemark(t, "ledger", "--data-dir", dir, "--read-key", c.ReadKey)
	if r.code != 1 || !strings.Contains(r.err, "no server runs on this data directory") {
		t.Errorf("without a server: got %+v", r)
	}
	if err := config.WriteServer(dir, config.Server{URL: b.URL, Started: time.Unix(0, 0)}); err != nil {
		t.Fatal(err)
	}
	tidemark(t, "ledger", "--data-dir", dir, "--read-key", c.ReadKey).ok(t)
	if want := "/v1/properties/" + c.Property.String() + "/ledger"; b.path != want {
		t.Errorf("asked %s, want %s", b.path, want)
	}
}

func TestTailPrintsEventsAndStopsAfterCount(t *testing.T) {
	b := newBackend(t, 200, ": hello\n\n"+
		"data: {\"name\":\"page_view\",\"eventTime\":\"2026-11-23T12:00:00Z\",\"url\":\"https://a.example/x?y=1\",\"country\":\"Norway\"}\n\n"+
		"event: dropped\ndata: {\"n\":3}\n\n"+
		"data: {\"name\":\"bad\\u001b\",\"eventTime\":0}\n\n"+
		"data: {\"name\":\"never shown\"}\n\n")
	r := tidemark(t, b.args("tail", "-n", "2")...).ok(t)
	lines := strings.Split(r.out, "\n")
	if len(lines) != 3 || !strings.HasSuffix(lines[0], "page_view             a.example/x?y=1  Norway") ||
		!strings.Contains(lines[1], "bad\u00b7") || r.err != "dropped: {\"n\":3}\n" {
		t.Errorf("got %+v", r)
	}
	r = tidemark(t, b.args("tail", "-n", "1", "--json")...).ok(t)
	if !strings.HasPrefix(r.out, `{"name":"page_view"`) {
		t.Errorf("json: got %+v", r)
	}
	if r = tidemark(t, b.args("tail")...); r.code != 1 || !strings.Contains(r.err, "ended the stream") {
		t.Errorf("end of stream: got %+v", r)
	}
}

func TestSimulateSendsAndRecords(t *testing.T) {
	b := newBackend(t, 200, `{"accepted":1,"refused":[]}`)
	record := filepath.Join(t.TempDir(), "sent.jsonl")
	args := []string{"simulate", "--url", b.URL, "--measurement-id", "G-ABCDEFGHIJ", "--events", "40",
		"--fast", "--connections", "1", "--record", record, "--json"}
	var totals struct{ Sent int }
	if err := json.Unmarshal([]byte(tidemark(t, args...).ok(t).out), &totals); err != nil || totals.Sent != 40 {
		t.Errorf("got %+v, %v", totals, err)
	}
	first, err := os.ReadFile(record)
	if err != nil || bytes.Count(first, []byte("\n")) != 40 {
		t.Errorf("record has %d lines, %v", bytes.Count(first, []byte("\n")), err)
	}
	if b.path != "/v1/events" {
		t.Errorf("sent to %s", b.path)
	}
}

func TestSimulateNeedsToKnowWhereTo(t *testing.T) {
	dir := t.TempDir()
	for want, args := range map[string][]string{
		"--measurement-id is needed": {"--url", "http://127.0.0.1:1"},
		"no server runs":             {"--data-dir", dir},
		"without end":                {"--url", "http://127.0.0.1:1", "--measurement-id", "G-A", "--fast"},
		"--rate":                     {"--url", "http://127.0.0.1:1", "--measurement-id", "G-A", "--rate", "0"},
	} {
		if r := tidemark(t, append([]string{"simulate"}, args...)...); r.code == 0 || !strings.Contains(r.err, want) {
			t.Errorf("%q: got %+v, want %q", args, r, want)
		}
	}
}

func TestProgressLineShowsShareAndRate(t *testing.T) {
	got := progressLine(simulate.Totals{Sent: 50, Refused: 2}, 100, 10*time.Second)
	want := strings.Repeat("\u2588", 10) + strings.Repeat(" ", 10) + "  50 %  50 events, 5 a second, 2 refused"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The wire corpora in testdata/wire: a request as text, then the answer, the
// records and the counts that it makes. Commands:
//
//	request [gzip|zstd] [from=ADDR]   method and target, headers, blank line, body
//	clock RFC3339                     sets the clock
//	collector [denied_consent=..] [proxies=..]   a new collector with an empty log
//	ledger                            all counts so far
package collect

import (
	"bytes"
	"fmt"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

func TestWireCorpora(t *testing.T) {
	datadriven.Walk(t, "testdata/wire", func(t *testing.T, path string) {
		f := newFixture(t, nil)
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "collector":
				f = newFixture(t, func(cfg *Config, _ *Deps) {
					d.MaybeScanArgs(t, "denied_consent", &cfg.DeniedConsent)
					var proxies string
					if d.MaybeScanArgs(t, "proxies", &proxies); proxies != "" {
						cfg.TrustedProxies = strings.Split(proxies, "|")
					}
					d.MaybeScanArgs(t, "max_events", &cfg.MaxEvents)
					d.MaybeScanArgs(t, "max_depth", &cfg.MaxDepth)
				})
				return ""
			case "clock":
				now, err := time.Parse(time.RFC3339, d.CmdArgs[0].Key)
				if err != nil {
					d.Fatalf(t, "%v", err)
				}
				f.setClock(now)
				return ""
			case "request":
				return f.run(t, d)
			case "ledger":
				return ledgerText(f.counts(t))
			}
			d.Fatalf(t, "unknown command %q", d.Cmd)
			return ""
		})
	})
}

func ledgerText(counts map[string]int64) string {
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(&b, "%s: %d\n", key, counts[key])
	}
	return b.String()
}

// run sends the request of d and prints what came of it.
func (f *fixture) run(t *testing.T, d *datadriven.TestData) string {
	head, body, _ := strings.Cut(d.Input, "\n\n")
	lines := strings.Split(head, "\n")
	method, target, _ := strings.Cut(lines[0], " ")
	r := httptest.NewRequest(method, target, bytes.NewReader(compressed(t, d, body)))
	r.RemoteAddr = "203.0.113.7:4711"
	if d.MaybeScanArgs(t, "from", &r.RemoteAddr) {
		r.RemoteAddr += ":4711"
	}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Add(name, value)
	}
	from, before := f.ends(), f.counts(t)
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, r)

	var b strings.Builder
	fmt.Fprintf(&b, "%d %s\n", w.Code, strings.TrimSpace(w.Body.String()))
	if d.HasArg("headers") {
		for _, name := range slices.Sorted(maps.Keys(w.Header())) {
			fmt.Fprintf(&b, "%s: %s\n", name, strings.Join(w.Header()[name], ", "))
		}
	}
	for _, e := range eventsOf(f.records(t, from)) {
		fmt.Fprintf(&b, "event\n%s", describe(e.ProtoReflect(), "  "))
	}
	after := f.counts(t)
	maps.DeleteFunc(after, func(key string, n int64) bool { return n == before[key] })
	for key := range after {
		after[key] -= before[key]
	}
	return b.String() + ledgerText(after)
}

func compressed(t *testing.T, d *datadriven.TestData, body string) []byte {
	var b bytes.Buffer
	switch {
	case d.HasArg("gzip"):
		z := gzip.NewWriter(&b)
		if _, err := z.Write([]byte(body)); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
	case d.HasArg("zstd"):
		z, err := zstd.NewWriter(nil)
		if err != nil {
			t.Fatal(err)
		}
		return z.EncodeAll([]byte(body), nil)
	default:
		return []byte(body)
	}
	return b.Bytes()
}

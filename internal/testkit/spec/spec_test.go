// The language itself, and what its generators promise.
package spec_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tidemark/internal/event"
	"tidemark/internal/testkit/oracle"
	"tidemark/internal/testkit/spec"
)

// Permute keeps what happened and stays within the lateness (D3, S3).
func TestPermuteIsLegalD3(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		traffic := spec.RandomTraffic(rt)
		again := traffic.Permute(rt)
		if len(again.Arrivals) != len(traffic.Arrivals) {
			rt.Fatalf("%d arrivals became %d", len(traffic.Arrivals), len(again.Arrivals))
		}
		late := func(in []*event.Event) (n int) {
			for i, e := range in {
				if event.TooLate(e) {
					n++
				}
				if e.IngestTime < e.EventTime {
					rt.Fatalf("event %s arrives before it happens", e.Key)
				}
				if i > 0 && e.IngestTime < in[i-1].IngestTime {
					rt.Fatalf("arrivals are out of order at %d", i)
				}
			}
			return n
		}
		if a, b := late(traffic.Arrivals), late(again.Arrivals); a != b {
			rt.Fatalf("%d too late events became %d", a, b)
		}
	})
}

// D3, M1, M3: neither order nor copies change an answer.
func TestOrderAndCopiesDoNotChangeAnswersD3(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		traffic := spec.RandomTraffic(rt)
		plain, varied := oracle.New(), oracle.New()
		plain.Fold(traffic.Records())
		varied.Fold(traffic.Duplicate(rt).Permute(rt).Records())
		for _, q := range append(spec.RandomQueries(rt, traffic), spec.StandardQueries(traffic)[:6]...) {
			want, err := plain.Answer(q)
			if err != nil {
				rt.Fatal(err)
			}
			got, err := varied.Answer(q)
			if err != nil {
				rt.Fatal(err)
			}
			if diff := spec.Diff(want, got); diff != "" {
				rt.Fatalf("answers differ (- plain, + varied):\n%s", diff)
			}
		}
		for _, p := range traffic.Properties {
			a, b := plain.Ledger(p.ID), varied.Ledger(p.ID)
			if a.Stored != b.Stored || a.TooLate != b.TooLate || !a.Balanced() || !b.Balanced() {
				rt.Fatalf("accounts differ or do not balance: %+v, %+v", a, b)
			}
		}
	})
}

// The generator reaches the situations it is for.
func TestRandomTrafficReachesTheEdges(t *testing.T) {
	seen := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		traffic := spec.RandomTraffic(rt)
		o := oracle.New()
		o.Fold(traffic.Records())
		for _, p := range traffic.Properties {
			l := o.Ledger(p.ID)
			seen["stored"] += int(l.Stored)
			seen["too late"] += int(l.TooLate)
			seen["synthetic"] += int(l.Synthetic)
		}
		for _, e := range traffic.Arrivals {
			if e.Sessionless {
				seen["sessionless"]++
			}
			if e.SessionId != "" {
				seen["sid"]++
			}
		}
	})
	for _, what := range []string{"stored", "too late", "synthetic", "sessionless", "sid"} {
		if seen[what] == 0 {
			t.Errorf("no %s event in any traffic", what)
		}
	}
}

func TestReadFileSaysWhatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		"report metrics=sessions\n":      "before the first case",
		"case x\nreport filter=\"open\n": "a quote is not closed",
	} {
		path := filepath.Join(t.TempDir(), "x.spec")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := spec.ReadFile(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("read %q: got %v, want an error that says %q", text, err, want)
		}
	}
}

func TestReadFileFindsCasesRulesAndCommands(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.spec")
	text := `# about
case one thing [S1 D3; fixed]
property zone=UTC observed
load
2026-03-02 10:00 ann page_view /a title="two words"

report dims=date filter="pagePath is '/a b'"
----
20260302 | 1

case another
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := spec.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Cases) != 2 || !f.Cases[0].Fixed || f.Cases[0].Title != "one thing" {
		t.Fatalf("cases: %+v", f.Cases)
	}
	if diff := cmp.Diff([]string{"S1", "D3"}, f.Cases[0].Rules); diff != "" {
		t.Error(diff)
	}
	var names []string
	for _, c := range f.Cases[0].Commands {
		names = append(names, c.Name)
	}
	if diff := cmp.Diff([]string{"property", "load", "report"}, names); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"20260302 | 1"}, f.Cases[0].Commands[2].Expected); diff != "" {
		t.Error(diff)
	}
}

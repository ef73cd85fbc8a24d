// The report specification on the oracle, in several orders of arrival, and the
// list of rules that some case names.
package spec_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tidemark/internal/catalog"
	"tidemark/internal/event"
	"tidemark/internal/report"
	"tidemark/internal/testkit/oracle"
	"tidemark/internal/testkit/spec"
)

var rewrite = flag.Bool("rewrite", false, "replace expected lines by the oracle's answers")

func TestOracleAnswersTheSpecification(t *testing.T) {
	spec.Run(t, ".", openOracle, spec.Options{Rewrite: *rewrite, Final: !*rewrite})
}

// D3, M1: any order of arrival within the lateness gives the same answers.
func TestOracleIsOrderFreeD3(t *testing.T) {
	for seed := uint64(1); seed <= 5; seed++ {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			spec.Run(t, ".", openOracle, spec.Options{Shuffle: seed})
		})
	}
}

// Every rule that a loaded event and a report can show is named by a case; the
// others are listed with the place that tests them.
func TestEveryReachableRuleIsNamed(t *testing.T) {
	files, err := spec.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	named, cases := map[string]bool{}, 0
	for _, f := range files {
		for _, c := range f.Cases {
			cases++
			for _, r := range c.Rules {
				named[r] = true
			}
		}
	}
	if cases < 80 {
		t.Errorf("there are %d cases, want 80 or more", cases)
	}
	elsewhere := rulesTestedElsewhere()
	for n := 1; n <= 40; n++ {
		rule := fmt.Sprintf("S%d", n)
		if !named[rule] && elsewhere[rule] == "" {
			t.Errorf("no case names %s", rule)
		}
		if named[rule] && elsewhere[rule] != "" {
			t.Errorf("%s is named by a case and listed as out of reach", rule)
		}
	}
}

// rulesTestedElsewhere says why a .spec file cannot show a rule.
func rulesTestedElsewhere() map[string]string {
	return map[string]string{
		"S26": "checkpoints and their commit point: tests of the pipeline",
		"S27": "freshness of an answer depends on the engine's own progress: tests of the pipeline",
		"S30": "erasure and retention: tests of the fold and the store",
		"S32": "an event older than the state horizon: tests of the fold",
		"S37": "which events of a request are accepted: tests of the collector",
		"S38": "bounds of a client's record: tests of the fold",
	}
}

// Every dimension and metric of the catalog is asked for by some case.
func TestEveryCatalogNameIsAskedFor(t *testing.T) {
	paths, err := filepath.Glob("*.spec")
	if err != nil {
		t.Fatal(err)
	}
	asked := map[string]bool{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?:dims|metrics|order)=(\S+)`).FindAllStringSubmatch(string(text), -1) {
			for _, name := range strings.Split(m[1], ",") {
				asked[strings.TrimPrefix(name, "~")] = true
			}
		}
	}
	c := catalog.New()
	for _, d := range c.Dimensions() {
		if !asked[d.Name] && !strings.HasPrefix(d.Name, "customEvent:") {
			t.Errorf("no case asks for the dimension %s", d.Name)
		}
	}
	for _, m := range c.Metrics() {
		if !asked[m.Name] {
			t.Errorf("no case asks for the metric %s", m.Name)
		}
	}
}

// docs/semantics.md states each rule once, in order.
func TestSemanticsStatesEveryRule(t *testing.T) {
	text, err := os.ReadFile("../../docs/semantics.md")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range regexp.MustCompile(`(?m)^\*\*(S\d+)\b`).FindAllStringSubmatch(string(text), -1) {
		got = append(got, m[1])
	}
	var want []string
	for n := 1; n <= 40; n++ {
		want = append(want, fmt.Sprintf("S%d", n))
	}
	if !slices.Equal(got, want) {
		t.Errorf("rules in docs/semantics.md: got %v, want S1 to S40 in order", got)
	}
}

// oracleEngine plays the specification on the oracle.
type oracleEngine struct{ oracle *oracle.Oracle }

var _ spec.Engine = oracleEngine{}

func openOracle(testing.TB) spec.Engine { return oracleEngine{oracle.New()} }

func (e oracleEngine) Load(_ context.Context, records []*event.Record) error {
	e.oracle.Fold(records)
	return nil
}

func (e oracleEngine) Answer(_ context.Context, q *report.Query) (*report.Result, error) {
	return e.oracle.Answer(q)
}

func (e oracleEngine) Ledger(_ context.Context, id event.PropertyID) (report.Ledger, error) {
	return e.oracle.Ledger(id), nil
}

func (e oracleEngine) Close() error { return nil }

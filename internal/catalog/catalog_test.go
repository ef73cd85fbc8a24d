// The catalog is complete, names are unique, and its reference text is current.
package catalog

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

//go:generate go test -run TestC3ReferenceTextIsCurrent -rewrite-reference .

var rewriteReference = flag.Bool("rewrite-reference", false, "write docs/reference/catalog.md")

func TestC1NamesAreListedOnce(t *testing.T) {
	c := New()
	seen := map[string]bool{}
	note := func(name string) {
		if seen[name] {
			t.Errorf("%s is listed twice", name)
		}
		seen[name] = true
	}
	for _, d := range c.Dimensions() {
		note(d.Name)
		if d.UIName == "" || d.Category == "" || !strings.HasSuffix(d.Description, ".") || len(d.Facts) == 0 {
			t.Errorf("dimension %s is incomplete: %+v", d.Name, d)
		}
	}
	for _, m := range c.Metrics() {
		note(m.Name)
		if m.UIName == "" || m.Category == "" || !strings.HasSuffix(m.Description, ".") || m.Type == "" || m.Plus == NoPart {
			t.Errorf("metric %s is incomplete: %+v", m.Name, m)
		}
	}
}

func TestFormsHaveAsManyFactsAsTheyJoin(t *testing.T) {
	facts := map[Form]int{Plain: 1, PathAndQuery: 2, HostPathAndQuery: 3, SlashPair: 2, SpacePair: 2,
		NameOfCountry: 1, NameOfContinent: 1, IDOfContinent: 1, NameOfLanguage: 1,
		MonthOfYear: 1, DayOfMonth: 1, DayOfWeek: 1, DayOfWeekName: 1, ISOWeekOfYear: 1, ISOYear: 1, ISOYearAndWeek: 1,
		WeekOfYear: 2, YearAndWeek: 2, NthHour: 1, NthDay: 1, NthWeek: 1, NthMonth: 1, NthYear: 1}
	for _, d := range New().Dimensions() {
		if len(d.Facts) != facts[d.Form] {
			t.Errorf("%s has %d facts, its form takes %d", d.Name, len(d.Facts), facts[d.Form])
		}
	}
}

func TestC2RatiosAreDividedFromPartsAndOverNothingAreZero(t *testing.T) {
	m, err := New().Metric("bounceRate")
	if err != nil {
		t.Fatal(err)
	}
	parts := [NumParts]int64{Sessions: 4, EngagedSessions: 1}
	if got := m.Value(&parts); got != 0.75 {
		t.Errorf("bounce rate of 1 engaged in 4 is %v, want 0.75", got)
	}
	if got := m.Value(&[NumParts]int64{}); got != 0 {
		t.Errorf("bounce rate of nothing is %v, want 0", got)
	}
}

func TestUnknownNamesAreAnsweredWithTheNearest(t *testing.T) {
	for name, want := range map[string]string{
		"pagepath": "did you mean pagePath?", "page_path": "did you mean pagePath?", "contry": "did you mean country?",
		"sesionSource": "did you mean sessionSource?", "activeUsers": "activeUsers is a metric", "zzzzzzzzz": "",
		"customEvent:": "after customEvent: stands the key of an event parameter, 1 to 64 bytes",
	} {
		_, err := New().Dimension(name)
		var unknown *UnknownError
		if !errors.As(err, &unknown) || unknown.Hint != want {
			t.Errorf("Dimension(%q) says %v, want hint %q", name, err, want)
		}
	}
	_, err := New().Metric("totaluser")
	var unknown *UnknownError
	if !errors.As(err, &unknown) || unknown.Hint != "did you mean totalUsers?" {
		t.Errorf("Metric(totaluser) says %+v", unknown)
	}
}

func TestC3ReferenceTextIsCurrent(t *testing.T) {
	file := filepath.Join("..", "..", "docs", "reference", "catalog.md")
	want := New().Markdown()
	if *rewriteReference {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/reference/catalog.md is stale: run go generate ./internal/catalog")
	}
}

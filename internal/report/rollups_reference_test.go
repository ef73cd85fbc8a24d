// The reference page of rollups, written from what the store and the catalog say.
package report

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/catalog"
	"tidemark/internal/store"
)

//go:generate go test -run TestRollupsPageIsCurrent -rewrite-rollups .

var rewriteRollups = flag.Bool("rewrite-rollups", false, "write docs/reference/rollups.md")

const rollupsPage = "../../docs/reference/rollups.md"

func TestRollupsPageIsCurrent(t *testing.T) {
	want := rollupsText()
	if *rewriteRollups {
		if err := os.WriteFile(rollupsPage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(rollupsPage)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("run go generate ./internal/report: (-want +got)\n%s", diff)
	}
}

func rollupsText() string {
	var b strings.Builder
	b.WriteString(`# Rollups

Which reports prepared sums answer for final days; written from ` + "`store.Rollups`" + ` and the catalog. A report is answered from
the first rollup that has all its dimensions and those of its filter; time dimensions down to days are in all of them, hours where it says
so. Other reports, days that are not final, observed users and reports of all verdicts are counted from rows.

Sums are exact. Distinct users are exact by day, and approximate over several days.

| rollup | dimensions | events of the names |
| --- | --- | --- |
`)
	names := dimensionsByColumn()
	for _, r := range store.Rollups() {
		var dims []string
		for _, c := range r.Dimensions {
			dims = append(dims, names[c]...)
		}
		if r.Hourly {
			dims = append(dims, "hour", "dateHour")
		}
		only := strings.Join(r.Names, ", ")
		if r.Names == nil {
			only = "all"
		}
		if r.Relation == store.Sessions {
			only = "sessions"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", r.Name, strings.Join(dims, ", "), only)
	}
	return b.String()
}

// dimensionsByColumn lists the catalog's dimensions that are made of one column.
func dimensionsByColumn() map[store.Column][]string {
	facts, names := storeDimensions(), map[store.Column][]string{}
	for _, d := range catalog.New().Dimensions() {
		if len(d.Facts) == 1 && facts[d.Facts[0]].Column != store.ColTime {
			c := facts[d.Facts[0]].Column
			names[c] = append(names[c], d.Name)
		}
	}
	return names
}

// What carries money is said twice: for the store, which prepares sums of it, and here,
// where they are put together.
func TestMoneyNamesAreThoseOfTheStore(t *testing.T) {
	want := slices.Sorted(maps.Keys(moneyEvents()))
	if diff := cmp.Diff(want, store.MoneyNames()); diff != "" {
		t.Errorf("(-report +store)\n%s", diff)
	}
}

// The panels of a dashboard must not read history row by row.
func TestRollupsAnswerADashboardsPanels(t *testing.T) {
	e, err := New(DefaultConfig(), Deps{Store: &fakeStore{}, Freshness: fakeFreshness{}})
	if err != nil {
		t.Fatal(err)
	}
	totals := []string{"activeUsers", "newUsers", "sessions", "engagementRate", "averageSessionDuration", "screenPageViews",
		"eventCount", "keyEvents", "bounceRate", "purchaseRevenue"}
	for _, panel := range [][2]string{{"", ""}, {"date", ""}, {"pagePath", "screenPageViews activeUsers"},
		{"pageTitle", "screenPageViews activeUsers"}, {"landingPage", "sessions bounceRate activeUsers"},
		{"sessionDefaultChannelGroup", ""}, {"sessionSource", ""}, {"sessionMedium", ""}, {"sessionSourceMedium", ""},
		{"sessionCampaignName", ""}, {"country", ""}, {"city", ""}, {"language", "activeUsers sessions"}, {"deviceCategory", ""}, {"browser", ""},
		{"operatingSystem", ""}, {"eventName", "eventCount activeUsers"}, {"newVsReturning", "activeUsers sessions"},
		{"firstUserDefaultChannelGroup", "newUsers sessions"}, {"isoWeek", ""}, {"hour", "activeUsers sessions eventCount"}} {
		q := &Query{Property: berlin(), Ranges: []DateRange{{Start: Day{2026, 3, 1}, End: Day{2026, 3, 30}}}}
		if panel[0] != "" {
			q.Dimensions = []DimensionRef{{Name: panel[0]}}
		}
		metrics := strings.Fields(panel[1])
		if len(metrics) == 0 {
			metrics = totals
		}
		for _, m := range metrics {
			q.Metrics = append(q.Metrics, MetricRef{Name: m})
		}
		qn, err := e.check(q)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range plansOf(qn) {
			if _, ok := store.RollupFor(p); !ok {
				t.Errorf("panel %q %v: relation %d is counted from rows", panel[0], metrics, p.Relation)
			}
		}
	}
}

// plansOf lists the plans that a question begins with.
func plansOf(qn *question) (plans []*store.Plan) {
	qn = qn.counting(qn.firstCount())
	layout := layoutOf(qn.spans[0], qn.columns)
	for _, src := range qn.sources() {
		if !src.parts[0].OfMoney() {
			plans = append(plans, qn.plan(qn.spans[0], src.rel, layout.dims, src.parts, allRows()))
			continue
		}
		name := store.Dimension{Column: store.ColName}
		dims := append(slices.Clone(layout.dims), name, store.Dimension{Column: store.ColCurrency})
		p := qn.plan(qn.spans[0], store.Events, dims, nil, oneOf(name, store.MoneyNames()))
		plans = append(plans, p)
	}
	return plans
}

// Rollups: prepared sums of final days, which plans they answer, and which days
// of a property have them.
//
// A rollup is a grouping of the rows of one relation by a few columns and by
// local day (or hour). One row of it, a cell, holds sums, and of users the exact
// number and a sketch. Rows of final days cannot change, so neither can cells: no
// deltas, nothing taken out again (docs/design/0007). Young rows are read as they
// are and added.
package store

import (
	"cmp"
	"slices"

	"tidemark/internal/event"
)

// RollupID names a rollup in files. An id, once released, is never reused.
type RollupID uint8

// Rollup says what cells are made of.
type Rollup struct {
	ID         RollupID
	Name       string
	Relation   Relation // Events or Sessions
	Dimensions []Column // beside the time
	Hourly     bool     // cells of local hours; else of local days
	// Names restricts the rollup to events of these names; nil: all. Plans that it
	// answers must ask for some of them only.
	Names []string
}

// RollupColumns is the most columns that a rollup has.
const RollupColumns = 6

// MoneyNames are the names of events that carry revenue (S35).
func MoneyNames() []string {
	return []string{"ad_impression", "app_store_subscription_convert", "app_store_subscription_renew",
		"ecommerce_purchase", "in_app_purchase", "purchase", "refund"}
}

// Rollups lists all rollups, those with the fewest cells first: the first that
// answers a plan is the cheapest. One that is added takes the next id; one that gets
// another sum or column is another rollup, since days without rows keep what they have.
func Rollups() []Rollup {
	money := func(id RollupID, name string, dims ...Column) Rollup {
		return Rollup{ID: id, Name: name, Relation: Events, Names: MoneyNames(),
			Dimensions: append([]Column{ColName, ColCurrency}, dims...)}
	}
	traffic := []Column{ColChannel, ColSource, ColMedium, ColCampaign}
	firstUser := []Column{ColFirstUserChannel, ColFirstUserSource, ColFirstUserMedium, ColFirstUserCampaign}
	device := []Column{ColCategory, ColBrowser, ColOS, ColOSMajor}
	geography := []Column{ColCountry, ColRegion, ColCity}
	return []Rollup{
		{ID: 1, Name: "events by day", Relation: Events},
		{ID: 2, Name: "events by hour", Relation: Events, Hourly: true},
		{ID: 3, Name: "sessions by day", Relation: Sessions},
		{ID: 4, Name: "sessions by hour", Relation: Sessions, Hourly: true},
		money(5, "revenue"),
		money(6, "revenue by traffic source", traffic...),
		money(7, "revenue by device", device...),
		money(8, "revenue by place", geography...),
		{ID: 9, Name: "events by new and returning", Relation: Events, Dimensions: []Column{ColNewVsReturning}},
		{ID: 10, Name: "sessions by new and returning", Relation: Sessions,
			Dimensions: []Column{ColNewVsReturning}},
		{ID: 11, Name: "events by name", Relation: Events, Dimensions: []Column{ColName}},
		{ID: 12, Name: "events by language", Relation: Events, Dimensions: []Column{ColLanguage}},
		{ID: 13, Name: "sessions by language", Relation: Sessions, Dimensions: []Column{ColLanguage}},
		{ID: 14, Name: "events by device", Relation: Events, Dimensions: device},
		{ID: 15, Name: "sessions by device", Relation: Sessions, Dimensions: device},
		{ID: 16, Name: "events by traffic source", Relation: Events, Dimensions: traffic},
		{ID: 17, Name: "sessions by traffic source", Relation: Sessions, Dimensions: traffic},
		{ID: 18, Name: "events by first user source", Relation: Events, Dimensions: firstUser},
		{ID: 19, Name: "sessions by first user source", Relation: Sessions, Dimensions: firstUser},
		{ID: 20, Name: "events by place", Relation: Events, Dimensions: geography},
		{ID: 21, Name: "sessions by place", Relation: Sessions, Dimensions: geography},
		{ID: 22, Name: "events by landing page", Relation: Events, Dimensions: []Column{ColLandingPath}},
		{ID: 23, Name: "sessions by landing page", Relation: Sessions, Dimensions: []Column{ColLandingPath}},
		{ID: 24, Name: "events by page", Relation: Events, Dimensions: []Column{ColPath}},
		{ID: 25, Name: "events by title", Relation: Events, Dimensions: []Column{ColTitle}},
		{ID: 26, Name: "events by host", Relation: Events, Dimensions: []Column{ColHost}},
	}
}

// RollupFor returns the cheapest rollup that answers p for final days, if any
// does. Distinct users may come from sketches then, so p must allow it.
func RollupFor(p *Plan) (Rollup, bool) {
	if p.AllVerdicts || !p.rollupAggregates() {
		return Rollup{}, false
	}
	need, hourly, ok := p.rollupColumns()
	if !ok {
		return Rollup{}, false
	}
	for _, r := range Rollups() {
		if r.Relation == p.Relation && (r.Hourly || !hourly) && r.has(need) && p.asksWithin(r.Names) {
			return r, true
		}
	}
	return Rollup{}, false
}

func (r *Rollup) has(columns []Column) bool {
	for _, c := range columns {
		if !slices.Contains(r.Dimensions, c) {
			return false
		}
	}
	return true
}

// rollupAggregates tells whether cells hold every number that p asks for.
func (p *Plan) rollupAggregates() bool {
	for _, a := range p.Aggregates {
		switch a.Op {
		case DistinctUsers:
			if p.Users == ExactUsers || p.ObservedUsers || (a.Where != "" && a.Where != ColActive) {
				return false
			}
		case Count:
			if !slices.Contains(cellCounts(p.Relation), a.Where) {
				return false
			}
		case Sum:
			if !slices.Contains(cellSums(p.Relation), a.Column) || a.Where != "" {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// cellCounts are the conditions under which cells count rows.
func cellCounts(r Relation) []Column {
	switch r {
	case Events:
		return []Column{"", ColPageView, ColKeyEvent, ColFirstEvent}
	case Sessions:
		return []Column{"", ColEngaged}
	}
	return nil
}

// cellSums are the columns of which cells hold the sum.
func cellSums(r Relation) []Column {
	switch r {
	case Events:
		return []Column{ColEngagementMS, ColValueMicros}
	case Sessions:
		return []Column{ColDurationMicros}
	}
	return nil
}

// rollupColumns lists the columns that p groups and filters by, and whether it
// needs hours; false if it needs what no rollup tells apart.
func (p *Plan) rollupColumns() (columns []Column, hourly, ok bool) {
	ok = true
	see := func(d Dimension) {
		if d.Column != ColTime {
			columns = append(columns, d.Column)
			return
		}
		switch d.Bucket {
		case Date, Week, ISOWeek, Month, Year:
		case Hour, DateHour:
			hourly = true
		default:
			ok = false
		}
	}
	for _, d := range p.Dimensions {
		see(d)
	}
	p.Filter.leaves(func(l *Leaf) { see(l.Dimension) })
	return columns, hourly, ok
}

// leaves calls f for each comparison of q.
func (q *Predicate) leaves(f func(*Leaf)) {
	switch {
	case q == nil:
		return
	case q.Leaf != nil:
		f(q.Leaf)
	}
	q.Not.leaves(f)
	for _, sub := range q.And {
		sub.leaves(f)
	}
	for _, sub := range q.Or {
		sub.leaves(f)
	}
}

// asksWithin tells whether p can match events of names only; nil: any.
func (p *Plan) asksWithin(names []string) bool {
	if names == nil {
		return true
	}
	within := func(q *Predicate) bool {
		if q == nil || q.Leaf == nil || q.Leaf.Dimension.Column != ColName || !q.Leaf.CaseSensitive ||
			(q.Leaf.Match != In && q.Leaf.Match != Exact) {
			return false
		}
		return !slices.ContainsFunc(q.Leaf.Values, func(v string) bool { return !slices.Contains(names, v) })
	}
	if p.Filter == nil {
		return false
	}
	return within(p.Filter) || slices.ContainsFunc(p.Filter.And, within)
}

// RollupRange says that a property has cells for the local days in [From, To).
type RollupRange struct {
	From event.Time `json:"from"`
	To   event.Time `json:"to"`
	// Zone is the name of the time zone that the cells' days are of. Plans in
	// another zone read rows (S19).
	Zone string `json:"zone"`
	// Last, of days whose rows are gone, is the last rollup that there was when they
	// went: cells of later ones cannot be made any more.
	Last RollupID `json:"last,omitempty"`
}

// RollupSpan is final days of a property: they get cells, or lose their rows.
type RollupSpan struct {
	Property event.PropertyID
	From, To event.Time // ends of local days in Zone, both within final days
	Zone     Zone       // steps over [From, To)
}

// WithRollups returns ranges with a new one, neighbours of one zone joined.
func WithRollups(ranges []RollupRange, made RollupRange) []RollupRange {
	out := WithoutRollups(ranges, made.From, made.To)
	out = append(out, made)
	slices.SortFunc(out, func(a, b RollupRange) int { return cmp.Compare(a.From, b.From) })
	joined := out[:1]
	for _, r := range out[1:] {
		last := &joined[len(joined)-1]
		if last.To == r.From && last.Zone == r.Zone && last.Last == r.Last {
			last.To = r.To
			continue
		}
		joined = append(joined, r)
	}
	return joined
}

// WithoutRollups returns ranges less [from, to): its rows changed, so that its
// cells are not read until they are made again.
func WithoutRollups(ranges []RollupRange, from, to event.Time) []RollupRange {
	var out []RollupRange
	for _, r := range ranges {
		if r.From < from {
			out = append(out, RollupRange{r.From, min(r.To, from), r.Zone, r.Last})
		}
		if r.To > to {
			out = append(out, RollupRange{max(r.From, to), r.To, r.Zone, r.Last})
		}
	}
	return slices.DeleteFunc(out, func(r RollupRange) bool { return r.From >= r.To })
}

// Tests of which days have cells, and of which plans they answer.
package store

import (
	"fmt"
	"math"
	"testing"

	"tidemark/internal/event"
)

func TestRangesOfCellsAreInOrderAndApart(t *testing.T) {
	f := func(have []RollupRange, made RollupRange, want string) {
		t.Helper()
		if got := fmt.Sprint(WithRollups(have, made)); got != want {
			t.Errorf("%v and %v: got %s, want %s", have, made, got, want)
		}
	}
	const first = math.MinInt64 // of a property's first range: before it there is nothing
	day := func(from, to event.Time, zone string) RollupRange { return RollupRange{From: from, To: to, Zone: zone} }
	f(nil, day(10, 20, "A"), text(day(10, 20, "A")))
	f([]RollupRange{day(first, 20, "A")}, day(20, 30, "A"), text(day(first, 30, "A")))
	f([]RollupRange{day(20, 30, "A")}, day(first, 20, "A"), text(day(first, 30, "A")))
	f([]RollupRange{day(10, 20, "A")}, day(30, 40, "A"), text(day(10, 20, "A"), day(30, 40, "A")))
	f([]RollupRange{day(10, 20, "A"), day(30, 40, "A")}, day(20, 30, "A"), text(day(10, 40, "A")))
	f([]RollupRange{day(10, 40, "A")}, day(20, 30, "B"), text(day(10, 20, "A"), day(20, 30, "B"), day(30, 40, "A")))
}

func TestChangedRowsHaveNoCells(t *testing.T) {
	a := func(from, to event.Time) RollupRange { return RollupRange{From: from, To: to, Zone: "A"} }
	f := func(from, to event.Time, want string) {
		t.Helper()
		if got := fmt.Sprint(WithoutRollups([]RollupRange{a(10, 20), a(30, 40)}, from, to)); got != want {
			t.Errorf("without [%v, %v): got %s, want %s", from, to, got, want)
		}
	}
	f(0, 5, text(a(10, 20), a(30, 40)))
	f(12, 15, text(a(10, 12), a(15, 20), a(30, 40)))
	f(15, 35, text(a(10, 15), a(35, 40)))
	f(10, 20, text(a(30, 40)))
	f(math.MinInt64, math.MaxInt64, "[]")
}

func text(ranges ...RollupRange) string { return fmt.Sprint(ranges) }

func TestRollupsAnswerOnlyWhatTheyHold(t *testing.T) {
	path, date := Dimension{Column: ColPath}, Dimension{Column: ColTime, Bucket: Date}
	count := []Aggregate{{Op: Count}}
	users := []Aggregate{{Op: DistinctUsers, Where: ColActive}}
	mobile := &Predicate{Leaf: &Leaf{Dimension: Dimension{Column: ColCategory}, Values: []string{"mobile"}}}
	f := func(what string, p Plan, want string) {
		t.Helper()
		r, ok := RollupFor(&p)
		if ok != (want != "") || r.Name != want {
			t.Errorf("%s: %q, want %q", what, r.Name, want)
		}
	}
	f("by page", Plan{Dimensions: []Dimension{path, date}, Aggregates: count}, "events by page")
	f("by page of mobiles", Plan{Dimensions: []Dimension{path}, Aggregates: count, Filter: mobile}, "")
	f("totals of mobiles", Plan{Aggregates: count, Filter: mobile}, "events by device")
	f("by hour", Plan{Dimensions: []Dimension{{Column: ColTime, Bucket: DateHour}}, Aggregates: count}, "events by hour")
	f("by minute", Plan{Dimensions: []Dimension{{Column: ColTime, Bucket: DateMinute}}, Aggregates: count}, "")
	f("exact users", Plan{Aggregates: users}, "")
	f("sketched users", Plan{Aggregates: users, Users: SketchedUsers}, "events by day")
	f("observed users", Plan{Aggregates: users, Users: SketchedUsers, ObservedUsers: true}, "")
	f("bots too", Plan{Aggregates: count, AllVerdicts: true}, "")
	f("sessions by page", Plan{Relation: EventSessions, Dimensions: []Dimension{path}, Aggregates: count}, "")
	f("views of sessions", Plan{Relation: Sessions, Aggregates: []Aggregate{{Op: Sum, Column: ColSessionViews}}}, "")
	money := &Predicate{Leaf: &Leaf{Dimension: Dimension{Column: ColName}, Match: In, Values: []string{"purchase"}, CaseSensitive: true}}
	channel := []Dimension{{Column: ColChannel}, {Column: ColCurrency}}
	f("revenue", Plan{Dimensions: channel, Aggregates: count, Filter: money}, "revenue by traffic source")
	money.Leaf.Values = []string{"purchase", "click"}
	f("other names too", Plan{Dimensions: channel, Aggregates: count, Filter: money}, "")
}

// Building rollups: cells of final days, made of their rows by one statement for each rollup (T8).
//
// Like final rows they go in under a run that nobody reads before a commit names it. Users of a cell
// are counted exactly; a client's rows are of one log partition, so numbers of several
// statements add up.
package clickstore

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// RollUp implements store.Keeper.
func (k *keeper) RollUp(ctx context.Context, spans []store.RollupSpan, made map[event.PropertyID]store.RollupRange) error {
	if err := k.ready(ctx); err != nil {
		return fmt.Errorf("roll up: %w", err)
	}
	changed := map[event.PropertyID]*document{}
	of := func(p event.PropertyID) *document {
		if changed[p] == nil {
			changed[p] = k.at.doc(p).clone()
		}
		return changed[p]
	}
	groups := rollupGroups(spans)
	if len(groups) > 0 {
		var cover []daySpan
		for _, g := range groups {
			cover = append(cover, g.daySpan)
		}
		run, err := k.s.beginRun(ctx, cover)
		if err != nil {
			return fmt.Errorf("roll up: %w", err)
		}
		for i := range groups {
			g := &groups[i]
			for _, p := range g.properties {
				if g.to > k.at.doc(p).until() {
					return fmt.Errorf("roll up property %s: days before %v are not final", p, g.to.Std())
				}
			}
			if err := k.writeCells(ctx, g, run); err != nil {
				return fmt.Errorf("roll up: %w", err)
			}
			lo, hi := g.localDays()
			for _, p := range g.properties {
				d := of(p)
				d.Cells = append(withoutCells(d.Cells, lo, hi), cellRange{Lo: lo, Hi: hi, Run: run})
			}
		}
	}
	for p, r := range made {
		of(p).note(p, func(m *store.Manifest) { m.NoteRollup(p, r) })
	}
	if len(changed) == 0 {
		return nil
	}
	if err := k.commit(ctx, changed); err != nil {
		return fmt.Errorf("roll up: %w", err)
	}
	return nil
}

// rollupGroup is days of properties that have the same borders and clocks.
type rollupGroup struct {
	daySpan
	zone store.Zone
}

func rollupGroups(spans []store.RollupSpan) []rollupGroup {
	var out []rollupGroup
	for _, sp := range spans {
		if sp.From >= sp.To {
			continue
		}
		i := slices.IndexFunc(out, func(g rollupGroup) bool {
			return g.from == sp.From && g.to == sp.To && slices.Equal(g.zone, sp.Zone)
		})
		if i < 0 {
			i, out = len(out), append(out, rollupGroup{daySpan{from: sp.From, to: sp.To}, sp.Zone})
		}
		out[i].properties = append(out[i].properties, sp.Property)
	}
	return out
}

// localDays returns the local times at which cells of the group can begin.
func (g *rollupGroup) localDays() (lo, hi event.Time) {
	lo, hi = math.MaxInt64, math.MinInt64
	zone := g.zone
	if len(zone) == 0 {
		zone = store.Zone{{}}
	}
	for i, step := range zone {
		from, to := g.from, g.to
		if i > 0 {
			from = max(from, step.At)
		}
		if i+1 < len(zone) {
			to = min(to, zone[i+1].At)
		}
		if from < to {
			lo, hi = min(lo, store.FloorDay(plus(from, step.Offset))), max(hi, plus(to, step.Offset))
		}
	}
	return lo, hi
}

// writeCells writes the cells of a group by all rollups.
func (k *keeper) writeCells(ctx context.Context, g *rollupGroup, run uint64) error {
	for _, relation := range []store.Relation{store.Events, store.Sessions} {
		table, column := finalTable(relation)
		rows := k.rowsOf(g, column)
		chunks, err := k.s.partitionsOf(ctx, "SELECT batch_partition, count() AS n FROM "+table+" WHERE "+rows+" GROUP BY batch_partition")
		if err != nil {
			return err
		}
		for _, c := range chunks {
			where := rows + " AND batch_partition IN (" + joinUints(c.partitions) + ")"
			if err := k.writeCellsOf(ctx, relation, g, c.rows, where, run); err != nil {
				return err
			}
		}
	}
	return nil
}

// fewRows is up to how many rows all rollups are made by one statement: each statement takes some
// ten milliseconds and leaves a part. With more rows their groups would not fit into memory together.
const fewRows = 250_000

// writeCellsOf writes the cells of a relation's rollups over some rows.
func (k *keeper) writeCellsOf(ctx context.Context, relation store.Relation, g *rollupGroup, n uint64, rows string, run uint64) error {
	var texts []string
	for _, r := range store.Rollups() {
		if r.Relation == relation {
			texts = append(texts, cellsOf(&r, g, rows, run))
		}
	}
	if n <= fewRows {
		texts = []string{strings.Join(texts, "\nUNION ALL\n")}
	}
	for _, text := range texts {
		if err := k.s.write(ctx, "INSERT INTO cells ("+columnsOf(cellsTable)+")\n"+text); err != nil {
			return fmt.Errorf("write cells: %w", err)
		}
	}
	return nil
}

// rowsOf renders which final rows a group's cells are made of.
func (k *keeper) rowsOf(g *rollupGroup, column string) string {
	runs, dropped := map[uint64]bool{}, false
	for _, p := range g.properties {
		d := k.at.doc(p)
		for _, run := range d.runs(g.from, g.to) {
			runs[run] = true
		}
		dropped = dropped || d.rowsFrom() != math.MinInt64
	}
	rows := fmt.Sprintf("property IN %s AND %s AND run IN %s", propertyList(g.properties), g.within("", column, 0), numbers(slices.Sorted(maps.Keys(runs))))
	if dropped {
		rows += fmt.Sprintf(" AND %s >= %s", column, k.timeOf((*document).rowsFrom))
	}
	return rows + k.at.withoutGone("", &g.daySpan)
}

// finalTable is where the final rows of a relation are, and their time.
func finalTable(r store.Relation) (table, column string) {
	if r == store.Sessions {
		return finalSessionsTable, "start_time"
	}
	return finalEventsTable, "event_time"
}

// cellsOf renders the cells of r over some rows.
func cellsOf(r *store.Rollup, g *rollupGroup, rows string, run uint64) string {
	table, column := finalTable(r.Relation)
	unit := int64(dayMicros)
	if r.Hourly {
		unit = hourMicros
	}
	begin := fmt.Sprintf("%s * %d", floorDiv(localTime(column, g.zone, g.from, g.to), unit), unit)
	columns, keys := []string{"property", fmt.Sprintf("toUInt8(%d)", r.ID)}, []string{"property"}
	for i := range store.RollupColumns {
		if i >= len(r.Dimensions) {
			columns = append(columns, "''")
			continue
		}
		columns, keys = append(columns, string(r.Dimensions[i])), append(keys, string(r.Dimensions[i]))
	}
	columns, keys = append(columns, begin+" AS began", "count()"), append(keys, "began")
	where := rows + " AND verdict = ''"
	noUsers := fmt.Sprintf("%s(toUInt64(0), false)", withIf(usersSketchName("State")))
	if r.Relation == store.Sessions {
		where += " AND counted"
		columns = append(columns, "0", "0", "0", "0", "0", "countIf(engaged)", "sum(end_time - start_time)", "0", "0", noUsers, noUsers)
	} else {
		columns = append(columns, "countIf(page_view)", "countIf(key_event)", "countIf(first_event)", "sum(engagement_ms)", "sum(value_micros)", "0", "0",
			"uniqExact(client)", "uniqExactIf(client, active)",
			usersSketchName("State")+"(client)", withIf(usersSketchName("State"))+"(client, active)")
	}
	if r.Names != nil {
		where += " AND event_name IN " + texts(r.Names)
	}
	columns = append(columns, fmt.Sprintf("addDays(toDate32('1970-01-01'), %s)", floorDiv("began", dayMicros)), fmt.Sprintf("toUInt64(%d)", run), "min(batch_partition)")
	return fmt.Sprintf("SELECT %s\nFROM %s\nWHERE %s\nGROUP BY %s", strings.Join(columns, ", "), table, where, strings.Join(keys, ", "))
}

// texts renders a list to compare with.
func texts(list []string) string {
	quoted := make([]string, len(list))
	for i, t := range list {
		quoted[i] = quote(t)
	}
	return "(" + strings.Join(quoted, ", ") + ")"
}

// Days without rows (S30): what an asker is told when prepared sums do not answer, and
// in which zone they were counted when they do.
package report

import (
	"fmt"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// GoneError says that a query asks of days whose rows are not kept any more what only
// rows could tell. Nothing is wrong with it for later days.
type GoneError struct {
	Field string // dateRanges
	// RowsFrom is the first day of which all rows are kept.
	RowsFrom Day
}

// Error implements error.
func (e *GoneError) Error() string {
	return fmt.Sprintf("%s: rows of days before %s are no longer kept (the property's row retention), and the sums that are kept "+
		"do not answer this report (ask for days from %[2]s on; or without dimensions and filters but one of: date, hour, event name, "+
		"page path, page title, host, landing page, language, new or returning, or those of the device, the place, the traffic source or "+
		"the first user source)", e.Field, e.RowsFrom)
}

// goneError turns the store's word into the asker's days.
func (e *Engine) goneError(qn *question, gone *store.GoneError) error {
	loc, err := e.zones.load(qn.query.Property.TimeZone)
	if err != nil {
		return err
	}
	day := DayOf(gone.RowsFrom.Std(), loc)
	if StartOfDay(day, loc) < gone.RowsFrom { // it began in the zone of before
		day = day.Add(1)
	}
	return &GoneError{Field: "dateRanges", RowsFrom: day}
}

// noteFinalDays tells results which of their days are of another zone, and which were changed after they were final.
func (e *Engine) noteFinalDays(snap store.Snapshot, questions []*question, results []*Result) error {
	var kept map[event.PropertyID][]store.RollupRange
	var restated map[event.PropertyID][]store.Restated
	for i, qn := range questions {
		if len(qn.query.Ranges) == 0 {
			continue // minutes ago: there are rows
		}
		if kept == nil {
			m := snap.Manifest()
			kept, restated = m.Kept, m.Restated
		}
		if err := e.noteRestated(qn, restated[qn.query.Property.ID], results[i]); err != nil {
			return err
		}
		for k, r := range kept[qn.query.Property.ID] {
			if r.Zone == qn.query.Property.TimeZone {
				continue
			}
			loc, err := e.zones.load(r.Zone)
			if err != nil {
				return err
			}
			note := KeptZone{TimeZone: r.Zone, To: lastDay(r, loc)}
			var since Day
			if k > 0 {
				since = lastDay(kept[qn.query.Property.ID][k-1], loc)
			}
			if qn.asksBetween(since, note.To) {
				results[i].Meta.KeptZones = append(results[i].Meta.KeptZones, note)
			}
		}
	}
	return nil
}

// noteRestated adds what a shared store has noted of the property (S29).
func (e *Engine) noteRestated(qn *question, noted []store.Restated, to *Result) error {
	if len(noted) == 0 {
		return nil
	}
	loc, err := e.zones.load(qn.query.Property.TimeZone)
	if err != nil {
		return err
	}
	var all []Restatement
	for _, r := range noted {
		why := r.Why
		if why == "" {
			why = "erasure"
		}
		all = append(all, Restatement{At: r.At.Std(), Why: why, From: DayOf(r.From.Std(), loc), To: DayOf((r.To - 1).Std(), loc)})
	}
	to.Meta.Restatements = append(to.Meta.Restatements, qn.touching(all)...)
	return nil
}

func lastDay(r store.RollupRange, loc *time.Location) Day { return DayOf((r.To - 1).Std(), loc) }

// asksBetween tells whether a range has days after since and not after to.
func (qn *question) asksBetween(since, to Day) bool {
	for _, r := range qn.query.Ranges {
		if since.Before(r.End) && !to.Before(r.Start) {
			return true
		}
	}
	return false
}

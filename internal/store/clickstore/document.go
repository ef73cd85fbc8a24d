// Documents: what upkeep says of a property, and of the store. A commit is rows of table
// documents in one block (CH7); who answers reads the highest.
package clickstore

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// Kinds of documents. A claim has no body: it says that a Keeper began.
const (
	claimKind    = 0
	rootKind     = 1
	propertyKind = 2
)

// rootDocument is what a commit says of the store as a whole. Every commit has one.
type rootDocument struct {
	// Properties is how many documents there are, so that a reader notices if one is missing.
	Properties int `json:"properties"`
}

// document is what upkeep says of a property. Once it is read it is never changed: a
// clone is.
type document struct {
	// FinalUntil is nil as long as no day is final.
	FinalUntil *event.Time         `json:"final_until,omitempty"`
	DayVersion uint64              `json:"day_version,omitempty"`
	Finals     []store.FinalRange  `json:"finals,omitempty"`
	Rollups    []store.RollupRange `json:"rollups"` // empty, not nil, where cells were taken out
	Kept       []store.RollupRange `json:"kept,omitempty"`
	Restated   []store.Restated    `json:"restated,omitempty"`
	// Cells are where the cells of Rollups are, KeptCells those of Kept.
	Cells     []cellRange `json:"cells,omitempty"`
	KeptCells []cellRange `json:"kept_cells,omitempty"`
	// Erased is how many events were stored, and were erased since.
	Erased int64 `json:"erased,omitempty"`
	// Gone are erasures that answers know and tables do not: their rows are still being removed.
	Gone *goneClients `json:"gone,omitempty"`
	// Done are erasures that were carried out and are still in the table of erasures.
	Done []store.Erasure `json:"done,omitempty"`
	// Dropped says that rows before Kept's end may still be in tables, where no answer reads them.
	Dropped bool `json:"dropped,omitempty"`
}

// cellRange names the run that has the cells of local days.
type cellRange struct {
	Lo  event.Time `json:"lo"` // local: Lo <= start_time < Hi
	Hi  event.Time `json:"hi"`
	Run uint64     `json:"run"`
}

// goneClients are erasures in progress.
type goneClients struct {
	Of      []store.Erasure `json:"of"`
	Clients []event.RowID   `json:"clients,omitempty"`
	// From and To are the EventTime of the first and last row that answers had, if Lost.
	Lost bool       `json:"lost,omitempty"`
	From event.Time `json:"from,omitempty"`
	To   event.Time `json:"to,omitempty"`
}

// clone returns a document that may be changed: none of its methods changes a list in place.
func (d *document) clone() *document {
	c := *d
	return &c
}

// note changes in a clone what a Manifest says of the property.
func (d *document) note(p event.PropertyID, change func(*store.Manifest)) {
	m := (&store.Manifest{}).Clone()
	d.fill(&m, p)
	change(&m)
	if t, ok := m.FinalUntil[p]; ok {
		d.FinalUntil = &t
	}
	if list, ok := m.Rollups[p]; ok && list == nil {
		m.Rollups[p] = []store.RollupRange{}
	}
	d.DayVersion, d.Rollups, d.Kept, d.Finals, d.Restated = m.DayVersion[p], m.Rollups[p], m.Kept[p], m.Finals[p], m.Restated[p]
}

// fill puts into a Manifest what the document says of p.
func (d *document) fill(m *store.Manifest, p event.PropertyID) {
	if d.FinalUntil != nil {
		m.FinalUntil[p] = *d.FinalUntil
	}
	if d.DayVersion > 0 {
		m.DayVersion[p] = d.DayVersion
	}
	if d.Rollups != nil {
		m.Rollups[p] = d.Rollups
	}
	if len(d.Kept) > 0 {
		setIn(&m.Kept, p, d.Kept)
	}
	if len(d.Finals) > 0 {
		setIn(&m.Finals, p, d.Finals)
	}
	if len(d.Restated) > 0 {
		setIn(&m.Restated, p, d.Restated)
	}
}

func setIn[V any](m *map[event.PropertyID]V, p event.PropertyID, v V) {
	if *m == nil {
		*m = map[event.PropertyID]V{}
	}
	(*m)[p] = v
}

// erasures returns how many took rows from final days.
func (d *document) erasures() (n int) {
	for _, r := range d.Restated {
		if r.Why != store.WhyReplay {
			n++
		}
	}
	return n
}

// until returns FinalUntil, or the lowest time.
func (d *document) until() event.Time {
	if d.FinalUntil == nil {
		return math.MinInt64
	}
	return *d.FinalUntil
}

// rowsFrom returns from when on there are rows.
func (d *document) rowsFrom() event.Time {
	if n := len(d.Kept); n > 0 {
		return d.Kept[n-1].To
	}
	return math.MinInt64
}

// goneNumbers are the numbers of clients whose rows do not count any more.
func (d *document) goneNumbers() []event.RowID {
	if d.Gone == nil {
		return nil
	}
	return d.Gone.Clients
}

// runs returns the runs that have rows of [from, to), in order.
func (d *document) runs(from, to event.Time) []uint64 {
	var out []uint64
	for _, r := range d.Finals {
		if r.From < to && from < r.To {
			out = append(out, r.Run)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// namedRuns adds all runs that the document names.
func (d *document) namedRuns(into map[uint64]bool) {
	for _, r := range d.Finals {
		into[r.Run] = true
	}
	for _, list := range [][]cellRange{d.Cells, d.KeptCells} {
		for _, r := range list {
			into[r.Run] = true
		}
	}
}

// withoutCells returns ranges of cells less the local times [lo, hi).
func withoutCells(ranges []cellRange, lo, hi event.Time) []cellRange {
	var out []cellRange
	for _, r := range ranges {
		if r.Lo < lo {
			left := r
			left.Hi = min(r.Hi, lo)
			out = append(out, left)
		}
		if r.Hi > hi {
			right := r
			right.Lo = max(r.Lo, hi)
			out = append(out, right)
		}
	}
	return slices.DeleteFunc(out, func(r cellRange) bool { return r.Lo >= r.Hi })
}

// version is the place of a commit among all: by term, then by the Keeper of the term, then
// by its commits.
type version struct{ term, keeper, n uint64 }

// before tells whether v's Keeper began before that of w.
func (v version) before(w version) bool {
	return v.term < w.term || v.term == w.term && v.keeper < w.keeper
}

// olderThan tells whether v is of an earlier commit than w.
func (v version) olderThan(w version) bool {
	return v.before(w) || !w.before(v) && v.n < w.n
}

// appendDocument writes what documentColumns list. body is nil for a claim.
func appendDocument(dst []byte, v version, kind uint8, p event.PropertyID, body any) ([]byte, error) {
	text := []byte{}
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return nil, fmt.Errorf("encode document of property %s: %w", p, err)
		}
	}
	dst = appendUint64(appendUint64(appendUint64(dst, v.term), v.keeper), v.n)
	dst = append(dst, kind)
	dst = appendUint64(dst, uint64(p))
	return appendText(dst, string(text)), nil
}

// Encoding: rows of a batch as blocks, each of one table, day and insert.
package clickstore

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/ledger"
	"tidemark/internal/store"
)

// blockRows is how many rows one insert has at most. It must not change: who repeats a
// batch after an upgrade has to cut it as it was cut. ClickHouse makes one block of as many.
const blockRows = 250_000

// Days that Date32 can hold, since 1970. What lies outside is put to the first or last.
const (
	minDay = -25567 // 1900-01-01
	maxDay = 120529 // 2299-12-31
)

// tombstoneDay is the day of all tombstones: they have no time.
const tombstoneDay = 0

// dayOf returns the UTC day of t.
func dayOf(t event.Time) int32 {
	d := int64(t) / dayMicros
	if int64(t)%dayMicros < 0 {
		d--
	}
	return int32(min(max(d, minDay), maxDay))
}

// sqlDay renders a day.
func sqlDay(day int32) string {
	return "toDate32('" + isoDay(day) + "')"
}

func isoDay(day int32) string { return time.Unix(int64(day)*86400, 0).UTC().Format(time.DateOnly) }

// blockID names a block within its batch.
type blockID struct {
	table  string
	day    int32
	number uint16
}

func (id blockID) String() string { return fmt.Sprintf("%s/%d/%d", id.table, id.day, id.number) }

// block is what one insert puts in.
type block struct {
	blockID
	rows int
	body []byte
}

// encoder collects the blocks of a batch.
type encoder struct {
	id     store.BatchID
	blocks map[blockID]*block
	last   map[blockID]uint16 // by table and day
}

// encode returns the blocks of a batch, the same ones whoever encodes it.
func encode(id store.BatchID, b *store.SharedBatch) []*block {
	e := &encoder{id: id, blocks: map[blockID]*block{}, last: map[blockID]uint16{}}
	for i := range b.Aliases {
		r := &b.Aliases[i]
		e.add(aliasesTable, dayOf(r.Time), func(dst []byte) []byte { return appendAlias(dst, r) })
	}
	for i := range b.Sessions {
		r := &b.Sessions[i]
		day := dayOf(r.Start)
		if r.Tombstone {
			day = tombstoneDay
		}
		e.add(sessionsTable, day, func(dst []byte) []byte { return appendSession(dst, r) })
	}
	for i := range b.Events {
		r := &b.Events[i]
		e.add(eventsTable, dayOf(r.EventTime), func(dst []byte) []byte { return appendEvent(dst, r) })
	}
	for _, p := range slices.Sorted(maps.Keys(b.Outcomes)) {
		o := b.Outcomes[p]
		e.add(outcomesTable, 0, func(dst []byte) []byte { return appendOutcomes(dst, p, &o) })
	}
	for i := range b.Erasures {
		r := &b.Erasures[i]
		e.add(erasuresTable, 0, func(dst []byte) []byte { return appendErasure(dst, r, i) })
	}
	return slices.SortedFunc(maps.Values(e.blocks), func(a, b *block) int {
		return cmp.Or(cmp.Compare(a.table, b.table), cmp.Compare(a.day, b.day), cmp.Compare(a.number, b.number))
	})
}

// add appends a row to the last block of its table and day.
func (e *encoder) add(table string, day int32, row func([]byte) []byte) {
	place := blockID{table: table, day: day}
	id := place
	id.number = e.last[place]
	b := e.blocks[id]
	if b != nil && b.rows == blockRows {
		id.number++
		e.last[place], b = id.number, nil
	}
	if b == nil {
		b = &block{blockID: id}
		e.blocks[id] = b
	}
	b.rows++
	b.body = appendUint32(row(b.body), uint32(day))
	b.body = appendText(b.body, e.id.Log)
	b.body = appendUint16(b.body, uint16(e.id.Partition))
	b.body = appendUint64(b.body, e.id.Seq)
	b.body = appendUint16(b.body, id.number)
}

// appendEvent writes what eventColumns list.
func appendEvent(dst []byte, r *store.EventRow) []byte {
	dst = appendUint64(dst, uint64(r.Property))
	dst = appendInt64(dst, int64(r.EventTime))
	dst = appendUint64(dst, uint64(r.Row))
	dst = append(dst, r.Sub)
	dst = appendUint64(dst, uint64(r.Part))
	dst = appendUint64(dst, uint64(r.Client))
	dst = appendTexts(dst, r.UserID, r.Verdict)
	dst = appendInt64(dst, int64(r.IngestTime))
	dst = appendUint32(dst, r.Index)
	dst = appendTexts(dst, r.Key, r.Name, r.Host, r.Path, r.Query, r.Title, r.Referrer,
		r.Language, r.Screen, r.Country, r.Region, r.City, r.Category, r.Browser, r.OS, r.OSMajor,
		r.Source, r.Medium, r.Campaign)
	dst = appendInt64(dst, r.EngagementMS)
	dst = appendBool(appendBool(appendBool(dst, r.Active), r.PageView), r.KeyEvent)
	dst = appendInt64(dst, r.ValueMicros)
	dst = appendTexts(dst, r.Currency, r.Params)
	return appendBool(appendBool(dst, r.MarkedKey), r.CountedBefore)
}

// appendSession writes what sessionColumns list.
func appendSession(dst []byte, r *store.SessionRow) []byte {
	dst = appendUint64(dst, uint64(r.Property))
	dst = appendUint64(dst, uint64(r.Session))
	dst = appendUint64(dst, r.Revision)
	dst = appendBool(appendBool(dst, r.Tombstone), r.Counted)
	dst = appendUint64(dst, uint64(r.Client))
	dst = appendTexts(dst, r.ClientID, r.UserID, r.Verdict)
	dst = appendInt64(dst, int64(r.Start))
	dst = appendInt64(dst, int64(r.End))
	dst = appendInt64(dst, int64(r.Closes))
	dst = appendTexts(dst, r.ExitHost, r.Source, r.Medium, r.Campaign, r.Channel,
		r.LandingHost, r.LandingPath, r.LandingQuery, r.ExitPath, r.NewVsReturning,
		r.FirstUserSource, r.FirstUserMedium, r.FirstUserCampaign, r.FirstUserChannel,
		r.Language, r.Screen, r.Country, r.Region, r.City, r.Category, r.Browser, r.OS, r.OSMajor)
	dst = appendUint64(dst, uint64(r.FirstEvent))
	dst = appendBool(dst, r.HasFirst)
	dst = appendText(dst, r.SessionID)
	dst = appendBool(dst, r.OwnSource)
	for _, n := range [...]int64{r.Events, r.Views, r.KeyEvents, r.EngagementMS, r.RevenueMicros} {
		dst = appendInt64(dst, n)
	}
	return appendBool(dst, r.Engaged)
}

// appendAlias writes what aliasColumns list.
func appendAlias(dst []byte, r *store.AliasRow) []byte {
	dst = appendUint64(dst, uint64(r.Property))
	dst = appendUint64(dst, uint64(r.Part))
	dst = appendUint64(dst, uint64(r.Session))
	dst = appendUint64(dst, r.Revision)
	return appendInt64(dst, int64(r.Time))
}

// appendErasure writes what erasureColumns list.
func appendErasure(dst []byte, r *store.Erasure, place int) []byte {
	dst = appendUint64(dst, uint64(r.Property))
	dst = appendText(dst, r.ClientID)
	return appendUint32(appendUint64(dst, uint64(r.Before)), uint32(place))
}

// counters are the numbers of o in the order of outcomeNames.
func counters(o *ledger.Outcomes) []*int64 {
	return []*int64{&o.Stored, &o.Duplicate, &o.TooLate, &o.Expired, &o.Erased, &o.Synthetic, &o.Unmerged,
		&o.Overflow, &o.Clamped, &o.Late, &o.Contradicted}
}

// appendOutcomes writes what outcomeColumns list.
func appendOutcomes(dst []byte, p event.PropertyID, o *ledger.Outcomes) []byte {
	dst = appendUint64(dst, uint64(p))
	for _, n := range counters(o) {
		dst = appendInt64(dst, *n)
	}
	dst = append(dst, byte(len(o.Lateness))) // a length below 128 is one byte
	for _, n := range o.Lateness {
		dst = appendInt64(dst, n)
	}
	return dst
}

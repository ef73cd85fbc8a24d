// Reading archived rows: columns of an answer to Go values.
package duckstore

import (
	"strings"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// archiveNumbers precede the texts of an archived event. All are cast to 64 bits.
func archiveNumbers(session, tie string) []string {
	return []string{"e.row_id", "e.sub::BIGINT AS sub", session + "::UBIGINT AS session", "e.client", "e.event_time", "e.ingest_time",
		"e.idx::BIGINT", "e.engagement_ms", "e.value_micros", "(e.active::BIGINT + 2 * e.page_view::BIGINT + " +
			"4 * e.key_event::BIGINT + 8 * e.marked_key::BIGINT + 16 * e.counted_before::BIGINT + " +
			"32 * coalesce(s.counted, false)::BIGINT)", tie + "::BIGINT"}
}

// archiveTexts are in the order in which archiveReader.texts reads them.
func archiveTexts(key string) []string {
	return []string{"e.user_id", "e.verdict", "e.event_name", "e.host", "e.path", "e.query", "e.title", "e.referrer",
		"e.language", "e.screen", "e.country", "e.region", "e.city", "e.device_category", "e.browser", "e.operating_system",
		"e.operating_system_version", "e.event_source", "e.event_medium", "e.event_campaign", "e.currency", "e.params",
		key, "s.client_id", "s.session_id"}
}

func archiveColumns(session, key, tie string) string {
	return strings.Join(append(archiveNumbers(session, tie), archiveTexts(key)...), ", ")
}

// archiveReader folds synthetic rows, which follow theirs, into the event.
type archiveReader struct {
	property event.PropertyID
	yield    func(*store.ArchivedEvent) error
	event    store.ArchivedEvent
	pending  bool
}

func (a *archiveReader) chunk(r *result) error {
	for i := range r.rows {
		if sub := r.int64(1, i); sub != 0 {
			a.event.SessionStart = a.event.SessionStart || sub == 1
			a.event.FirstVisit = a.event.FirstVisit || sub == 2
			continue
		}
		if err := a.end(); err != nil {
			return err
		}
		if r.int64(10, i) == tieUnknown {
			return store.ErrNotArchived
		}
		a.read(r, i)
	}
	return nil
}

// end gives out the last event.
func (a *archiveReader) end() error {
	if !a.pending {
		return nil
	}
	a.pending = false
	return a.yield(&a.event)
}

func (a *archiveReader) read(r *result, i int) {
	flags := r.int64(9, i)
	flag := func(bit int64) bool { return flags&bit != 0 }
	a.pending = true
	a.event = store.ArchivedEvent{Sessionless: !flag(32), EventRow: store.EventRow{
		Property: a.property, Row: event.RowID(r.uint64(0, i)), Part: event.RowID(r.uint64(2, i)), Client: event.RowID(r.uint64(3, i)),
		EventTime: event.Time(r.int64(4, i)), IngestTime: event.Time(r.int64(5, i)), Index: uint32(r.int64(6, i)),
		EngagementMS: r.int64(7, i), ValueMicros: r.int64(8, i),
		Active: flag(1), PageView: flag(2), KeyEvent: flag(4), MarkedKey: flag(8), CountedBefore: flag(16)}}
	e := &a.event
	for n, to := range []*string{&e.UserID, &e.Verdict, &e.Name, &e.Host, &e.Path, &e.Query, &e.Title, &e.Referrer,
		&e.Language, &e.Screen, &e.Country, &e.Region, &e.City, &e.Category, &e.Browser, &e.OS, &e.OSMajor,
		&e.Source, &e.Medium, &e.Campaign, &e.Currency, &e.Params, &e.Key, &e.ClientID, &e.SessionID} {
		*to = r.text(11+n, i)
	}
}

// clientReader reads the columns of archive.Clients.
func clientReader(yield func(*store.ArchivedClient) error) func(*result) error {
	return func(r *result) error {
		for i := range r.rows {
			c := store.ArchivedClient{Client: event.RowID(r.uint64(0, i)), ClientID: r.text(1, i), Verdict: r.text(2, i),
				First: event.Time(r.int64(3, i)), Sessions: r.int64(4, i), FirstSession: event.Time(r.int64(5, i)),
				FirstSource: store.Source{Source: r.text(6, i), Medium: r.text(7, i), Campaign: r.text(8, i)},
				LastOwn:     event.Time(r.int64(9, i)),
				LastSource:  store.Source{Source: r.text(10, i), Medium: r.text(11, i), Campaign: r.text(12, i)},
				HasOwn:      r.int64(13, i) > 0}
			if err := yield(&c); err != nil {
				return err
			}
		}
		return nil
	}
}

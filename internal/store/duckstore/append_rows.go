// Rows to columns: one function per table, in the order of schema.go.
package duckstore

import "tidemark/internal/store"

func (w *memTable) event(e *store.EventRow) error {
	if err := w.beginRow(); err != nil {
		return err
	}
	w.uint64(uint64(e.Property))
	w.int64(int64(e.EventTime))
	w.uint64(uint64(e.Row))
	w.uint8(e.Sub)
	w.uint64(uint64(e.Part))
	w.uint64(uint64(e.Client))
	w.text(e.UserID)
	w.text(e.Verdict)
	w.int64(int64(e.IngestTime))
	w.uint32(e.Index)
	w.text(e.Name)
	w.text(e.Host)
	w.text(e.Path)
	w.text(e.Query)
	w.text(e.Title)
	w.text(e.Referrer)
	w.text(e.Language)
	w.text(e.Screen)
	w.text(e.Country)
	w.text(e.Region)
	w.text(e.City)
	w.text(e.Category)
	w.text(e.Browser)
	w.text(e.OS)
	w.text(e.OSMajor)
	w.text(e.Source)
	w.text(e.Medium)
	w.text(e.Campaign)
	w.int64(e.EngagementMS)
	w.bool(e.Active)
	w.bool(e.PageView)
	w.bool(e.KeyEvent)
	w.int64(e.ValueMicros)
	w.text(e.Currency)
	w.text(e.Params)
	w.bool(e.MarkedKey)
	w.bool(e.CountedBefore)
	w.text(e.Key)
	return w.endRow()
}

func (w *memTable) session(s *store.SessionRow) error {
	if err := w.beginRow(); err != nil {
		return err
	}
	w.uint64(uint64(s.Property))
	w.int64(int64(s.Start))
	w.uint64(uint64(s.Session))
	w.uint64(s.Revision)
	w.bool(s.Tombstone)
	w.bool(s.Counted)
	w.uint64(uint64(s.Client))
	w.text(s.ClientID)
	w.text(s.UserID)
	w.text(s.Verdict)
	w.int64(int64(s.End))
	w.text(s.ExitHost)
	w.text(s.Source)
	w.text(s.Medium)
	w.text(s.Campaign)
	w.text(s.Channel)
	w.text(s.LandingHost)
	w.text(s.LandingPath)
	w.text(s.LandingQuery)
	w.text(s.ExitPath)
	w.text(s.NewVsReturning)
	w.text(s.FirstUserSource)
	w.text(s.FirstUserMedium)
	w.text(s.FirstUserCampaign)
	w.text(s.FirstUserChannel)
	w.text(s.Language)
	w.text(s.Screen)
	w.text(s.Country)
	w.text(s.Region)
	w.text(s.City)
	w.text(s.Category)
	w.text(s.Browser)
	w.text(s.OS)
	w.text(s.OSMajor)
	w.uint64(uint64(s.FirstEvent))
	w.bool(s.HasFirst)
	w.int64(s.Events)
	w.int64(s.Views)
	w.int64(s.KeyEvents)
	w.int64(s.EngagementMS)
	w.int64(s.RevenueMicros)
	w.bool(s.Engaged)
	w.text(s.SessionID)
	w.bool(s.OwnSource)
	w.int64(int64(s.Closes))
	return w.endRow()
}

func (w *memTable) alias(a *store.AliasRow) error {
	if err := w.beginRow(); err != nil {
		return err
	}
	w.uint64(uint64(a.Property))
	w.int64(int64(a.Time))
	w.uint64(uint64(a.Part))
	w.uint64(uint64(a.Session))
	w.uint64(a.Revision)
	return w.endRow()
}

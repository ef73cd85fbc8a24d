// Benchmarks: rows a second into a head, and a dashboard of twelve panels over
// a million events in heads, in young segments and in final ones.
package duckstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

const (
	benchEvents = 1_000_000
	benchDay    = event.Time(20_000 * dayMicros)
	benchDays   = 3
)

// benchBatch makes n events in sessions of five, over benchDays days.
func benchBatch(r *rand.Rand, from, n int) *store.Batch {
	b := &store.Batch{}
	for i := from; i < from+n; i++ {
		part := event.RowID(i / 5 * 5)
		at := benchDay + event.Time(int64(part)*benchDays*dayMicros/benchEvents) + event.Time(i%5*20_000_000)
		path := fmt.Sprintf("/products/category/%d", int(r.ExpFloat64()*300))
		b.Events = append(b.Events, store.EventRow{
			Property: 1, Row: event.RowID(i), Part: part, Client: part / 10 * 10, EventTime: at,
			IngestTime: at + 30_000, Key: fmt.Sprintf("%016x", r.Uint64()), Name: []string{"page_view", "scroll", "click"}[i%3],
			Host: "www.example.org", Path: path, Title: "A title of the page at " + path, Referrer: "https://www.example.com/",
			Language: []string{"en-us", "de-de", "fr-fr"}[r.IntN(3)], Screen: "1920x1080",
			Country: []string{"US", "DE", "FR", "GB", "JP"}[r.IntN(5)], Region: "Somewhere", City: fmt.Sprintf("City %d", r.IntN(500)),
			Category: []string{"desktop", "mobile"}[r.IntN(2)], Browser: []string{"Chrome", "Safari", "Firefox"}[r.IntN(3)],
			OS: "Windows", OSMajor: "10", Source: store.NotSet, Medium: store.NotSet, Campaign: store.NotSet,
			EngagementMS: r.Int64N(20_000), Active: true, PageView: i%3 == 0, KeyEvent: i%97 == 0,
		})
		if i%5 == 4 {
			b.Sessions = append(b.Sessions, store.SessionRow{
				Property: 1, Session: part, Revision: uint64(i), Counted: true, Client: part / 10 * 10, ClientID: fmt.Sprint("client.", part/10),
				Start: at - 80_000_000, End: at, Closes: at + 1_800_000_000, LandingHost: "www.example.org", LandingPath: path,
				ExitHost: "www.example.org", ExitPath: path, Country: "US", Language: "en-us", Screen: "1920x1080",
				Category: "desktop", Browser: "Chrome", OS: "Windows", OSMajor: "10",
				Source: []string{"google", "(direct)", "newsletter", "bing"}[r.IntN(4)], Medium: []string{"organic", "(none)", "email"}[r.IntN(3)],
				Campaign: store.NotSet, Channel: []string{"Organic Search", "Direct", "Email"}[r.IntN(3)],
				FirstUserSource: "google", FirstUserMedium: "organic", FirstUserCampaign: store.NotSet, FirstUserChannel: "Organic Search",
				NewVsReturning: []string{"new", "returning"}[r.IntN(2)], FirstEvent: part, HasFirst: part%10 == 0,
				Events: 5, Views: 2, EngagementMS: 50_000, Engaged: true,
			})
		}
	}
	return b
}

// panels are the questions of a dashboard.
func panels() []*store.Plan {
	from, to := benchDay, benchDay+benchDays*dayMicros
	date := store.Dimension{Column: store.ColTime, Bucket: store.Date}
	eventAggs := []store.Aggregate{{Op: store.Count}, {Op: store.DistinctUsers, Where: store.ColActive},
		{Op: store.Count, Where: store.ColPageView}, {Op: store.Sum, Column: store.ColEngagementMS}}
	sessionAggs := []store.Aggregate{{Op: store.Count}, {Op: store.Count, Where: store.ColEngaged},
		{Op: store.Sum, Column: store.ColDurationMicros}}
	plan := func(r store.Relation, aggs []store.Aggregate, dims ...store.Dimension) *store.Plan {
		return &store.Plan{Property: 1, Relation: r, From: from, To: to, Dimensions: dims, Aggregates: aggs,
			Zone: store.Zone{{Offset: 3_600_000_000}}}
	}
	column := func(c store.Column) store.Dimension { return store.Dimension{Column: c} }
	return []*store.Plan{
		plan(store.Events, eventAggs), plan(store.Sessions, sessionAggs),
		plan(store.Events, eventAggs, date), plan(store.Sessions, sessionAggs, date),
		plan(store.Events, eventAggs, column(store.ColPath)), plan(store.Sessions, sessionAggs, column(store.ColLandingPath)),
		plan(store.Sessions, sessionAggs, column(store.ColSource), column(store.ColMedium)),
		plan(store.Events, eventAggs, column(store.ColChannel)),
		plan(store.Events, eventAggs, column(store.ColCountry)),
		plan(store.Events, eventAggs, column(store.ColCategory), column(store.ColBrowser)),
		plan(store.EventSessions, sessionAggs, column(store.ColPath)),
		plan(store.Events, []store.Aggregate{{Op: store.Count, Where: store.ColFirstEvent}}, date),
	}
}

func BenchmarkAppend(b *testing.B) {
	s, err := Open(Config{Dir: b.TempDir(), MemoryLimit: 8 << 30}, store.Manifest{}, Deps{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	batch := benchBatch(rand.New(rand.NewPCG(1, 1)), 0, 10_000)
	batch.Sessions = nil
	b.ResetTimer()
	for b.Loop() {
		if err := s.Append(context.Background(), batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(batch.Events)*b.N)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkDashboard runs all panels per operation, and each on its own.
func BenchmarkDashboard(b *testing.B) {
	ctx := context.Background()
	s, err := Open(Config{Dir: b.TempDir(), MemoryLimit: 4 << 30, WriterMemoryLimit: 4 << 30, AnswerMemory: 1, DraftAfter: -1}, store.Manifest{}, Deps{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	r := rand.New(rand.NewPCG(1, 1))
	var m store.Manifest
	for i := range 10 {
		for j := range 10 {
			if err := s.Append(ctx, benchBatch(r, (i*10+j)*benchEvents/100, benchEvents/100)); err != nil {
				b.Fatal(err)
			}
		}
	}
	dashboard(b, s, "head")
	h, err := s.Seal(ctx)
	if err != nil {
		b.Fatal(err)
	}
	segs, err := s.WriteSegments(ctx, h)
	if err != nil {
		b.Fatal(err)
	}
	m.Segments = segs
	if err := s.Install(ctx, m, h); err != nil {
		b.Fatal(err)
	}
	reportBytes(b, "young", m)
	dashboard(b, s, "young")
	m.FinalUntil = map[event.PropertyID]event.Time{}
	until := map[event.PropertyID]event.Time{1: benchDay + benchDays*dayMicros}
	c, err := s.Finalize(ctx, m, until)
	if err != nil {
		b.Fatal(err)
	}
	m = store.Manifest{Segments: c.Added, FinalUntil: until}
	if err := s.Install(ctx, m); err != nil {
		b.Fatal(err)
	}
	reportBytes(b, "final", m)
	dashboard(b, s, "final")
}

func reportBytes(b *testing.B, stage string, m store.Manifest) {
	for _, seg := range m.Segments {
		b.Logf("%s %s: %d rows, %.1f bytes per event", stage, seg.Table, seg.Rows, float64(seg.Bytes)/benchEvents)
	}
}

func dashboard(b *testing.B, s *Store, stage string) {
	ctx := context.Background()
	sn, err := s.Snapshot(ctx)
	if err != nil {
		b.Fatal(err)
	}
	defer sn.Release()
	run := func(b *testing.B, ps []*store.Plan) {
		for b.Loop() {
			for _, p := range ps {
				if _, err := sn.Run(ctx, p); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	b.Run(stage+"/all", func(b *testing.B) { run(b, panels()) })
	for i, p := range panels() {
		b.Run(fmt.Sprintf("%s/panel%02d", stage, i+1), func(b *testing.B) { run(b, []*store.Plan{p}) })
	}
}

// Benchmark of making cells: one final day of a property with many pages.
package duckstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// rollupDay returns a day of n events over ten thousand pages, six to a session.
func rollupDay(r *rand.Rand, n int) *store.Batch {
	b := &store.Batch{}
	pages := rand.NewZipf(r, 1.2, 8, 9_999)
	const day = event.Time(dayMicros)
	for i := range n {
		session := event.RowID(i/6*6 + 1)
		at := day*20_000 + event.Time(i/6)*day/event.Time(n/6+1) + event.Time(i%6)*1_000_000
		page := fmt.Sprintf("/page-%d", pages.Uint64())
		country := fmt.Sprint("C", session%40)
		b.Events = append(b.Events, store.EventRow{Property: 1, Row: event.RowID(i + 1), Part: session, Client: session,
			EventTime: at, IngestTime: at, Name: "page_view", Path: page, Title: "Title of " + page, Host: "shop.example",
			Country: country, Region: "R", City: fmt.Sprint("T", session%300), Category: "desktop", Browser: "Chrome",
			OS: "Linux", OSMajor: "6", Language: "de", Active: true, PageView: true, EngagementMS: 1000, Currency: store.NotSet})
		if i%6 == 5 || i == n-1 {
			b.Sessions = append(b.Sessions, store.SessionRow{Property: 1, Session: session, Revision: 1, Counted: true,
				Client: session, Start: at - 5_000_000, End: at, LandingPath: page, Source: fmt.Sprint("s", session%20),
				Medium: "referral", Campaign: "(none)", Channel: "Referral", Country: country, Region: "R", City: "T",
				Category: "desktop", Browser: "Chrome", OS: "Linux", OSMajor: "6", Language: "de", NewVsReturning: "new",
				FirstUserSource: "x", FirstUserMedium: "y", FirstUserCampaign: "z", FirstUserChannel: "Direct",
				HasFirst: true, FirstEvent: session, Events: 6, Views: 6, Engaged: true})
		}
	}
	return b
}

func BenchmarkRollUp(b *testing.B) {
	const events = 110_000
	ctx := context.Background()
	s, err := Open(Config{Dir: b.TempDir(), MemoryLimit: 4 << 30, WriterMemoryLimit: 4 << 30}, store.Manifest{}, Deps{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	must := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	must(s.Append(ctx, rollupDay(rand.New(rand.NewPCG(1, 1)), events)))
	h, err := s.Seal(ctx)
	must(err)
	segs, err := s.WriteSegments(ctx, h)
	must(err)
	m := store.Manifest{Segments: segs, FinalUntil: map[event.PropertyID]event.Time{}}
	must(s.Install(ctx, m, h))
	const end = event.Time(20_001 * dayMicros)
	c, err := s.Finalize(ctx, m, map[event.PropertyID]event.Time{1: end})
	must(err)
	m.Segments, m.FinalUntil[1] = c.Added, end
	must(s.Install(ctx, m))
	spans := []store.RollupSpan{{Property: 1, From: end - dayMicros, To: end}}
	var bytes int64
	for b.Loop() {
		c, err := s.RollUp(ctx, m, spans)
		must(err)
		bytes = c.Added[0].Bytes
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/events, "us/event")
	b.ReportMetric(float64(bytes)/events, "B/event")
}

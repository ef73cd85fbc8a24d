// Benchmarks on the real engine: batches in, reports out.
package clickstore

import (
	"fmt"
	"testing"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// traffic is a batch of n events, each five of a session, of one day.
func traffic(seq uint64, n int) *store.SharedBatch {
	b := &store.SharedBatch{}
	for i := range n {
		row := event.RowID(seq)<<32 | event.RowID(i)
		session := event.RowID(seq)<<32 | event.RowID(i/5*5)
		at := event.Time(20_000*dayMicros) + event.Time(seq)*1_000_000 + event.Time(i)
		b.Events = append(b.Events, store.EventRow{Property: 1, Row: row, Part: session, Client: session, EventTime: at, IngestTime: at,
			Key: fmt.Sprint("key", row), Name: "page_view", Host: "shop.example", Path: fmt.Sprintf("/goods/%d", i%997),
			Title: fmt.Sprintf("Goods %d", i%997), Language: "de-de", Country: "DE", Region: "Hesse", City: "Frankfurt", Category: "mobile",
			Browser: "Chrome", OS: "Android", Source: store.NotSet, Medium: store.NotSet, Campaign: store.NotSet, Currency: store.NotSet,
			PageView: true, Active: i%3 == 0, EngagementMS: int64(i % 5000)})
		if i%5 == 0 {
			b.Sessions = append(b.Sessions, store.SessionRow{Property: 1, Session: session, Revision: 1, Counted: true, Client: session,
				ClientID: fmt.Sprint("c", session), Start: at, End: at + 4, Source: fmt.Sprint("source", i%11), Medium: "organic", Channel: "Organic Search",
				Country: "DE", Events: 5, Views: 5, Engaged: i%2 == 0})
		}
	}
	return b
}

func benchStore(b *testing.B) *Store {
	l := &line{server: startEngine(b)}
	return open(b, configFor(l.server.NewDatabase(b)), l)
}

// BenchmarkInsert: one batch after the other, of one partition, published.
func BenchmarkInsert(b *testing.B) {
	for _, n := range []int{100, 1000, 10_000, 50_000} {
		b.Run(fmt.Sprint("events=", n), func(b *testing.B) {
			s := benchStore(b)
			batch := traffic(1, n)
			seq := uint64(0)
			for b.Loop() {
				seq++
				insertAndPublish(b, s, seq, batch)
			}
			b.ReportMetric(float64(seq)*float64(n)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

func insertAndPublish(b *testing.B, s *Store, seq uint64, batch *store.SharedBatch) {
	if err := s.Insert(b.Context(), store.BatchID{Log: "suite-1", Partition: 2, Seq: seq}, batch); err != nil {
		b.Fatal(err)
	}
	if err := s.Publish(b.Context(), store.Progress{Partition: 2, Seq: seq}); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkRun: reports over a day of a million events in 200,000 sessions.
func BenchmarkRun(b *testing.B) {
	s := benchStore(b)
	for seq := uint64(1); seq <= 20; seq++ {
		insertAndPublish(b, s, seq, traffic(seq, 50_000))
	}
	sn, err := s.Snapshot(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	by := func(r store.Relation, c store.Column, aggs ...store.Aggregate) *store.Plan {
		return &store.Plan{Property: 1, Relation: r, From: 20_000 * dayMicros, To: 20_001 * dayMicros, Dimensions: []store.Dimension{{Column: c}}, Aggregates: aggs}
	}
	count, users := store.Aggregate{Op: store.Count}, store.Aggregate{Op: store.DistinctUsers}
	for name, p := range map[string]*store.Plan{
		"events_by_path":            by(store.Events, store.ColPath, count),
		"users_by_path":             by(store.Events, store.ColPath, count, users),
		"users_by_session_source":   by(store.Events, store.ColSource, count, users),
		"sessions_by_source":        by(store.Sessions, store.ColSource, count, store.Aggregate{Op: store.Count, Where: store.ColEngaged}),
		"sessions_by_path_of_event": by(store.EventSessions, store.ColPath, count),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := sn.Run(b.Context(), p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

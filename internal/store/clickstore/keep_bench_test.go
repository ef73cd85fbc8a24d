// Benchmarks of upkeep on the real engine: what final days and cells cost, and what they save.
package clickstore

import (
	"io"
	"testing"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// BenchmarkFinalDays: reports over a day of 400,000 events in 80,000 sessions as it lies: young, final, with cells.
func BenchmarkFinalDays(b *testing.B) {
	s := benchStore(b)
	for seq := uint64(1); seq <= 8; seq++ {
		insertAndPublish(b, s, seq, traffic(seq, 50_000))
	}
	k, err := s.Keep(b.Context(), 1)
	if err != nil {
		b.Fatal(err)
	}
	from, to := event.Time(20_000*dayMicros), event.Time(20_001*dayMicros)
	count, users := store.Aggregate{Op: store.Count}, store.Aggregate{Op: store.DistinctUsers}
	plans := map[string]*store.Plan{
		"events_by_path":          {Dimensions: []store.Dimension{{Column: store.ColPath}}, Aggregates: []store.Aggregate{count, users}},
		"users_by_session_source": {Dimensions: []store.Dimension{{Column: store.ColSource}, {Column: store.ColMedium}}, Aggregates: []store.Aggregate{count, users}},
		"sessions_by_source":      {Relation: store.Sessions, Dimensions: []store.Dimension{{Column: store.ColSource}}, Aggregates: []store.Aggregate{count}},
		"sessions_by_path":        {Relation: store.EventSessions, Dimensions: []store.Dimension{{Column: store.ColPath}}, Aggregates: []store.Aggregate{count}},
	}
	measure := func(how string) {
		sn, err := s.Snapshot(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		for name, p := range plans {
			p.Property, p.From, p.To, p.Zone, p.ZoneName, p.Users = 1, from, to, store.Zone{{}}, "UTC", store.SketchedUsers
			b.Run(how+"/"+name, func(b *testing.B) {
				for b.Loop() {
					if _, err := sn.Run(b.Context(), p); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
	measure("young")
	began := time.Now()
	if err := k.Finalize(b.Context(), map[event.PropertyID]event.Time{1: to}); err != nil {
		b.Fatal(err)
	}
	b.Logf("finalize: %v", time.Since(began))
	measure("final")
	began = time.Now()
	if err := k.RollUp(b.Context(), []store.RollupSpan{{Property: 1, From: from, To: to, Zone: store.Zone{{}}}},
		map[event.PropertyID]store.RollupRange{1: {From: from, To: to, Zone: "UTC"}}); err != nil {
		b.Fatal(err)
	}
	b.Logf("roll up: %v", time.Since(began))
	measure("cells")
}

// BenchmarkRestore: a day of 400,000 events in 80,000 sessions goes out as files, and into an empty database.
func BenchmarkRestore(b *testing.B) {
	s := benchStore(b)
	for seq := uint64(1); seq <= 8; seq++ {
		insertAndPublish(b, s, seq, traffic(seq, 50_000))
	}
	to := event.Time(20_001 * dayMicros)
	k, err := s.Keep(b.Context(), 1)
	if err == nil {
		err = k.Finalize(b.Context(), map[event.PropertyID]event.Time{1: to})
	}
	if err != nil {
		b.Fatal(err)
	}
	e, err := s.Export(b.Context(), 1)
	if err != nil {
		b.Fatal(err)
	}
	files := map[store.Table][]byte{}
	for _, t := range []store.Table{store.FinalEvents, store.FinalSessions} {
		f, err := e.Write(b.Context(), t, 0, to)
		if err != nil {
			b.Fatal(err)
		}
		if files[t], err = io.ReadAll(f); err != nil || f.Close() != nil {
			b.Fatal(err)
		}
	}
	events := 0
	for b.Loop() {
		b.StopTimer()
		into := benchStore(b)
		k, err := into.Keep(b.Context(), 1)
		if err != nil {
			b.Fatal(err)
		}
		r := restoration(files, 1)
		r.Until = to
		b.StartTimer()
		if err := k.(store.Restorer).Restore(b.Context(), r, anyLog); err != nil {
			b.Fatal(err)
		}
		events += 400_000
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
}

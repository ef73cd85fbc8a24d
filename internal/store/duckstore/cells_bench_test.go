// Benchmark of users over many days: the cells of one property among those of a hundred, as they lie in
// a store of a hundred million events.
package duckstore

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"tidemark/internal/event"
	"tidemark/internal/sketch"
	"tidemark/internal/store"
)

const (
	benchProperties = 100
	benchWeek       = 7
	benchWeeks      = 4
)

// richCells gives f the cells of a week: of each property and day one of all events, one of each hour, and one of
// each of ten names. The largest property has 20,000 users a day; the n-th has one in n of them.
func richCells(week int, f func(p event.PropertyID, rollup uint8, name string, start event.Time, users *sketch.Users, n int)) {
	r := rand.New(rand.NewPCG(uint64(week), 1))
	var users sketch.Users
	cell := func(p event.PropertyID, rollup uint8, name string, start event.Time, n int) {
		users.Reset()
		for range n {
			users.Add(uint64(p)<<32 | r.Uint64N(200_000))
		}
		f(p, rollup, name, start, &users, n)
	}
	for p := event.PropertyID(1); p <= benchProperties; p++ {
		n := 20_000 / int(p)
		for day := range event.Time(benchWeek) {
			start := (event.Time(week)*benchWeek + day) * dayMicros
			cell(p, 1, "", start, n)
			for hour := range event.Time(24) {
				cell(p, 2, "", start+hour*hourMicros, n/10+1)
			}
			for name := range 10 {
				cell(p, 11, fmt.Sprint("event-", name), start, n/(name+1)+1)
			}
		}
	}
}

// richStore has a file of cells for each week.
func richStore(b *testing.B) *Store {
	ctx := context.Background()
	s, err := Open(Config{Dir: b.TempDir(), WriterMemoryLimit: 8 << 30, MemoryLimit: 1 << 30}, store.Manifest{}, Deps{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	m := store.Manifest{Rollups: map[event.PropertyID][]store.RollupRange{}}
	for week := range benchWeeks {
		added, err := writeRich(ctx, s, week)
		if err != nil {
			b.Fatal(err)
		}
		m.Segments = append(m.Segments, added...)
	}
	for p := event.PropertyID(1); p <= benchProperties; p++ {
		m.Rollups[p] = []store.RollupRange{{From: math.MinInt64, To: benchWeeks * benchWeek * dayMicros, Zone: "UTC"}}
	}
	if err := s.Install(ctx, m); err != nil {
		b.Fatal(err)
	}
	return s
}

func writeRich(ctx context.Context, s *Store, week int) ([]store.Segment, error) {
	cells := s.newCellSources()
	defer func() { _ = cells.close(ctx) }()
	cn, err := s.writer.get()
	if err != nil {
		return nil, err
	}
	defer s.writer.put(cn)
	table, w, err := cells.table(ctx, cn, s.schema.ddl(store.RollupCells)+", source UINTEGER")
	if err != nil {
		return nil, err
	}
	defer w.close()
	pile, err := cells.piled()
	if err != nil {
		return nil, err
	}
	richCells(week, func(p event.PropertyID, rollup uint8, name string, start event.Time, users *sketch.Users, n int) {
		writeCellKey(w, p, rollup, name, start, n)
		encoded := users.AppendBinary(nil)
		at, failed := pile.add(encoded, len(encoded))
		at.write(w, encoded)
		w.uint32(pileNumber)
		if err == nil {
			err = failed
		}
		if failed := w.endRow(); err == nil {
			err = failed
		}
	})
	if err == nil {
		err = w.flush()
	}
	if err != nil {
		return nil, err
	}
	return s.writeSpecs(ctx, s.writer, []segmentSpec{{table: store.RollupCells, query: "SELECT * FROM " + table, cells: cells}})
}

func writeCellKey(w *chunkWriter, p event.PropertyID, rollup uint8, name string, start event.Time, n int) {
	w.uint64(uint64(p))
	w.uint8(rollup)
	w.text(name)
	for range store.RollupColumns - 1 {
		w.text("")
	}
	w.int64(int64(start))
	w.int64(int64(n))
	writeZeros(w, len(cellNumbers(store.Events))+len(cellNumbers(store.Sessions)))
	w.int64(int64(n))
	w.int64(int64(n))
}

// BenchmarkUsers asks for the users of a property over four weeks. Nothing is remembered.
func BenchmarkUsers(b *testing.B) {
	s := richStore(b)
	sn, err := s.Snapshot(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	defer sn.Release()
	for _, of := range []struct {
		name     string
		property event.PropertyID
		dims     []store.Dimension
	}{
		{"total of the largest property", 1, nil},
		{"by name of the largest property", 1, []store.Dimension{{Column: store.ColName}}},
		{"total of property 50", 50, nil},
		{"by name of property 50", 50, []store.Dimension{{Column: store.ColName}}},
	} {
		p := &store.Plan{Property: of.property, To: benchWeeks * benchWeek * dayMicros, ZoneName: "UTC", Users: store.SketchedUsers, Dimensions: of.dims,
			Aggregates: []store.Aggregate{{Op: store.Count}, {Op: store.DistinctUsers}, {Op: store.DistinctUsers, Where: store.ColActive}}}
		sp, ok := splitPlan(p, sn.(*snapshot).view.manifest)
		if !ok {
			b.Fatal("no cells")
		}
		b.Run(of.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := (&rolled{sn: sn.(*snapshot), p: p, s: sp}).run(context.Background()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

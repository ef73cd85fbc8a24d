// Benchmark of exporting and importing a day of events, with the memory that upkeep has by default.
package duckstore

import (
	"context"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

func BenchmarkExportAndImport(b *testing.B) {
	const events = 500_000
	const end = event.Time(20_001 * dayMicros)
	ctx := context.Background()
	must := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	s, err := Open(Config{Dir: b.TempDir()}, store.Manifest{}, Deps{})
	must(err)
	defer s.Close()
	must(s.Append(ctx, rollupDay(rand.New(rand.NewPCG(1, 1)), events)))
	h, err := s.Seal(ctx)
	must(err)
	segs, err := s.WriteSegments(ctx, h)
	must(err)
	m := store.Manifest{Segments: segs, FinalUntil: map[event.PropertyID]event.Time{}}
	must(s.Install(ctx, m, h))
	c, err := s.Finalize(ctx, m, map[event.PropertyID]event.Time{1: end})
	must(err)
	m.Segments, m.FinalUntil[1] = c.Added, end
	must(s.Install(ctx, m))
	e, err := s.Export(ctx, 1)
	must(err)
	defer e.Release()
	dir, err := s.ImportDir()
	must(err)
	path := filepath.Join(dir, "day.parquet")
	b.Run("export", func(b *testing.B) {
		var bytes int64
		for b.Loop() {
			bytes = 0
			for _, t := range finalTables() {
				f, err := e.Write(ctx, t, end-dayMicros, end)
				must(err)
				to, err := os.Create(path)
				must(err)
				n, err := io.Copy(to, f)
				must(err)
				must(to.Close())
				must(f.Close())
				if bytes += n; t == store.FinalEvents {
					must(os.Rename(path, path+".events"))
				}
			}
		}
		b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/events, "us/event")
		b.ReportMetric(float64(bytes)/events, "B/event")
	})
	b.Run("import", func(b *testing.B) {
		for b.Loop() {
			segs, err := s.Import(ctx, 1, store.FinalEvents, []string{path + ".events"})
			must(err)
			for _, seg := range segs {
				must(os.Remove(filepath.Join(s.cfg.Dir, seg.File)))
			}
		}
		b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/events, "us/event")
	})
}

// Benchmark of writing a sealed head: what a checkpoint costs the store.
package duckstore

import (
	"context"
	"math/rand/v2"
	"testing"

	"tidemark/internal/store"
)

func BenchmarkWriteSegments(b *testing.B) {
	const events = 120_000
	ctx := context.Background()
	s, err := Open(Config{Dir: b.TempDir(), MemoryLimit: 4 << 30}, store.Manifest{}, Deps{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	r := rand.New(rand.NewPCG(1, 1))
	for i := range 12 {
		if err := s.Append(ctx, benchBatch(r, i*events/12, events/12)); err != nil {
			b.Fatal(err)
		}
	}
	h, err := s.Seal(ctx)
	if err != nil {
		b.Fatal(err)
	}
	var bytes int64
	for b.Loop() {
		segs, err := s.WriteSegments(ctx, h)
		if err != nil {
			b.Fatal(err)
		}
		bytes = 0
		for _, seg := range segs {
			bytes += seg.Bytes
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/events, "us/event")
	b.ReportMetric(float64(bytes)/events, "B/event")
}

// What it costs to read a client that comes back, from a state many times its cache.
package pebblestate

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"syscall"
	"testing"

	"tidemark/internal/event"
	"tidemark/internal/state"
)

// benchRecord is as long as a client record with two sessions, and as repetitive.
func benchRecord(i int) []byte {
	r := rand.New(rand.NewPCG(uint64(i), 1))
	b := fmt.Appendf(nil, "%d.1795000000", i)
	for range 2 {
		b = fmt.Appendf(b, "%016x%016x", r.Uint64(), r.Uint64())
		b = fmt.Appendf(b, "DE Bremen Bremen de-de 1920x1080 mobile Chrome Android 16 shop.example /products/%d /checkout/%d google organic %016x",
			r.IntN(1000), r.IntN(1000), r.Uint64())
		for range 6 {
			b = append(b, byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), 0x12, 0x3c, 6, 0, 7)
		}
	}
	return b
}

func BenchmarkClient(b *testing.B) {
	const clients = 150_000
	s, err := Open(Config{Dir: b.TempDir(), CacheBytes: 8 << 20}, Deps{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	key := func(i int) []byte { return fmt.Appendf(nil, "%08d\x00\x00%09d.1795000000", 7, i) }
	size := 0
	for share := range 6 { // overlapping, as checkpoints are
		c := s.Begin()
		for i := share; i < clients; i += 6 {
			record := benchRecord(i)
			size += len(record)
			if err := c.Client(event.Partition(i%16), key(i), record); err != nil {
				b.Fatal(err)
			}
		}
		if err := c.Finish(b.Context(), &state.Meta{Sequence: uint64(share)}); err != nil {
			b.Fatal(err)
		}
		c.Abandon()
	}
	if err := s.db.Flush(); err != nil {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	b.ReportAllocs()
	b.ResetTimer()
	before := processorTime()
	for range b.N {
		i := r.IntN(clients)
		if got, err := s.Client(event.Partition(i%16), key(i)); err != nil || got == nil {
			b.Fatal(i, err)
		}
	}
	b.ReportMetric((processorTime()-before)/float64(b.N), "cpu-ns/op")
	b.ReportMetric(float64(s.db.Metrics().DiskSpaceUsage())/float64(size), "disk/byte")
}

// processorTime is that of the process, in nanoseconds.
func processorTime() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano() + u.Stime.Nano())
}

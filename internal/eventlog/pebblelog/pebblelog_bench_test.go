// Benchmarks on a real disk: appending in batches, one by one from many
// goroutines, and reading in order.
package pebblelog

import (
	"context"
	"math/rand/v2"
	"testing"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

const benchRecordBytes = 300

// benchPayloads returns records that compress about as well as real ones:
// half of each is noise, half is text that repeats.
func benchPayloads(n int) [][]byte {
	const text = "https://shop.example/category/shoes?utm_source=newsletter&utm_medium=email " +
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36"
	noise := rand.NewChaCha8([32]byte{1})
	out := make([][]byte, n)
	for i := range out {
		out[i] = make([]byte, benchRecordBytes)
		_, _ = noise.Read(out[i][:benchRecordBytes/2])
		copy(out[i][benchRecordBytes/2:], text)
	}
	return out
}

func benchLog(b *testing.B) *Log {
	b.Helper()
	cfg := DefaultConfig()
	cfg.Dir = b.TempDir()
	l, err := Open(cfg, Deps{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	return l
}

func benchBatch(payloads [][]byte, seed, n int) *eventlog.Batch {
	batch := &eventlog.Batch{Counts: []eventlog.Count{{Property: 1, Day: 20000, N: int64(n)}}}
	for i := range n {
		batch.Records = append(batch.Records, eventlog.Record{
			Partition: event.Partition((seed*31 + i*7) % 16),
			Payload:   payloads[(seed+i)%len(payloads)],
		})
	}
	return batch
}

func benchAppend(b *testing.B, appenders, records int) {
	l := benchLog(b)
	payloads := benchPayloads(4096)
	b.SetBytes(int64(records * benchRecordBytes))
	b.ReportAllocs()
	b.SetParallelism(appenders)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		batch := benchBatch(payloads, rand.IntN(4096), records)
		for pb.Next() {
			if err := l.Append(context.Background(), batch); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.StopTimer()
	b.ReportMetric(float64(b.N*records)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(b.N)/float64(l.writer.number), "appends/commit")
}

// RunParallel starts parallelism * GOMAXPROCS goroutines.
func BenchmarkAppend1x64Goroutines(b *testing.B)   { benchAppend(b, 32, 1) }
func BenchmarkAppend1x256Goroutines(b *testing.B)  { benchAppend(b, 128, 1) }
func BenchmarkAppend1x2Goroutines(b *testing.B)    { benchAppend(b, 1, 1) }
func BenchmarkAppend25x64Goroutines(b *testing.B)  { benchAppend(b, 32, 25) }
func BenchmarkAppend500x2Goroutines(b *testing.B)  { benchAppend(b, 1, 500) }
func BenchmarkAppend500x16Goroutines(b *testing.B) { benchAppend(b, 8, 500) }

func BenchmarkRead(b *testing.B) {
	l := benchLog(b)
	payloads := benchPayloads(4096)
	for i := range 1000 {
		if err := l.Append(context.Background(), benchBatch(payloads, i, 500)); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(benchRecordBytes)
	b.ReportAllocs()
	b.ResetTimer()
	var dst []eventlog.Entry
	var next event.Offset
	p := event.Partition(0)
	for n := 0; n < b.N; {
		var err error
		if dst, err = l.Read(context.Background(), p, next, 1<<20, dst[:0]); err != nil {
			b.Fatal(err)
		}
		n += len(dst)
		next += event.Offset(len(dst))
		if len(dst) == 0 {
			p, next = (p+1)%16, 0
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

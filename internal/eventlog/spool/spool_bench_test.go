// Benchmarks: what a spool costs while the far log works, what the near log takes,
// and how fast it is forwarded.
package spool

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/eventlog/kafkalog"
	"tidemark/internal/eventlog/memlog"
	"tidemark/internal/eventlog/pebblelog"
	"tidemark/internal/testkit/kafkabroker"
)

// benchBatch is a request of one client: n events of some 300 bytes.
func benchBatch(n, seed int) *eventlog.Batch {
	p := event.Partition(seed % partitions)
	b := &eventlog.Batch{Counts: []eventlog.Count{{Property: 1, Partition: p, N: int64(n)}}}
	for i := range n {
		b.Records = append(b.Records, eventRecord(p, fmt.Sprintf("%0250d", seed*n+i), event.TimeOf(time.Now())))
	}
	return b
}

func appendAll(b *testing.B, l eventlog.Log, records int) {
	b.Helper()
	batches := make([]*eventlog.Batch, 256)
	for i := range batches {
		batches[i] = benchBatch(records, i)
	}
	b.ReportAllocs()
	b.SetParallelism(64)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			if err := l.Append(context.Background(), batches[i%len(batches)]); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.StopTimer()
	b.ReportMetric(float64(b.N*records)/b.Elapsed().Seconds(), "events/s")
}

func openDisk(b *testing.B) *pebblelog.Log {
	b.Helper()
	cfg := pebblelog.DefaultConfig()
	cfg.Dir, cfg.Partitions, cfg.MinFreeBytes = filepath.Join(b.TempDir(), "log"), partitions, 0
	l, err := pebblelog.Open(cfg, pebblelog.Deps{})
	if err != nil {
		b.Fatal(err)
	}
	return l
}

// before opens a spool before a far log and waits until it goes there.
func before(b *testing.B, far eventlog.Log) *Spool {
	b.Helper()
	s := mustOpen(b, testConfig(), Deps{
		Near: openDisk(b), OpenFar: func(context.Context) (eventlog.Log, error) { return far, nil },
	}, plantNothing)
	b.Cleanup(func() { _ = s.Close() })
	await(b, "lanes turn to the far log", allFar(s))
	return s
}

// discard takes everything at once: what is measured is the spool itself.
type discard struct{ eventlog.Log }

func (discard) Append(context.Context, *eventlog.Batch) error { return nil }

func BenchmarkAppendFar(b *testing.B) {
	for _, records := range []int{1, 10} {
		far := func() eventlog.Log { return discard{memlog.New(memlog.Config{Partitions: partitions})} }
		b.Run(fmt.Sprintf("bare/records=%d", records), func(b *testing.B) { appendAll(b, far(), records) })
		b.Run(fmt.Sprintf("spool/records=%d", records), func(b *testing.B) { appendAll(b, before(b, far()), records) })
	}
}

func BenchmarkAppendKafka(b *testing.B) {
	c, err := kafkabroker.Start(b.Context(), b.TempDir(), 1)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	for i, name := range []string{"bare", "spool"} {
		for _, records := range []int{1, 10} {
			b.Run(fmt.Sprintf("%s/records=%d", name, records), func(b *testing.B) {
				cfg := kafkaConfig(c.Plain()[0], fmt.Sprintf("bench.%d.%d", i, records))
				cfg.AppendOnly = true
				far, err := kafkalog.Open(b.Context(), cfg, kafkalog.Deps{})
				if err != nil {
					b.Fatal(err)
				}
				if name == "bare" {
					defer func() { _ = far.Close() }()
					appendAll(b, far, records)
					return
				}
				appendAll(b, before(b, far), records)
			})
		}
	}
}

func BenchmarkAppendNear(b *testing.B) {
	for _, records := range []int{1, 10} {
		b.Run(fmt.Sprintf("records=%d", records), func(b *testing.B) {
			s := mustOpen(b, testConfig(), Deps{Near: openDisk(b), OpenFar: func(ctx context.Context) (eventlog.Log, error) {
				return nil, eventlog.ErrFull
			}}, plantNothing)
			defer func() { _ = s.Close() }()
			appendAll(b, s, records)
		})
	}
}

// BenchmarkForward forwards b.N appends of one event to a log in memory.
func BenchmarkForward(b *testing.B) {
	near := openDisk(b)
	s := mustOpen(b, testConfig(), Deps{Near: keptOpen{near}, OpenFar: func(context.Context) (eventlog.Log, error) {
		return nil, eventlog.ErrFull
	}}, plantNothing)
	for n := 0; n < b.N; n += 64 {
		done := make(chan error, 64)
		for i := range 64 {
			go func() { done <- s.Append(b.Context(), benchBatch(1, n+i)) }()
		}
		for range 64 {
			if err := <-done; err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	far := memlog.New(memlog.Config{Partitions: partitions})
	b.ResetTimer()
	s = mustOpen(b, testConfig(), Deps{Near: near, OpenFar: func(context.Context) (eventlog.Log, error) { return far, nil }}, plantNothing)
	await(b, "drain", drained(s))
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

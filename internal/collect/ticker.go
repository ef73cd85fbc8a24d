// ticker: moves the clocks of partitions in which nothing happens (S1).
package collect

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

// ticker appends a Tick to every partition that got no record for the interval.
type ticker struct {
	log      eventlog.Log
	interval time.Duration
	clock    func() time.Time
	logger   *slog.Logger
	cancel   context.CancelFunc
	done     sync.WaitGroup
	// ends are where the partitions ended at the last look, and quiet for how
	// many looks each has been there.
	ends  []event.Offset
	quiet []int
}

// looks is how often the ticker looks within an interval.
const looks = 4

func startTicker(interval time.Duration, log eventlog.Log, clock func() time.Time, logger *slog.Logger) *ticker {
	ctx, cancel := context.WithCancel(context.Background())
	t := &ticker{
		log: log, interval: interval, clock: clock, logger: logger, cancel: cancel,
		ends: make([]event.Offset, log.Partitions()), quiet: make([]int, log.Partitions()),
	}
	t.look()
	clear(t.quiet)
	t.done.Go(func() { t.run(ctx) })
	return t
}

func (t *ticker) stop() {
	t.cancel()
	t.done.Wait()
}

func (t *ticker) run(ctx context.Context) {
	clock := time.NewTicker(max(t.interval/looks, time.Millisecond))
	defer clock.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-clock.C:
			t.look()
			if err := t.tick(ctx); err != nil && ctx.Err() == nil {
				t.logger.Warn("tick was not appended", "error", err)
			}
		}
	}
}

// look sees which partitions have moved since the last look.
func (t *ticker) look() {
	for p := range t.ends {
		end := t.log.End(event.Partition(p))
		if t.quiet[p]++; end != t.ends[p] {
			t.ends[p], t.quiet[p] = end, 0
		}
	}
}

// tick appends to the partitions that were quiet for the interval.
func (t *ticker) tick(ctx context.Context) error {
	batch := eventlog.Batch{Essential: true}
	for p, quiet := range t.quiet {
		if quiet >= looks {
			batch.Records = append(batch.Records, eventlog.Record{Partition: event.Partition(p)})
		}
	}
	if len(batch.Records) == 0 {
		return nil
	}
	payload, err := (&event.Record{Kind: &event.Record_Tick{
		Tick: &event.Tick{IngestTime: int64(event.TimeOf(t.clock()))},
	}}).MarshalVT()
	if err != nil {
		return err
	}
	for i := range batch.Records {
		batch.Records[i].Payload = payload
	}
	return t.log.Append(ctx, &batch)
}

// Into: the same events straight into an event log, without HTTP.
package simulate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/property"
	"tidemark/internal/testkit/traffic"
)

// Log is what Into appends to; an eventlog.Log is one.
type Log interface {
	Partitions() int
	Append(ctx context.Context, b *eventlog.Batch) error
}

// intoBatch is how many events one append holds. More do not make it faster.
const intoBatch = 500

// Into appends the stream to a log as a collector would have: definitions first,
// counts with the records, IngestTime as the stream has it. Traffic must have an
// end. No server may use the log meanwhile.
func Into(ctx context.Context, cfg Config, log Log, properties []property.Property, deps Deps) (Totals, error) {
	if cfg.Traffic.Events == 0 && cfg.Traffic.Span == 0 {
		return Totals{}, errors.New("traffic without end cannot be appended: say how many events")
	}
	cfg.Traffic.Start = time.Now().Add(-cfg.Past)
	source, err := traffic.New(cfg.Traffic)
	if err != nil {
		return Totals{}, err
	}
	w := into{log: log, deps: deps}
	if err := w.define(ctx, properties, event.TimeOf(cfg.Traffic.Start)); err != nil {
		return w.totals, err
	}
	for {
		s, ok := source.Next()
		if !ok {
			return w.totals, w.flush(ctx)
		}
		if err := w.add(ctx, s); err != nil {
			return w.totals, err
		}
	}
}

type into struct {
	log    Log
	deps   Deps
	batch  eventlog.Batch
	sent   []traffic.Sent
	line   []byte
	totals Totals
}

func (w *into) define(ctx context.Context, properties []property.Property, ingest event.Time) error {
	for _, p := range properties {
		b, err := p.Definition(ingest).MarshalVT()
		if err != nil {
			return fmt.Errorf("encode definition of property %d: %w", p.ID, err)
		}
		for i := range w.log.Partitions() {
			w.batch.Records = append(w.batch.Records, eventlog.Record{Partition: event.Partition(i), Payload: b})
		}
	}
	return w.flush(ctx)
}

func (w *into) add(ctx context.Context, s traffic.Sent) error {
	b, err := (&event.Record{Kind: &event.Record_Event{Event: s.Event}}).MarshalVT()
	if err != nil {
		return fmt.Errorf("encode event: %w", err)
	}
	id := event.PropertyID(s.Event.Property)
	w.batch.Records = append(w.batch.Records, eventlog.Record{
		Partition: event.PartitionOf(id, s.Event.ClientId, w.log.Partitions()), Payload: b})
	w.batch.Counts = append(w.batch.Counts, eventlog.Count{Property: id, N: 1,
		Day: int32(s.Event.IngestTime / (24 * time.Hour).Microseconds())})
	w.sent = append(w.sent, s)
	if len(w.sent) < intoBatch {
		return nil
	}
	return w.flush(ctx)
}

func (w *into) flush(ctx context.Context) error {
	if err := w.log.Append(ctx, &w.batch); err != nil {
		return fmt.Errorf("append %d events: %w", len(w.sent), err)
	}
	for _, s := range w.sent {
		w.totals.Sent++
		if s.IsCopy {
			w.totals.Copies++
		}
		if s.IsBot {
			w.totals.Bots++
		}
		if w.deps.Record != nil {
			w.line = s.AppendRecord(w.line[:0])
			if _, err := w.deps.Record.Write(w.line); err != nil {
				return fmt.Errorf("write record: %w", err)
			}
		}
	}
	if w.deps.Progress != nil {
		w.deps.Progress(w.totals)
	}
	w.batch.Records, w.batch.Counts, w.sent = w.batch.Records[:0], w.batch.Counts[:0], w.sent[:0]
	return nil
}

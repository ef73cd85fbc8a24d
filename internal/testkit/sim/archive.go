// Archive: the whole log, also what the log itself has forgotten by now.
package sim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

// archive keeps the entries of each partition, and says so if one ever changes.
type archive struct {
	mu      sync.Mutex
	entries map[event.Partition]map[event.Offset][]byte
	broken  error
}

func newArchive() *archive {
	return &archive{entries: map[event.Partition]map[event.Offset][]byte{}}
}

func (a *archive) keep(p event.Partition, entries []eventlog.Entry) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.entries[p] == nil {
		a.entries[p] = map[event.Offset][]byte{}
	}
	for _, e := range entries {
		known, ok := a.entries[p][e.Offset]
		if ok && !bytes.Equal(known, e.Payload) && a.broken == nil {
			a.broken = fmt.Errorf("partition %d: the record at offset %d is another than before", p, e.Offset)
		}
		a.entries[p][e.Offset] = e.Payload
	}
}

// of returns what is known of a partition. A checkpoint may have the log forget more meanwhile.
func (a *archive) of(p event.Partition) map[event.Offset][]byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.entries[p])
}

// fault tells whether a record has changed.
func (a *archive) fault() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.broken
}

// forgetful is a log that tells the archive what it forgets. A machine whose power was
// cut is a ghost: what it still does never happened.
type forgetful struct {
	eventlog.Log
	archive *archive
	ghost   func() bool
}

// Truncate implements eventlog.Log.
func (f forgetful) Truncate(ctx context.Context, p event.Partition, before event.Offset) error {
	for next := f.Start(p); next < min(before, f.End(p)); {
		entries, err := f.Read(ctx, p, next, 1<<20, nil)
		if err != nil {
			return err
		}
		if len(entries) == 0 {
			break
		}
		if f.ghost() {
			return nil
		}
		f.archive.keep(p, entries)
		next = entries[len(entries)-1].Offset + 1
	}
	return f.Log.Truncate(ctx, p, before)
}

// errGhost: the power was cut while the log was read, so what was read may never have been.
var errGhost = errors.New("power was cut")

// history is what the log says, in the order of each partition.
type history struct {
	records []*event.Record // without what was erased
	events  []*event.Event  // all
}

// records reads the log from its first record on. What an erasure covers is replaced by
// ticks: time went on all the same.
func (w *world) records() (*history, error) {
	log := w.machine.product.Log
	seen := &history{}
	for i := range log.Partitions() {
		p := event.Partition(i)
		for next := log.Start(p); next < log.End(p); {
			entries, err := log.Read(w.ctx, p, next, 1<<20, nil)
			if errors.Is(err, eventlog.ErrTruncated) {
				next = log.Start(p) // a checkpoint was faster, and told the archive
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("read log: %w", err)
			}
			if w.machine.dead() {
				return nil, errGhost
			}
			w.archive.keep(p, entries)
			next = entries[len(entries)-1].Offset + 1
		}
		if err := seen.add(w.archive.of(p), log.End(p)); err != nil {
			return nil, fmt.Errorf("partition %d: %w", p, err)
		}
	}
	return seen, w.archive.fault()
}

func (h *history) add(entries map[event.Offset][]byte, end event.Offset) error {
	type client struct {
		property uint64
		id       string
	}
	first := len(h.records)
	for at := event.Offset(0); at < end; at++ {
		payload, ok := entries[at]
		if !ok {
			return fmt.Errorf("the record at offset %d is missing", at)
		}
		r := &event.Record{}
		if err := r.UnmarshalVT(payload); err != nil {
			return fmt.Errorf("decode record at offset %d: %w", at, err)
		}
		h.records = append(h.records, r)
		if e := r.GetEvent(); e != nil {
			h.events = append(h.events, e)
		}
	}
	last := map[client]int{} // index of the last erasure
	until := map[client]int64{}
	for i, r := range h.records[first:] {
		if e := r.GetErasure(); e != nil {
			c := client{e.Property, e.ClientId}
			last[c], until[c] = first+i, max(until[c], e.IngestTime)
		}
	}
	for i, r := range h.records[first:] {
		e := r.GetEvent()
		if e == nil {
			continue
		}
		c := client{e.Property, e.ClientId}
		if at, ok := last[c]; ok && (first+i < at || e.IngestTime <= until[c]) {
			h.records[first+i] = &event.Record{Kind: &event.Record_Tick{Tick: &event.Tick{IngestTime: e.IngestTime}}}
		}
	}
	return nil
}

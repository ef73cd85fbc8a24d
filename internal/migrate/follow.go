// Follow: records behind the commit point, each at the offset that it has (MG1).
package migrate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"golang.org/x/sync/errgroup"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

// followNow copies what is there at this moment. While events come, there is always more.
func (m *Mover) followNow(ctx context.Context) error {
	st, err := m.deps.Origin.Status(ctx)
	if err != nil {
		return err
	}
	return m.follow(ctx, func() bool {
		for p, end := range st.Ends {
			if p >= len(m.next) || m.next[p] < end {
				return false
			}
		}
		return true
	})
}

// follow copies until it is enough.
func (m *Mover) follow(ctx context.Context, enough func() bool) error {
	if err := m.findEnd(ctx); err != nil {
		return err
	}
	first := uint64(0)
	for {
		st, err := m.deps.Origin.Status(ctx)
		if err != nil {
			return err
		}
		lag, err := m.lag(st.Ends)
		if err != nil {
			return err
		}
		first = max(first, lag)
		m.deps.Progress("log", 1-float64(lag)/float64(max(first, 1)))
		if enough() {
			return nil
		}
		if lag == 0 {
			if err := m.deps.Origin.Wait(ctx, m.next); err != nil {
				return err
			}
			continue
		}
		if err := m.copyRound(ctx, st.Ends); err != nil {
			return err
		}
	}
}

// lag is how many records are not copied yet.
func (m *Mover) lag(ends []event.Offset) (n uint64, err error) {
	if len(ends) != len(m.next) {
		return 0, fmt.Errorf("the installation's log has %d partitions, and had %d: %w", len(ends), len(m.next), ErrRefused)
	}
	for p, end := range ends {
		if m.next[p] > end {
			return 0, fmt.Errorf("partition %d of the cluster's log ends at %d, behind the installation's, which ends at %d: %w", p, m.next[p], end, ErrForeign)
		}
		n += uint64(end - m.next[p])
	}
	return n, nil
}

// findEnd finds out how far copies have come: the end of the target's log. Its last record must be the origin's.
func (m *Mover) findEnd(ctx context.Context) error {
	meta := m.commit.Meta()
	m.next = m.next[:0]
	for p := range meta.Partitions {
		id := event.Partition(p)
		end := m.target.Log.End(id)
		m.next = append(m.next, end)
		if end < meta.Partitions[p].Next {
			return fmt.Errorf("partition %d of the cluster's log ends at %d, before the commit point, %d: %w", p, end, meta.Partitions[p].Next, ErrForeign)
		}
		if end == meta.Partitions[p].Next || end == m.target.Log.Start(id) {
			continue
		}
		ours, err := m.target.Log.Read(ctx, id, end-1, 1, nil)
		if err != nil {
			return err
		}
		theirs, err := m.deps.Origin.Read(ctx, id, end-1, 1)
		if errors.Is(err, eventlog.ErrTruncated) {
			continue // the origin has forgotten it
		}
		if err != nil {
			return err
		}
		if err := same(id, ours, theirs); err != nil {
			return err
		}
	}
	return nil
}

// same compares what is in the target with what is in the origin, where both have something.
func same(p event.Partition, ours, theirs []eventlog.Entry) error {
	for i := range ours {
		if i >= len(theirs) || ours[i].Offset != theirs[i].Offset || !bytes.Equal(ours[i].Payload, theirs[i].Payload) {
			return fmt.Errorf("record %d of partition %d is not the installation's: %w", ours[i].Offset, p, ErrForeign)
		}
	}
	return nil
}

// copyRound copies some of each partition that has more, and reads it back.
func (m *Mover) copyRound(ctx context.Context, ends []event.Offset) error {
	portions := make([][]eventlog.Entry, len(ends))
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for p, end := range ends {
		if m.next[p] >= end {
			continue
		}
		group.Go(func() (err error) {
			portions[p], err = m.deps.Origin.Read(gctx, event.Partition(p), m.next[p], m.cfg.ReadBytes)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("read the installation's log: %w", err)
	}
	b := &eventlog.Batch{}
	after := slices.Clone(m.next)
	for p, entries := range portions {
		for _, e := range entries {
			if e.Offset != after[p] {
				return fmt.Errorf("the installation's partition %d gives record %d where %d is next: %w", p, e.Offset, after[p], eventlog.ErrCorrupt)
			}
			after[p]++
			if err := put(b, event.Partition(p), e.Payload); err != nil {
				return fmt.Errorf("record %d of partition %d: %w", e.Offset, p, err)
			}
		}
	}
	if err := m.step("append records"); err != nil {
		return err
	}
	if err := m.target.Log.Append(ctx, b); err != nil {
		return fmt.Errorf("copy %d records: %w", len(b.Records), err)
	}
	if err := m.step("read back"); err != nil {
		return err
	}
	return m.readBack(ctx, portions, after)
}

// put adds a record to b. An event counts as accepted where it is.
func put(b *eventlog.Batch, p event.Partition, payload []byte) error {
	b.Records = append(b.Records, eventlog.Record{Partition: p, Payload: payload})
	var r event.Record
	if err := r.UnmarshalVT(payload); err != nil {
		return fmt.Errorf("decode: %w: %w", eventlog.ErrCorrupt, err)
	}
	if e := r.GetEvent(); e != nil {
		b.Counts = append(b.Counts, eventlog.Count{Property: event.PropertyID(e.Property), Day: dayOf(event.Time(e.IngestTime)), N: 1,
			Partition: p, Record: len(b.Records)})
	}
	return nil
}

// readBack makes sure that what was appended is where it belongs, and nothing else came in between.
func (m *Mover) readBack(ctx context.Context, portions [][]eventlog.Entry, after []event.Offset) error {
	for p, entries := range portions {
		id, next := event.Partition(p), m.next[p]
		if err := m.awaitEnd(ctx, id, after[p]); err != nil {
			return err
		}
		for len(entries) > 0 {
			ours, err := m.target.Log.Read(ctx, id, next, m.cfg.ReadBytes, nil)
			if err != nil {
				return err
			}
			ours = ours[:min(len(ours), len(entries))]
			if len(ours) == 0 {
				return fmt.Errorf("record %d of partition %d is not there: %w", next, p, ErrForeign)
			}
			if err := same(id, ours, entries); err != nil {
				return err
			}
			entries, next = entries[len(ours):], next+event.Offset(len(ours))
		}
		if end := m.target.Log.End(id); end != after[p] {
			return fmt.Errorf("partition %d of the cluster's log ends at %d, not at %d: %w", p, end, after[p], ErrForeign)
		}
		m.next[p] = after[p]
	}
	return nil
}

// awaitEnd waits until the target's log knows that it reaches end.
func (m *Mover) awaitEnd(ctx context.Context, p event.Partition, end event.Offset) error {
	if end == 0 || m.target.Log.End(p) >= end {
		return nil
	}
	ends := make([]event.Offset, m.target.Log.Partitions())
	for i := range ends {
		ends[i] = math.MaxUint64
	}
	ends[p] = end - 1
	return m.target.Log.Wait(ctx, ends)
}

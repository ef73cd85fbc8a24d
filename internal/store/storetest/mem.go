// Mem: a store of Go structs that keeps the contract.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

var _ store.Store = (*Mem)(nil)

// Mem is a store in memory. Its segments are on a Disk that outlives it.
type Mem struct {
	disk *Disk

	mu       sync.Mutex
	closed   bool
	manifest store.Manifest
	heads    []*memHead // the last one is open
	nextHead store.Head
}

// Disk keeps the segments that Mem wrote, so that a store can be opened again.
type Disk struct {
	mu   sync.Mutex
	last uint64
	rows map[uint64]tableRows
}

type memHead struct {
	id   store.Head
	rows tableRows
}

// tableRows are rows of any table; a segment has rows of one.
type tableRows struct {
	events   []store.EventRow
	sessions []store.SessionRow
	aliases  []store.AliasRow
	finals   []joined // FinalEvents; final sessions are in sessions
}

// NewDisk returns an empty disk.
func NewDisk() *Disk { return &Disk{rows: map[uint64]tableRows{}} }

// NewMem returns an empty store on a disk of its own.
func NewMem() *Mem {
	m, err := OpenMem(NewDisk(), store.Manifest{})
	if err != nil {
		panic("BUG: an empty manifest names a missing segment: " + err.Error())
	}
	return m
}

// OpenMem opens a store of the segments of m on d.
func OpenMem(d *Disk, m store.Manifest) (*Mem, error) {
	s := &Mem{disk: d, manifest: clone(m), heads: []*memHead{{id: 1}}, nextHead: 2}
	for _, seg := range m.Segments {
		if _, ok := d.read(seg.ID); !ok {
			return nil, fmt.Errorf("segment %s is missing", seg.File)
		}
	}
	return s, nil
}

func (d *Disk) read(id uint64) (tableRows, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	rows, ok := d.rows[id]
	return rows, ok
}

// write stores rows of one table as a segment.
func (d *Disk) write(t store.Table, rows tableRows) store.Segment {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last++
	d.rows[d.last] = rows
	seg := store.Segment{ID: d.last, Table: t, File: fmt.Sprintf("%s-%d", t, d.last)}
	add := func(p event.PropertyID, at, needed event.Time) {
		if seg.Rows++; seg.Rows == 1 {
			seg.MinTime, seg.MaxTime, seg.LastNeeded = at, at, needed
			seg.MinProperty, seg.MaxProperty = p, p
		}
		seg.MinTime, seg.MaxTime = min(seg.MinTime, at), max(seg.MaxTime, at)
		seg.LastNeeded = max(seg.LastNeeded, needed)
		seg.MinProperty, seg.MaxProperty = min(seg.MinProperty, p), max(seg.MaxProperty, p)
	}
	for _, r := range rows.events {
		add(r.Property, r.EventTime, r.EventTime)
	}
	for _, r := range rows.sessions {
		add(r.Property, r.Start, r.End)
	}
	for _, r := range rows.aliases {
		add(r.Property, r.Time, r.Time)
	}
	for _, r := range rows.finals {
		add(r.event.Property, r.event.EventTime, r.event.EventTime)
	}
	return seg
}

func clone(m store.Manifest) store.Manifest {
	return store.Manifest{Segments: slices.Clone(m.Segments), FinalUntil: maps.Clone(m.FinalUntil),
		DayVersion: maps.Clone(m.DayVersion), Rollups: maps.Clone(m.Rollups), Kept: maps.Clone(m.Kept)}
}

// Append implements store.Store.
func (s *Mem) Append(_ context.Context, b *store.Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errors.New("store is closed")
	}
	rows := &s.heads[len(s.heads)-1].rows
	rows.events = append(rows.events, b.Events...)
	rows.sessions = append(rows.sessions, b.Sessions...)
	rows.aliases = append(rows.aliases, b.Aliases...)
	return nil
}

// Seal implements store.Store.
func (s *Mem) Seal(context.Context) (store.Head, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sealed := s.heads[len(s.heads)-1].id
	s.heads = append(slices.Clone(s.heads), &memHead{id: s.nextHead})
	s.nextHead++
	return sealed, nil
}

// WriteSegments implements store.Store.
func (s *Mem) WriteSegments(_ context.Context, id store.Head) ([]store.Segment, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.heads[:len(s.heads)-1] {
		if h.id == id {
			return s.disk.writeYoung(h.rows), nil
		}
	}
	return nil, fmt.Errorf("head %d is not a sealed head", id)
}

func (d *Disk) writeYoung(rows tableRows) []store.Segment {
	var out []store.Segment
	if len(rows.events) > 0 {
		out = append(out, d.write(store.YoungEvents, tableRows{events: rows.events}))
	}
	if len(rows.sessions) > 0 {
		out = append(out, d.write(store.YoungSessions, tableRows{sessions: rows.sessions}))
	}
	if len(rows.aliases) > 0 {
		out = append(out, d.write(store.YoungAliases, tableRows{aliases: rows.aliases}))
	}
	return out
}

// Install implements store.Store.
func (s *Mem) Install(_ context.Context, m store.Manifest, heads ...store.Head) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var kept []*memHead
	for i, h := range s.heads {
		if i == len(s.heads)-1 || !slices.Contains(heads, h.id) {
			kept = append(kept, h)
		}
	}
	if len(kept)+len(heads) != len(s.heads) {
		return fmt.Errorf("heads %v: not all are sealed heads", heads)
	}
	s.manifest, s.heads = clone(m), kept
	return nil
}

// Close implements store.Store.
func (s *Mem) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

// Snapshot implements store.Store.
func (s *Mem) Snapshot(context.Context) (store.Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errors.New("store is closed")
	}
	sn := &memSnapshot{manifest: s.manifest}
	for _, h := range s.heads {
		sn.parts = append(sn.parts, part{rows: h.rows})
	}
	for _, seg := range s.manifest.Segments {
		rows, _ := s.disk.read(seg.ID)
		sn.parts = append(sn.parts, part{table: seg.Table, rows: rows})
	}
	return sn, nil
}

// part is a head or a segment. Its slices never change: Append only adds
// behind their ends.
type part struct {
	table store.Table // "" for a head
	rows  tableRows
	// instead, if set, says that the rows are final ones that take the place of all others.
	instead *instead
}

type memSnapshot struct {
	manifest store.Manifest
	parts    []part
}

// Manifest implements store.Snapshot.
func (sn *memSnapshot) Manifest() store.Manifest { return clone(sn.manifest) }

// Release implements store.Snapshot.
func (sn *memSnapshot) Release() {}

// Run implements store.Snapshot.
func (sn *memSnapshot) Run(ctx context.Context, p *store.Plan) (*store.Rows, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := check(p); err != nil {
		return nil, err
	}
	if err := sn.manifest.CheckRows(p); err != nil {
		return nil, err
	}
	if from, to, rows, ok := sn.manifest.KeptDays(p); ok && p.From < p.To {
		return sn.evaluateKept(p, from, to, rows)
	}
	return evaluate(p, resolve(sn.parts, sn.manifest, p.Property))
}

// RollUp implements store.Store: Mem answers from rows always.
func (m *Mem) RollUp(context.Context, store.Manifest, []store.RollupSpan) (*store.Change, error) {
	return nil, nil
}

// Drafts: what final rows and cells of a property's young days would be, had they been
// made at some moment. Reports of the last days then read cells, as those of final days do,
// and put right what has changed since (docs/design/0010).
//
// A draft is memory and scratch files of this process. No manifest names it, and losing it
// costs time only. Whatever a row says of a client, it says in rows of that client: so an
// answer is what the draft's cells say, less what its rows say of the clients of whom
// rows came since, plus what all rows say of these clients now.
package duckstore

import (
	"context"
	"math"
	"slices"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

const (
	// A property's next draft is begun at the earliest after so many times as long as the last one
	// took, or so long after one that failed.
	draftPause        = 20
	draftPauseFailure = 10 * time.Minute
	// maxDrafts bounds the files of drafts: some 50 bytes a young event each.
	maxDrafts = 8
	// Touched clients are put right one by one. A draft is made anew when there are more than
	// one in touchedShare events, and not used any more from twice as many on.
	touchedShare = 200
	fewTouched   = 500
	// maxTouched bounds the clients noted while a draft is being made (D8).
	maxTouched = 1 << 20
)

// draft is of one property. Fields after the gap are guarded by Store.mu.
type draft struct {
	property event.PropertyID
	zone     string
	until    event.Time // FinalUntil when it was made; lowest time if there was none
	from, to event.Time // what it covers
	seen     uint64     // batches appended before it
	manifest *store.Manifest

	touched map[uint64]struct{} // clients of whom rows came since, or lay in heads
	most    int                 // of them until it is stale
	ready   bool
	broken  bool // it must not be used any more
	used    uint64
	refs    int // readers, and the store's own
}

// drafts are those of a store; guarded by Store.mu.
type drafts struct {
	// For tests: drafts are made at once, and used whatever was touched; answered is told of how many
	// clients an answer was put right.
	eager    bool
	answered func(touched int)
	of       map[event.PropertyID]*draft
	pause    map[event.PropertyID]time.Time // no draft is begun before
	building *draft                         // not in of yet
	clock    uint64                         // of uses
	// erasing are the segments that erasures take away, by property, until a manifest names none of
	// them; nil while that is not known yet.
	erasing map[event.PropertyID][]uint64
}

func newDrafts() drafts {
	return drafts{of: map[event.PropertyID]*draft{}, pause: map[event.PropertyID]time.Time{},
		erasing: map[event.PropertyID][]uint64{}}
}

// finalUntil is the lowest time where nothing is final.
func finalUntil(m *store.Manifest, p event.PropertyID) event.Time {
	if t, ok := m.FinalUntil[p]; ok {
		return t
	}
	return math.MinInt64
}

// draftable tells whether a draft could answer for young days of p, which covers them from
// the first on, so that its zone is known over all of them.
func (sn *snapshot) draftable(p *store.Plan) bool {
	if _, ok := store.RollupFor(p); !ok || p.ZoneName == "" {
		return false
	}
	until := finalUntil(sn.view.manifest, p.Property)
	if p.To <= until {
		return false
	}
	_, ok := store.DayStart(max(until, p.From), p.Zone)
	_, ends := store.DayStart(p.To, p.Zone)
	return ok && ends
}

// takeDraft returns the draft that can help to answer p as sn sees it, and the clients to put
// right; nil if there is none. release lets its files go.
func (sn *snapshot) takeDraft(p *store.Plan) (d *draft, touched []uint64, release func()) {
	s := sn.s
	s.mu.Lock()
	defer s.mu.Unlock()
	d = s.drafts.of[p.Property]
	if d == nil || !d.ready || d.broken || d.zone != p.ZoneName || sn.seen < d.seen || p.To <= d.from || p.From >= d.to ||
		d.until != finalUntil(sn.view.manifest, p.Property) {
		return nil, nil, nil
	}
	s.drafts.clock++
	d.used = s.drafts.clock
	d.refs++
	touched = make([]uint64, 0, len(d.touched))
	for c := range d.touched {
		touched = append(touched, c)
	}
	return d, touched, func() { s.releaseDraft(d) }
}

// releaseDraft gives up a reader's reference.
func (s *Store) releaseDraft(d *draft) {
	s.mu.Lock()
	g := s.unrefDraft(d)
	s.mu.Unlock()
	if err := s.destroy(g); err != nil {
		s.log.Error("cannot delete files of a draft", "error", err)
	}
}

// forgetDraft takes a draft out of use and gives up the store's own reference. Store.mu is held.
func (s *Store) forgetDraft(d *draft) garbage {
	d.broken, d.touched = true, nil
	if s.drafts.of[d.property] == d {
		delete(s.drafts.of, d.property)
	}
	return s.unrefDraft(d)
}

// unrefDraft gives up a reference. Store.mu is held.
func (s *Store) unrefDraft(d *draft) garbage {
	if d.refs--; d.refs > 0 || d.manifest == nil {
		return garbage{}
	}
	files := make([]string, 0, len(d.manifest.Segments))
	for _, seg := range d.manifest.Segments {
		files = append(files, seg.File)
	}
	return s.releaseLocked(files, nil)
}

// crowded tells whether there are too many clients to put right: then rows are faster, and to
// remember more of them would cost memory for nothing (D8).
func (ds *drafts) crowded(d *draft) bool {
	limit := maxTouched
	if d.manifest != nil {
		limit = 2 * d.most
	}
	return !ds.eager && len(d.touched) > limit
}

// touch notes of whom b has rows, for every draft, and forgets those that are of no use any
// more. A row that does not say of whom it is spoils the draft of its property. Store.mu is held.
func (s *Store) touch(b *store.Batch) (g garbage) {
	for _, d := range s.drafts.all() {
		d.touch(b)
		switch spoiled := d.broken || s.drafts.crowded(d); {
		case spoiled && d == s.drafts.building:
			d.broken = true
		case spoiled:
			g.files = append(g.files, s.forgetDraft(d).files...)
		}
	}
	return g
}

func (d *draft) touch(b *store.Batch) {
	if !d.broken {
		sessions := map[event.RowID]bool{}
		for i := range b.Events {
			if e := &b.Events[i]; e.Property == d.property {
				d.touched[uint64(e.Client)] = struct{}{}
			}
		}
		for i := range b.Sessions {
			if r := &b.Sessions[i]; r.Property == d.property {
				d.touched[uint64(r.Client)] = struct{}{}
				d.broken = d.broken || r.Client == 0
				sessions[r.Session] = true
			}
		}
		for i := range b.Aliases {
			if a := &b.Aliases[i]; a.Property == d.property && !sessions[a.Session] {
				d.broken = true
			}
		}
	}
}

func (ds *drafts) all() []*draft {
	out := make([]*draft, 0, len(ds.of)+1)
	for _, d := range ds.of {
		out = append(out, d)
	}
	if ds.building != nil {
		out = append(out, ds.building)
	}
	return out
}

// eraseDrafts forgets drafts of properties of whose rows some are to go (S30): now, and when
// the rows have gone, for one could be made in between. The segments that go are told to gone.
func (s *Store) eraseDrafts(of []store.Erasure) (gone func(*store.Erased)) {
	s.mu.Lock()
	for _, e := range of {
		s.drafts.erasing[e.Property] = nil
	}
	g := s.breakErased()
	s.mu.Unlock()
	if err := s.destroy(g); err != nil {
		s.log.Error("cannot delete files of a draft", "error", err)
	}
	return func(out *store.Erased) {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, e := range of {
			if out == nil {
				delete(s.drafts.erasing, e.Property)
			} else {
				s.drafts.erasing[e.Property] = out.Removed
			}
		}
	}
}

// breakErased forgets the drafts of properties that are being erased, and the erasures
// that the manifest is rid of. Store.mu is held.
func (s *Store) breakErased() garbage {
	var g garbage
	for p, removed := range s.drafts.erasing {
		if d := s.drafts.of[p]; d != nil {
			g.files = append(g.files, s.forgetDraft(d).files...)
		}
		if d := s.drafts.building; d != nil && d.property == p {
			d.broken = true
		}
		if removed != nil && !slices.ContainsFunc(s.manifest.Segments, func(seg store.Segment) bool {
			return slices.Contains(removed, seg.ID)
		}) {
			delete(s.drafts.erasing, p)
		}
	}
	return g
}

// wantDraft sees that the next question like p, which took so long, finds a draft.
func (sn *snapshot) wantDraft(p *store.Plan, took time.Duration, had *draft) {
	s := sn.s
	s.mu.Lock()
	stale := had != nil && len(had.touched) > had.most
	want := !s.drafts.eager && s.cfg.DraftAfter >= 0 && s.drafts.building == nil &&
		(stale || (had == nil && took >= s.cfg.DraftAfter)) && time.Now().After(s.drafts.pause[p.Property])
	s.mu.Unlock()
	if !want || !sn.draftable(p) {
		return
	}
	leave, err := s.enter()
	if err != nil {
		return
	}
	go func() {
		defer leave()
		ctx, cancel := s.whileOpen(context.Background())
		defer cancel()
		if err := s.makeDraft(ctx, p); err != nil && ctx.Err() == nil {
			s.log.Warn("young days are read from rows: no draft could be made", "property", p.Property, "error", err)
		}
	}()
}

// Snapshots: one state of the store, held until Release (T2).
package duckstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"tidemark/internal/store"
)

var _ store.Snapshot = (*snapshot)(nil)

type snapshot struct {
	s       *Store
	view    view
	seen    uint64 // batches appended before it
	files   []string
	heads   []*head
	release sync.Once
}

// Snapshot implements store.Store.
func (s *Store) Snapshot(context.Context) (store.Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	return s.snapshotLocked(), nil
}

// snapshotLocked is Snapshot for those who hold Store.mu.
func (s *Store) snapshotLocked() *snapshot {
	sn := &snapshot{s: s, seen: s.appends, view: view{dir: s.cfg.Dir, manifest: s.manifest}}
	for _, h := range s.heads {
		h.refs++
		sn.heads = append(sn.heads, h)
		sn.view.heads = append(sn.view.heads, headView{head: h, rows: h.rows, bounds: h.low})
	}
	for i := range s.manifest.Segments {
		name := s.manifest.Segments[i].File
		s.segments[name].refs++
		sn.files = append(sn.files, name)
	}
	return sn
}

// Manifest implements store.Snapshot.
func (sn *snapshot) Manifest() store.Manifest { return cloneManifest(*sn.view.manifest) }

// Release implements store.Snapshot.
func (sn *snapshot) Release() {
	sn.release.Do(func() {
		sn.s.mu.Lock()
		g := sn.s.releaseLocked(sn.files, sn.heads)
		if !sn.s.closed {
			sn.s.busy.Add(1)
			defer sn.s.busy.Done()
		}
		sn.s.mu.Unlock()
		if err := sn.s.destroy(g); err != nil {
			sn.s.log.Error("cannot remove what no snapshot reads any more", "error", err)
		}
	})
}

// Run implements store.Snapshot.
func (sn *snapshot) Run(ctx context.Context, p *store.Plan) (*store.Rows, error) {
	leave, err := sn.s.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	ctx, cancel := sn.s.whileOpen(ctx)
	defer cancel()
	ctx, cancelTimeout := context.WithTimeoutCause(ctx, sn.s.cfg.QueryTimeout,
		fmt.Errorf("%w: it ran longer than %v", store.ErrResources, sn.s.cfg.QueryTimeout))
	defer cancelTimeout()
	began := time.Now()
	rows, err := sn.run(ctx, p)
	sn.s.tel.observe(p.Relation, time.Since(began), err)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil && errors.Is(err, ctx.Err()) {
			err = cause
		}
		return nil, fmt.Errorf("run plan of property %d: %w", p.Property, err)
	}
	return rows, nil
}

func (sn *snapshot) run(ctx context.Context, p *store.Plan) (*store.Rows, error) {
	if _, err := sn.s.dialect.render(p, &sn.view); err != nil {
		return nil, err
	}
	if p.To <= p.From {
		return emptyAnswer(p), nil
	}
	if err := sn.view.manifest.CheckRows(p); err != nil {
		return nil, err
	}
	key, known := sn.key(p)
	if known {
		if rows, ok := sn.s.answers.recall(key); ok {
			sn.s.tel.recalled.Inc()
			return rows, nil
		}
	}
	free, err := sn.s.slots.take(ctx, p.Property)
	if err != nil {
		return nil, err
	}
	defer free()
	began := time.Now()
	rows, err := sn.admitted(ctx, p)
	if err != nil && errors.Is(err, store.ErrResources) && !errors.Is(err, errCrowding) &&
		ctx.Err() == nil && sn.s.pressure.makeRoom(ctx, began) {
		rows, err = sn.admitted(ctx, p)
	}
	if err != nil {
		return nil, err
	}
	if known {
		sn.s.answers.remember(key, rows)
	}
	return rows, nil
}

// admitted answers p.
func (sn *snapshot) admitted(ctx context.Context, p *store.Plan) (*store.Rows, error) {
	ctx, done := sn.s.pressure.admit(ctx)
	defer done()
	if err := sn.s.verifyBeforeUse(ctx, sn.view.manifest, p); err != nil {
		return nil, err
	}
	rows, err := sn.answer(ctx, p)
	if cause := context.Cause(ctx); err != nil && errors.Is(cause, errCrowding) {
		err = cause
	}
	return rows, err
}

// answer answers p from cells where there are any, and from rows.
func (sn *snapshot) answer(ctx context.Context, p *store.Plan) (*store.Rows, error) {
	draftable := sn.draftable(p)
	if draftable && sn.s.drafts.eager {
		if err := sn.s.draftNow(ctx, sn, p); err != nil {
			return nil, err
		}
	}
	if draftable {
		if rows, err := sn.runDraft(ctx, p); rows != nil || err != nil {
			return rows, err
		}
	}
	began := time.Now()
	var rows *store.Rows
	var err error
	if s, ok := splitPlan(p, sn.view.manifest); ok {
		rows, err = (&rolled{sn: sn, p: p, s: s}).run(ctx)
	} else {
		rows, err = sn.runRows(ctx, p)
	}
	if err == nil && draftable {
		sn.wantDraft(p, time.Since(began), nil)
	}
	return rows, err
}

// runRows answers p from rows alone.
func (sn *snapshot) runRows(ctx context.Context, p *store.Plan) (*store.Rows, error) {
	return sn.runRowsOf(ctx, p, &sn.view)
}

// runRowsOf answers p from the rows of a view.
func (sn *snapshot) runRowsOf(ctx context.Context, p *store.Plan, v *view) (*store.Rows, error) {
	st, err := sn.s.dialect.render(p, v)
	if err != nil {
		return nil, err
	}
	rows := &store.Rows{}
	err = sn.s.reader.run(ctx, st.sql, func(res *result) error {
		return appendRows(rows, res, st, p.MaxRows)
	})
	if err != nil {
		return nil, err
	}
	return rows, nil
}

// emptyAnswer is the answer over no time at all.
func emptyAnswer(p *store.Plan) *store.Rows {
	if len(p.Dimensions) > 0 {
		return &store.Rows{}
	}
	return &store.Rows{Dimensions: [][]string{{}}, Aggregates: [][]int64{make([]int64, len(p.Aggregates))}}
}

// appendRows appends a chunk of an answer.
func appendRows(rows *store.Rows, res *result, st *statement, maxRows int) error {
	for i := range res.rows {
		if maxRows > 0 && len(rows.Dimensions) == maxRows {
			return store.ErrTooManyRows
		}
		dims := dimsOf(res, st.dims, i)
		aggs := make([]int64, st.aggs)
		for c := range aggs {
			aggs[c] = res.int64(len(dims)+c, i)
		}
		rows.Dimensions = append(rows.Dimensions, dims)
		rows.Aggregates = append(rows.Aggregates, aggs)
	}
	return nil
}

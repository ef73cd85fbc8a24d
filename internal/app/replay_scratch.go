// Scratch: the rows of ClickHouse that a replay reads, in a store of its own directory.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/replay"
	"tidemark/internal/report"
	"tidemark/internal/store"
	"tidemark/internal/store/duckstore"
)

const (
	// around is more than the engine folds before and after the days that are ordered, in any zone.
	around = 8 * 24 * time.Hour
	// pieceRows is about how many rows a file has on its way; a day is never cut.
	pieceRows = 2_000_000
	// pieceDays is how many days a file has at most.
	pieceDays = 32
	oneDay    = event.Time(24 * time.Hour / time.Microsecond)
)

// scratch has the rows behind final days as final ones, too. Only final is what is final in the cluster.
type scratch struct {
	*duckstore.Store
	until, earliest event.Time
	isThere         bool // a final row
	rowsFrom        event.Time
	isDropped       bool
}

// Archive implements store.Store.
func (s *scratch) Archive(ctx context.Context, p event.PropertyID) (store.Archive, error) {
	a, err := s.Store.Archive(ctx, p)
	return &scratchArchive{a, s}, err
}

type scratchArchive struct {
	store.Archive
	s *scratch
}

// FinalUntil implements store.Archive.
func (a *scratchArchive) FinalUntil() (event.Time, bool) { return a.s.until, true }

// RowsFrom implements store.Archive.
func (a *scratchArchive) RowsFrom() (event.Time, bool) { return a.s.rowsFrom, a.s.isDropped }

// Earliest implements store.Archive.
func (a *scratchArchive) Earliest(context.Context) (event.Time, bool, error) {
	return a.s.earliest, a.s.isThere, nil
}

// reading fills a scratch.
type reading struct {
	r        *sharedReplay
	s        *scratch
	id       event.PropertyID
	segments []store.Segment
	files    int
}

// read fetches what the engine will ask for: all sessions up to the end, since they tell what clients were; events around the
// days that are ordered; and what is young behind final days, as it would be if these days were final now.
func (r *sharedReplay) read(ctx context.Context) (_ *scratch, err error) {
	id := r.order.Now.ID
	e, err := r.click.Export(ctx, id)
	if err != nil {
		return nil, err
	}
	defer e.Release()
	r.was = e.(store.YoungExport).Manifest()
	state, isFinal := e.State()
	if !isFinal {
		return nil, fmt.Errorf("replay property %s: %w", id, replay.ErrNotFinal)
	}
	s := &scratch{until: state.Until}
	if s.rowsFrom, s.isDropped = r.was.RowsFrom(id); s.isDropped {
		return nil, fmt.Errorf("replay property %s: %w", id, &replay.GoneError{RowsFrom: s.rowsFrom})
	}
	if s.earliest, s.isThere, err = e.FirstRow(ctx, math.MinInt64); err != nil {
		return nil, err
	}
	cfg := r.serving.Config.Duck()
	cfg.Dir = filepath.Join(r.dir, "rows")
	if s.Store, err = duckstore.Open(cfg, store.Manifest{}, duckstore.Deps{Logger: r.serving.Logger}); err != nil {
		return nil, err
	}
	x := &reading{r: r, s: s, id: id}
	if err := x.run(ctx, e.(store.YoungExport)); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (x *reading) run(ctx context.Context, first store.YoungExport) error {
	from, to := startOf(x.r.order.From).Add(-around), startOf(x.r.order.To).Add(around+24*time.Hour)
	to = min(to, x.s.until.Add(around))
	// Young rows first: they are there for as long as the export may be held.
	if err := x.young(ctx, first, to); err != nil {
		return err
	}
	if err := x.final(ctx, store.FinalEvents, max(from, x.s.earliest), min(to, x.s.until)); err != nil {
		return err
	}
	if err := x.final(ctx, store.FinalSessions, x.s.earliest, min(to, x.s.until)); err != nil {
		return err
	}
	m := (&store.Manifest{}).Clone()
	m.Segments, m.FinalUntil[x.id] = x.segments, max(x.s.until, to)
	return x.s.Install(ctx, m)
}

func startOf(d report.Day) event.Time {
	return event.TimeOf(time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC))
}

func (x *reading) young(ctx context.Context, e store.YoungExport, to event.Time) error {
	if to <= x.s.until {
		return nil
	}
	for _, t := range []store.Table{store.FinalEvents, store.FinalSessions} {
		files, err := e.WriteYoung(ctx, t, x.s.until, to)
		if err != nil {
			return err
		}
		for _, f := range files {
			err = errors.Join(err, x.take(ctx, t, f))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// final fetches final rows. Each file is of an export of its own, which is not held for long: the switch will say if days have
// changed in between.
func (x *reading) final(ctx context.Context, t store.Table, from, to event.Time) error {
	e, err := x.r.click.Export(ctx, x.id)
	if err != nil {
		return err
	}
	defer func() { e.Release() }()
	return pieces(ctx, e, t, from, to, func(lo, hi event.Time, _ int64) error {
		x.r.progress("reading", float64(lo-from)/float64(max(to-from, 1)))
		fresh, err := x.r.click.Export(ctx, x.id)
		if err != nil {
			return err
		}
		defer fresh.Release()
		f, err := fresh.Write(ctx, t, lo, hi)
		if err != nil || f == nil {
			return err
		}
		return x.take(ctx, t, f)
	})
}

// take makes segments of a file's rows, and closes it.
func (x *reading) take(ctx context.Context, t store.Table, f *os.File) (err error) {
	defer func() { err = errors.Join(err, f.Close()) }()
	dir, err := x.s.ImportDir()
	if err != nil {
		return err
	}
	// Names are not used again: the engine remembers what it knows of a file by its name.
	x.files++
	path := filepath.Join(dir, fmt.Sprintf("in-%d.parquet", x.files))
	copied, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(copied, f)
	if err := errors.Join(err, copied.Close()); err != nil {
		return fmt.Errorf("fetch rows: %w", err)
	}
	segs, err := x.s.Import(ctx, x.id, t, []string{path})
	x.segments = append(x.segments, segs...)
	return errors.Join(err, os.Remove(path))
}

// pieces cuts [from, to) into spans of whole days with rows of a table, none with many more than pieceRows unless it is
// one day.
func pieces(ctx context.Context, e store.Export, t store.Table, from, to event.Time, yield func(lo, hi event.Time, rows int64) error) error {
	days := event.Time(pieceDays)
	for from < to {
		first, found, err := e.FirstRow(ctx, from)
		if err != nil || !found {
			return err
		}
		if from = max(from, first); from >= to {
			break
		}
		n, err := e.Count(ctx, t, from, min(to, from+days*oneDay))
		for err == nil && n > pieceRows && days > 1 {
			days /= 2
			n, err = e.Count(ctx, t, from, min(to, from+days*oneDay))
		}
		if err != nil {
			return err
		}
		hi := min(to, from+days*oneDay)
		if n > 0 {
			if err := yield(from, hi, n); err != nil {
				return err
			}
		}
		if from = hi; n < pieceRows/4 {
			days = min(2*days, pieceDays)
		}
	}
	return nil
}

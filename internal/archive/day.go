// Day: one edition of one range, from the source's rows to the entry that names them.
package archive

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"time"

	"tidemark/internal/blob"
	"tidemark/internal/event"
	"tidemark/internal/store"
	"tidemark/internal/window"
)

// work is the comparison of one property's archive with its pinned final rows.
type work struct {
	*Archiver
	property event.PropertyID
	final    *Final
	zone     *window.Zone
	zoneName string
	export   store.Export
	known    *known
}

// run goes through time once: what is there is compared, what is missing is added.
func (w *work) run(ctx context.Context) error {
	for i := range w.known.entries {
		if w.known.entries[i].Version > w.final.Version {
			return fmt.Errorf("%w: %d and %d", ErrSourceIsOlder, w.final.Version, w.known.entries[i].Version)
		}
	}
	at := event.Time(0)
	for _, e := range slices.Clone(w.known.entries) {
		if e.From > at { // somebody deleted entries
			if err := w.fill(ctx, at, e.From, true); err != nil {
				return err
			}
		}
		if err := w.compare(ctx, &e); err != nil {
			return err
		}
		at = max(at, e.To)
	}
	return w.fill(ctx, at, w.final.Until, false)
}

// compare has a range written again if its rows are not those that are archived.
func (w *work) compare(ctx context.Context, e *Entry) error {
	if e.Gone != "" {
		return nil
	}
	next := *e
	next.Edition++
	if next.Gone = w.goneBy(e.To); next.Gone != "" {
		return w.commit(ctx, &next)
	}
	next.Mark, next.Partial = w.final.mark(e.From, e.To), w.final.isPartial(e.From, e.To)
	if next.Mark == e.Mark || e.Partial && !next.Partial {
		return nil // a store that was restored does not know what was dropped
	}
	return w.write(ctx, &next)
}

// Why rows of a range are not kept.
const (
	goneDropped = "the store does not keep them any longer"
	goneOld     = "older than archive.keep_days"
)

// goneBy says why rows before t go; "" if they stay.
func (w *work) goneBy(t event.Time) string {
	switch {
	case w.final.RowsFrom != math.MinInt64 && t+sessionReach <= w.final.RowsFrom:
		return goneDropped
	case w.cfg.KeepDays > 0 && t <= w.oldest():
		return goneOld
	}
	return ""
}

// oldest is the beginning of the first day that keep_days keeps.
func (w *work) oldest() event.Time {
	return w.zone.StartOfDay(w.zone.LocalDay(w.final.Until-1) + 1 - int32(w.cfg.KeepDays))
}

// fill archives [at, to) by local days. The last one must have ended, unless it is closed.
func (w *work) fill(ctx context.Context, at, to event.Time, closed bool) error {
	for at < to {
		e := Entry{Property: w.property, From: at, Edition: 1, Zone: w.zoneName}
		first, found, err := w.export.FirstRow(ctx, at)
		switch {
		case err != nil:
			return err
		case found && first < to:
			w.known.behind = max(w.known.behind, w.daysFrom(first))
			e.To = w.zone.StartOfDay(w.zone.LocalDay(first) + 1)
		case !closed:
			return nil // days without rows are archived with the next that has some
		default:
			e.To = to
		}
		if w.cfg.KeepDays > 0 && e.To <= w.oldest() {
			e.To = w.oldest() // all that is too old, at once
		}
		if e.To > to {
			if !closed {
				return nil // it has not ended by the clocks of a new zone
			}
			e.To = to
		}
		e.Day = dayName(w.zone.LocalDay(e.To - 1))
		if e.Gone = w.goneBy(e.To); e.Gone != "" {
			err = w.commit(ctx, &e)
		} else {
			e.Mark, e.Partial = w.final.mark(e.From, e.To), w.final.isPartial(e.From, e.To)
			err = w.write(ctx, &e)
		}
		if err != nil {
			return err
		}
		at = e.To
		w.known.behind = w.daysFrom(at)
	}
	return nil
}

func dayName(day int32) string {
	return time.Unix(int64(day)*86400, 0).UTC().Format(time.DateOnly)
}

// daysFrom is how many final days there are from t on, with rows or without.
func (w *work) daysFrom(t event.Time) int {
	return int(max(0, w.zone.LocalDay(w.final.Until-1)-w.zone.LocalDay(t)+1))
}

// write puts the files of e in place, and then its entry.
func (w *work) write(ctx context.Context, e *Entry) error {
	e.Files = nil
	for _, t := range []store.Table{store.FinalEvents, store.FinalSessions} {
		if err := w.slices(ctx, e, t, e.From, e.To); err != nil {
			return err
		}
	}
	return w.commit(ctx, e)
}

// slices writes the rows of a table in [from, to), cut in halves until files are small enough.
func (w *work) slices(ctx context.Context, e *Entry, t store.Table, from, to event.Time) error {
	rows, err := w.export.Count(ctx, t, from, to)
	if err != nil || rows == 0 {
		return err
	}
	if lo := max(from, to-longestDay); rows > w.cfg.FileRows && to-lo > 1 {
		middle := lo + (to-lo)/2
		if err := w.slices(ctx, e, t, from, middle); err != nil {
			return err
		}
		return w.slices(ctx, e, t, middle, to)
	}
	f, err := w.export.Write(ctx, t, from, to)
	if err != nil {
		return err
	}
	if f == nil {
		return fmt.Errorf("export %s of %s: %d rows were counted and none were written", t, e.Day, rows)
	}
	err = w.put(ctx, e, t, f, rows)
	return errors.Join(err, f.Close())
}

func (w *work) put(ctx context.Context, e *Entry, t store.Table, f *os.File, rows int64) error {
	hash := sha256.New()
	size, err := io.Copy(hash, f)
	if err != nil {
		return fmt.Errorf("read exported file: %w", err)
	}
	c := blob.Content{Data: f, Size: size, Sum: blob.Sum(hash.Sum(nil))}
	key := e.fileKey(t, len(e.Files), c.Sum)
	if err := w.deps.Blobs.Put(ctx, key, c); err != nil {
		return fmt.Errorf("archive file: %w", err)
	}
	e.Files = append(e.Files, File{Table: t, Key: key, Rows: rows, Bytes: size, Sum: c.Sum.String()})
	return nil
}

// commit creates the entry, and deletes what it supersedes.
func (w *work) commit(ctx context.Context, e *Entry) error {
	e.Version, e.Made = w.final.Version, w.deps.Clock()
	if e.Gone != "" {
		e.Files = nil
	}
	b, err := e.encode()
	if err != nil {
		return err
	}
	err = w.deps.Blobs.Create(ctx, e.place().key(), blob.Bytes(b))
	if errors.Is(err, blob.ErrExists) {
		return fmt.Errorf("edition %d of %s: %w", e.Edition, e.Day, errBehind)
	}
	if err != nil {
		return fmt.Errorf("commit archived day: %w", err)
	}
	w.remember(e)
	return w.tidy(ctx, e)
}

// remember takes e in among the entries, and counts it.
func (w *work) remember(e *Entry) {
	i, found := slices.BinarySearchFunc(w.known.entries, e.From, func(e Entry, from event.Time) int { return int(min(1, max(-1, e.From-from))) })
	if found {
		w.known.entries[i] = *e
	} else {
		w.known.entries = slices.Insert(w.known.entries, i, *e)
	}
	if e.Gone != "" {
		w.tel.gone.Inc()
		return
	}
	w.tel.days.Inc()
	w.tel.bytes.Add(float64(e.Bytes()))
	w.tel.rows.Add(float64(e.Rows(store.FinalEvents) + e.Rows(store.FinalSessions)))
}

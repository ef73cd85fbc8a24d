// Replace: a replay's rows go in under runs that no document names, and one commit puts these runs in the place of
// others (S29).
//
// A range of final days is all rows of its run. So what a range has beyond the days that are replaced is written
// again, under a run of its own.
package clickstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

var (
	_ store.Replacer        = (*Store)(nil)
	_ store.ReplacingKeeper = (*keeper)(nil)
)

// ReplaceFinal implements store.ReplacingKeeper.
func (k *keeper) ReplaceFinal(ctx context.Context, p *store.Prepared, at event.Time) error {
	if err := k.replaceFinal(ctx, p, at); err != nil {
		return fmt.Errorf("replace final days of property %s: %w", p.Property, err)
	}
	return nil
}

func (k *keeper) replaceFinal(ctx context.Context, p *store.Prepared, at event.Time) error {
	if err := k.ready(ctx); err != nil {
		return err
	}
	m := k.at.manifest()
	if p.IsIn(&m) {
		return nil // the answer to an earlier try was lost
	}
	if err := m.Replaceable(p.Property, p.From, p.To, &p.Was); err != nil {
		return err
	}
	if err := k.s.haveAll(ctx, p); err != nil {
		return err
	}
	d := k.at.doc(p.Property).clone()
	d.note(p.Property, func(m *store.Manifest) { m.NoteReplaced(p, at) })
	// From here on nobody may have begun to remove the runs.
	if age := k.s.now().Sub(time.UnixMicro(int64(p.Noted))); age > k.s.cfg.Grace/2 {
		return fmt.Errorf("%w: they were prepared %v ago, and may be tidied up by now", store.ErrUnprepared, age)
	}
	return k.commit(ctx, map[event.PropertyID]*document{p.Property: d})
}

// haveAll compares how many rows the runs have with how many were put in.
func (s *Store) haveAll(ctx context.Context, p *store.Prepared) error {
	for _, r := range p.Ranges {
		n, err := s.rowsOfRun(ctx, p.Property, r.Run, r.From, r.To)
		if err != nil {
			return err
		}
		for t, want := range p.Rows[r.Run] {
			if n[t] != want {
				return fmt.Errorf("%w: %d of %s for days from %v on, and %d are there", store.ErrUnprepared, want, t, r.From, n[t])
			}
		}
	}
	return nil
}

// rowsOfRun counts the rows of a run in [from, to), by table.
func (s *Store) rowsOfRun(ctx context.Context, p event.PropertyID, run uint64, from, to event.Time) (map[store.Table]int64, error) {
	out := map[store.Table]int64{}
	for _, t := range []store.Table{store.FinalEvents, store.FinalSessions} {
		n, err := s.number(ctx, fmt.Sprintf("SELECT count() FROM %s WHERE %s", t, ofRange(t, p, run, from, to)))
		if err != nil {
			return nil, fmt.Errorf("count rows of a run: %w", queryError(err))
		}
		out[t] = int64(n)
	}
	return out, nil
}

// ofRange renders that a row is of a run and lies in [from, to).
func ofRange(t store.Table, p event.PropertyID, run uint64, from, to event.Time) string {
	return fmt.Sprintf("property = %s AND %s AND run = %d AND %[4]s >= %[5]s AND %[4]s < %[6]s", propertyLiteral(p), days("", from, plus(to, -1)), run,
		exportTime(t), micros(from), micros(to))
}

// preparation is one Prepare.
type preparation struct {
	s   *Store
	of  *store.Replacing
	st  *state
	out *store.Prepared

	mu    sync.Mutex
	runs  []daySpan // by number
	names []uint64
	noted time.Time // when all runs were noted last
}

// Prepare implements store.Replacer.
func (s *Store) Prepare(ctx context.Context, r *store.Replacing) (_ *store.Prepared, err error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	p := &preparation{s: s, of: r, noted: s.now(),
		out: &store.Prepared{Property: r.Property, From: r.From, To: r.To, Was: r.Was, Rows: map[uint64]map[store.Table]int64{}}}
	if err := p.run(ctx); err != nil {
		return nil, fmt.Errorf("prepare days of property %s: %w", r.Property, err)
	}
	return p.out, nil
}

func (p *preparation) run(ctx context.Context) (err error) {
	if p.st, err = p.s.current(ctx); err != nil {
		return err
	}
	m := p.st.manifest()
	if err := m.Replaceable(p.of.Property, p.of.From, p.of.To, &p.of.Was); err != nil {
		return err
	}
	stop := p.keepNoted(ctx)
	for _, old := range store.Touched(m.Finals[p.of.Property], p.of.From, p.of.To) {
		for _, rest := range [][2]event.Time{{old.From, p.of.From}, {p.of.To, old.To}} {
			if err == nil && rest[0] < rest[1] {
				err = p.copyOf(ctx, old.Run, rest[0], rest[1])
			}
		}
	}
	if err == nil {
		err = p.send(ctx)
	}
	if err = errors.Join(stop(), err); err != nil {
		return err
	}
	slices.SortFunc(p.out.Ranges, func(a, b store.FinalRange) int { return cmp.Compare(a.From, b.From) })
	// The last note is what the switch counts from.
	if err := p.note(ctx); err != nil {
		return err
	}
	p.out.Noted = event.TimeOf(p.noted)
	return nil
}

// keepNoted says again and again that somebody is at work on the runs, until it is told to stop.
func (p *preparation) keepNoted(ctx context.Context) (stop func() error) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		again := time.NewTicker(p.s.cfg.Grace / 8)
		defer again.Stop()
		for {
			select {
			case <-ctx.Done():
				ended <- nil
				return
			case <-again.C:
			}
			// One that fails is made up for by the next; a gap is an error.
			if err := p.note(ctx); errors.Is(err, errTooLong) {
				ended <- err
				return
			}
		}
	}()
	return func() error {
		cancel()
		return <-ended
	}
}

var errTooLong = errors.New("the database took too long: rows that were made ready may be tidied up by now")

// note notes all runs again.
func (p *preparation) note(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.s.now()
	if now.Sub(p.noted) > p.s.cfg.Grace/2 {
		return errTooLong
	}
	for i, run := range p.names {
		if err := p.s.noteRun(ctx, run, p.runs[i].from, p.runs[i].to); err != nil {
			return err
		}
	}
	p.noted = now
	return nil
}

func (p *preparation) begin(ctx context.Context, from, to event.Time) (uint64, error) {
	span := daySpan{from: from, to: to, properties: []event.PropertyID{p.of.Property}}
	run, err := p.s.beginRun(ctx, []daySpan{span})
	p.mu.Lock()
	defer p.mu.Unlock()
	p.runs, p.names = append(p.runs, span), append(p.names, run)
	return run, err
}

// end notes the range of a run, if it has rows, and how many.
func (p *preparation) end(ctx context.Context, run uint64, from, to event.Time, want map[store.Table]int64) error {
	rows, err := p.s.rowsOfRun(ctx, p.of.Property, run, from, to)
	if err != nil {
		return err
	}
	for t, n := range want {
		if rows[t] != n {
			return fmt.Errorf("%d rows of %s were sent and %d are there", n, t, rows[t])
		}
	}
	found, err := p.s.rangesOf(ctx, run, []daySpan{{from: from, to: to, properties: []event.PropertyID{p.of.Property}}})
	if err != nil {
		return err
	}
	if first, some := found[p.of.Property]; some {
		p.out.Ranges = append(p.out.Ranges, store.FinalRange{From: first, To: to, Run: run, Edition: 1})
		p.out.Rows[run] = rows
	}
	return nil
}

// send puts the files in under a run.
func (p *preparation) send(ctx context.Context) error {
	run, err := p.begin(ctx, p.of.From, p.of.To)
	if err != nil {
		return err
	}
	want := map[store.Table]int64{store.FinalEvents: 0, store.FinalSessions: 0}
	for i := range p.of.Files {
		f := &p.of.Files[i]
		if err := p.s.takeIn(ctx, p.of.Property, run, f); err != nil {
			return err
		}
		want[f.Table] += f.Rows
	}
	return p.end(ctx, run, p.of.From, p.of.To, want)
}

// copyOf writes what a run has in [from, to) once more.
func (p *preparation) copyOf(ctx context.Context, old uint64, from, to event.Time) error {
	run, err := p.begin(ctx, from, to)
	if err != nil {
		return err
	}
	sp := &daySpan{properties: []event.PropertyID{p.of.Property}}
	want := map[store.Table]int64{}
	for _, t := range []store.Table{store.FinalEvents, store.FinalSessions} {
		var columns []string
		for _, c := range finalColumns(t) {
			columns = append(columns, c.name)
		}
		columns = append(columns, "day", fmt.Sprintf("toUInt64(%d)", run), "batch_partition")
		rows := ofRange(t, p.of.Property, old, from, to) + p.st.withoutGone("", sp)
		n, err := p.s.number(ctx, fmt.Sprintf("SELECT count() FROM %s WHERE %s", t, rows))
		if err != nil {
			return fmt.Errorf("count rows of a run: %w", queryError(err))
		}
		want[t] = int64(n)
		if n == 0 {
			continue
		}
		sql := fmt.Sprintf("INSERT INTO %[1]s (%[2]s)\nSELECT %[3]s\nFROM %[1]s\nWHERE %[4]s", t, columnsOf(string(t)), strings.Join(columns, ", "), rows)
		if err := p.s.write(ctx, sql); err != nil {
			return fmt.Errorf("write rows of a run again: %w", err)
		}
	}
	return p.end(ctx, run, from, to, want)
}

// Answering from a draft: its cells, and what has changed since of the clients of whom rows
// came since.
package duckstore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// errUnfit: too many users are no longer where the draft has them. Sketches only grow, so rows
// must answer.
var errUnfit = errors.New("the draft counts users who are gone")

// leftShare: up to one user in so many may have left a group whose sketch still counts him. It is
// well within the error of a sketch.
const leftShare = 200

// runDraft answers p with the help of a draft; nil if there is none that can.
func (sn *snapshot) runDraft(ctx context.Context, p *store.Plan) (*store.Rows, error) {
	d, touched, release := sn.takeDraft(p)
	if d == nil {
		return nil, nil
	}
	defer release()
	began := time.Now()
	m := *sn.view.manifest
	m.Rollups = maps.Clone(m.Rollups)
	if m.Rollups == nil {
		m.Rollups = map[event.PropertyID][]store.RollupRange{}
	}
	m.Rollups[p.Property] = append(slices.Clone(m.Rollups[p.Property]),
		store.RollupRange{From: d.from, To: d.to, Zone: d.zone})
	s, ok := splitPlan(p, &m)
	if !ok {
		return nil, nil
	}
	rows, err := (&rolled{sn: sn, p: p, s: s, draft: d, touched: touched}).run(ctx)
	if errors.Is(err, errUnfit) {
		return nil, nil
	}
	if err == nil {
		sn.wantDraft(p, time.Since(began), d)
		if sn.s.drafts.answered != nil {
			sn.s.drafts.answered(len(touched))
		}
	}
	return rows, err
}

// useDraft adds the draft's cells to those of the manifest, and counts the rows of each group: a
// group may turn out to have none any more.
func (x *rolled) useDraft() {
	m := *x.sn.view.manifest
	m.Segments = append(slices.Clone(m.Segments), x.draft.manifest.Segments...)
	x.files = &view{dir: x.sn.view.dir, manifest: &m}
	p := *x.p
	p.Aggregates = append(slices.Clone(p.Aggregates), store.Aggregate{Op: store.Count})
	x.p = &p
}

// isDraftCell renders whether a cell is the draft's.
func (x *rolled) isDraftCell() string {
	if x.draft == nil {
		return "false"
	}
	from, _ := store.DayStart(x.draft.from, x.p.Zone)
	return "start_time >= " + micros(from)
}

// dropEmpty takes out the groups without rows, and the count that told.
func (x *rolled) dropEmpty() {
	last, kept := len(x.p.Aggregates)-1, 0
	for i, numbers := range x.rows.Aggregates {
		if numbers[last] == 0 && len(x.p.Dimensions) > 0 {
			continue
		}
		x.rows.Dimensions[kept], x.rows.Aggregates[kept] = x.rows.Dimensions[i], numbers[:last]
		kept++
	}
	x.rows.Dimensions, x.rows.Aggregates = x.rows.Dimensions[:kept], x.rows.Aggregates[:kept]
}

// correct takes out what the draft's rows say of the touched clients, and adds what all rows say.
func (x *rolled) correct(ctx context.Context) error {
	from, to := max(x.p.From, x.draft.from), min(x.p.To, x.draft.to)
	if from >= to {
		return nil
	}
	table, drop, err := x.clientTable(ctx)
	if err != nil {
		return fmt.Errorf("list clients: %w", err)
	}
	only := " AND client IN (SELECT client FROM " + table + ")"
	then := view{dir: x.sn.view.dir, manifest: x.draft.manifest, only: only}
	now := x.sn.view
	now.only = only
	p := *x.p
	p.From, p.To = from, to
	err = x.addTouched(ctx, &p, &then, -1, func(u *usersOf, c client) { u.was = append(u.was, c) })
	if err == nil {
		err = x.addTouched(ctx, &p, &now, 1, func(u *usersOf, c client) { u.is = append(u.is, c) })
	}
	return errors.Join(err, drop())
}

// addTouched adds what the rows of a view say, so many times.
func (x *rolled) addTouched(ctx context.Context, p *store.Plan, v *view, times int64, add func(*usersOf, client)) error {
	q := *p
	q.Aggregates = slices.Clone(p.Aggregates)
	if x.wantsUsers() && x.count != store.BoundUsers {
		return x.addClients(ctx, &q, v, times, add)
	}
	x.boundUsers(&q)
	rows, err := x.sn.runRowsOf(ctx, &q, v)
	if err != nil {
		return err
	}
	for r, numbers := range rows.Aggregates {
		at := x.row(rows.Dimensions[r])
		for k, a := range x.p.Aggregates {
			switch {
			case a.Op != store.DistinctUsers:
				x.rows.Aggregates[at][k] += times * numbers[k]
			case times < 0:
				x.users[at].gone[which(a)] = numbers[k]
			default:
				x.users[at].come[which(a)] = numbers[k]
			}
		}
	}
	return x.full()
}

// clientTable makes a table of the touched clients.
func (x *rolled) clientTable(ctx context.Context) (name string, drop func() error, err error) {
	s := x.sn.s
	name = fmt.Sprintf("touched_%d", s.nextID.Add(1))
	drop = func() error { return s.reader.exec(context.WithoutCancel(ctx), "DROP TABLE "+name) }
	cn, err := s.reader.get()
	if err != nil {
		return "", nil, err
	}
	defer s.reader.put(cn)
	if err := cn.exec(ctx, "CREATE TABLE "+name+" (client "+sqlID+")"); err != nil {
		return "", nil, err
	}
	w, err := newChunkWriter(cn, name)
	if err != nil {
		return "", nil, errors.Join(err, drop())
	}
	defer w.close()
	for _, c := range x.touched {
		w.uint64(c)
		if err = w.endRow(); err != nil {
			break
		}
	}
	if err == nil {
		err = w.flush()
	}
	if err != nil {
		return "", nil, errors.Join(err, drop())
	}
	return name, drop, nil
}

// isDrafted tells whether the users of a group are those of one cell of the draft, or of
// none, and of touched clients: they are then known exactly.
func (u *usersOf) isDrafted() bool {
	return u.cells == u.drafts && u.drafts <= 1 && u.pieces == 0 && len(u.was)+len(u.is) > 0
}

// countTouched puts the users of a group right.
func (u *usersOf) countTouched() error {
	was, is := countOf(u.was), countOf(u.is)
	if u.isDrafted() {
		for of := range u.sum {
			u.sum[of] += is[of] - was[of]
		}
		return nil
	}
	still := map[uint64]bool{} // active?
	for _, c := range u.is {
		still[c.id] = still[c.id] || c.active
	}
	left := int64(0)
	for _, c := range u.was {
		if active, here := still[c.id]; !here || c.active && !active {
			left++
		}
	}
	if left*leftShare > u.most[0] {
		return errUnfit
	}
	for of := range u.sum {
		u.sum[of] += is[of]
		u.most[of] = max(u.most[of]-left, is[of])
	}
	return nil
}

// boundTouched bounds the users of a group. A bound that does not shrink is one, but it must be 0
// where there is nobody: if all may have gone, rows must tell.
func (u *usersOf) boundTouched() error {
	for of := range u.sum {
		if u.sum[of] > 0 && u.come[of] == 0 && u.gone[of] >= u.most[of] && u.gone[of] > 0 {
			return errUnfit
		}
		u.sum[of] += u.come[of]
	}
	return nil
}

// countOf counts clients, all and active. Each is named once.
func countOf(clients []client) (n [2]int64) {
	for _, c := range clients {
		n[0]++
		if c.active {
			n[1]++
		}
	}
	return n
}

// draftNow makes a draft that sn can use, unless there is one: tests want them early.
func (s *Store) draftNow(ctx context.Context, sn *snapshot, p *store.Plan) error {
	if d, _, release := sn.takeDraft(p); d != nil {
		release()
		return nil
	}
	if err := s.makeDraft(ctx, p); err != nil {
		return fmt.Errorf("make draft: %w", err)
	}
	return nil
}

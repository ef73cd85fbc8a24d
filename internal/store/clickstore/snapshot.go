// Snapshots: what was published at one moment, for as long as it is held (T2).
package clickstore

import (
	"bufio"
	"context"
	"fmt"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// snapshot remembers how far each partition was published, and what upkeep had committed. Rows are never
// changed, and what no later snapshot needs stays for a while (Config.Grace).
type snapshot struct {
	s     *Store
	seen  visible
	state *state
	began time.Time
}

// Snapshot implements store.Reader.
func (s *Store) Snapshot(ctx context.Context) (store.Snapshot, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	sn := &snapshot{s: s, began: s.now()}
	var err error
	if sn.state, err = s.current(ctx); err != nil {
		return nil, err
	}
	if sn.seen, err = s.visible(ctx); err != nil {
		return nil, err
	}
	return sn, nil
}

// Release implements store.Snapshot: nothing is held on the servers.
func (sn *snapshot) Release() {}

// Manifest implements store.Snapshot. There are no segments.
func (sn *snapshot) Manifest() store.Manifest { return sn.state.manifestCopy() }

// viewOf is what the snapshot sees of a property.
func (sn *snapshot) viewOf(p event.PropertyID) *view {
	return &view{seen: sn.seen, doc: sn.state.doc(p)}
}

// checkAge says whether what the snapshot needs is still there: the tables keep what a commit made
// needless for Config.Grace, and a query that began before has ended by then.
func (sn *snapshot) checkAge(ctx context.Context) error {
	if sn.s.now().Sub(sn.began) < sn.s.cfg.Grace-sn.s.cfg.QueryTimeout {
		return nil
	}
	v, err := sn.s.lastCommit(ctx, nil)
	if err == nil && v != sn.state.version {
		err = errHeldTooLong
	}
	return err
}

// Run implements store.Snapshot.
func (sn *snapshot) Run(ctx context.Context, p *store.Plan) (*store.Rows, error) {
	began := time.Now()
	rows, err := sn.run(ctx, p)
	sn.s.tel.observe(p.Relation, time.Since(began), err)
	return rows, err
}

func (sn *snapshot) run(ctx context.Context, p *store.Plan) (*store.Rows, error) {
	if err := sn.s.check(); err != nil {
		return nil, err
	}
	v := sn.viewOf(p.Property)
	st, err := sn.s.dialect.render(p, v)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("run plan: %w", err)
	}
	if p.From >= p.To {
		return emptyAnswer(p), nil
	}
	m := sn.state.manifest()
	if err := m.CheckRows(p); err != nil {
		return nil, err
	}
	if err := sn.checkAge(ctx); err != nil {
		return nil, fmt.Errorf("run plan: %w", err)
	}
	if s, ok := store.SplitPlan(p, &m); ok {
		return (&rolled{sn: sn, p: p, v: v, s: s}).run(ctx)
	}
	return sn.runStatement(ctx, p, st)
}

// runStatement answers p by a statement.
func (sn *snapshot) runStatement(ctx context.Context, p *store.Plan, st *statement) (*store.Rows, error) {
	rows := &store.Rows{}
	err := sn.s.client.do(ctx, request{sql: st.sql + "\nFORMAT RowBinary", settings: sn.s.querySettings(), timeout: sn.s.cfg.QueryTimeout},
		func(in *bufio.Reader) error {
			return decodeRows(in, func(d *decoder) { appendRow(rows, d, st) })
		})
	if err != nil {
		return nil, fmt.Errorf("run plan: %w", queryError(err))
	}
	if p.MaxRows > 0 && len(rows.Dimensions) > p.MaxRows {
		return nil, store.ErrTooManyRows
	}
	return rows, nil
}

// appendRow reads a row of an answer.
func appendRow(rows *store.Rows, d *decoder, st *statement) {
	dims, aggs := dimensionsOf(d, st.dims), make([]int64, st.aggs)
	for i := range aggs {
		aggs[i] = d.int64()
	}
	if len(dims)+len(aggs) == 0 {
		d.int64() // the one that stands for nothing
	}
	rows.Dimensions, rows.Aggregates = append(rows.Dimensions, dims), append(rows.Aggregates, aggs)
}

// dimensionsOf reads the dimensions of a row.
func dimensionsOf(d *decoder, buckets []store.Bucket) []string {
	dims := make([]string, len(buckets))
	for i, bucket := range buckets {
		if bucket == store.NoBucket {
			dims[i] = d.text()
		} else {
			dims[i] = bucketText(bucket, d.int64())
		}
	}
	return dims
}

// emptyAnswer is the answer over no time at all.
func emptyAnswer(p *store.Plan) *store.Rows {
	if len(p.Dimensions) > 0 {
		return &store.Rows{}
	}
	return &store.Rows{Dimensions: [][]string{{}}, Aggregates: [][]int64{make([]int64, len(p.Aggregates))}}
}

// ClientsOf implements store.Snapshot.
func (sn *snapshot) ClientsOf(ctx context.Context, p event.PropertyID, userID string) ([]string, error) {
	if err := sn.s.check(); err != nil {
		return nil, err
	}
	v := sn.viewOf(p)
	young := &renderer{v: v}
	final := &renderer{v: v, isFinal: true, from: v.doc.rowsFrom(), to: v.doc.until()}
	whose := "property = " + propertyLiteral(p) + " AND "
	rows := func(r *renderer, column string) string {
		return fmt.Sprintf("%s%s AND %s >= %s", whose, r.counts("")+r.withoutGone(""), column, micros(v.doc.rowsFrom()))
	}
	sql, err := sn.s.dialect.execute("clients.sql", map[string]string{
		"Events": rows(young, "event_time"), "Sessions": rows(young, "end_time"),
		"FinalEvents": rows(final, "event_time"), "FinalSessions": rows(final, "end_time"), "User": quote(userID)})
	if err != nil {
		return nil, err
	}
	if err := sn.checkAge(ctx); err != nil {
		return nil, err
	}
	var out []string
	if err := sn.s.query(ctx, sql, func(d *decoder) { out = append(out, d.text()) }); err != nil {
		return nil, fmt.Errorf("find clients of a user: %w", queryError(err))
	}
	return out, nil
}

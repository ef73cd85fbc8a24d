// Rendering: a plan and what a snapshot sees become one SQL statement.
package duckstore

import (
	"embed"
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
	"text/template"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

//go:embed sql/*.sql
var sqlFiles embed.FS

// dialect holds what rendering needs and never changes.
type dialect struct {
	templates      *template.Template
	events         map[store.Column]source
	sessions       map[store.Column]source
	sessionNumbers map[store.Column]source
}

func newDialect() (*dialect, error) {
	t, err := template.ParseFS(sqlFiles, "sql/*.sql")
	if err != nil {
		return nil, fmt.Errorf("parse sql templates: %w", err)
	}
	return &dialect{templates: t, events: eventSources(), sessions: sessionSources(),
		sessionNumbers: sessionNumbers()}, nil
}

// dimKind says how Go reads a dimension of the answer.
type dimKind struct {
	bucket store.Bucket // NoBucket: the column is the text
}

// statement is a rendered plan.
type statement struct {
	sql  string
	dims []dimKind
	aggs int
}

// fields are what the templates use.
type fields struct {
	With, Rows, Select, Where, GroupBy, Limit string
	Keys, Join                                string
}

// renderer collects what one plan needs.
type renderer struct {
	d       *dialect
	p       *store.Plan
	view    *view
	until   event.Time // FinalUntil, or the lowest time
	isFinal bool       // whether until is set
	// ev are the columns of the joined rows, by name; order keeps the SQL stable.
	ev    map[string]source
	order []string
}

func (d *dialect) render(p *store.Plan, v *view) (*statement, error) {
	r := newRenderer(d, p, v)
	st := &statement{aggs: len(p.Aggregates)}
	dims, err := r.dimensions(st)
	if err != nil {
		return nil, err
	}
	f := fields{}
	if f.Where, err = predicate(p.Filter, r.dimensionText); err != nil {
		return nil, err
	}
	name := "events.sql"
	switch p.Relation {
	case store.Events:
		err = r.events(&f, dims)
	case store.Sessions:
		name = "sessions.sql"
		err = r.sessions(&f, dims)
	case store.EventSessions:
		name = "event_sessions.sql"
		err = r.eventSessions(&f, dims)
	default:
		err = fmt.Errorf("%w: relation %d", store.ErrUnsupported, p.Relation)
	}
	if err != nil {
		return nil, err
	}
	if len(dims) > 0 {
		f.GroupBy = "GROUP BY " + ordinals(len(dims))
	}
	if p.MaxRows > 0 {
		f.Limit = fmt.Sprintf("LIMIT %d", p.MaxRows+1)
	}
	var b strings.Builder
	if err := d.templates.ExecuteTemplate(&b, name, f); err != nil {
		return nil, fmt.Errorf("render plan: %w", err)
	}
	st.sql = b.String()
	return st, nil
}

func newRenderer(d *dialect, p *store.Plan, v *view) *renderer {
	r := &renderer{d: d, p: p, view: v, until: math.MinInt64, ev: map[string]source{}}
	if t, ok := v.manifest.FinalUntil[p.Property]; ok {
		r.until, r.isFinal = t, true
	}
	return r
}

// use adds a column to the joined rows and returns its name there.
func (r *renderer) use(c store.Column, s source) string {
	name := "c_" + string(c)
	r.useAs(name, s)
	return name
}

func (r *renderer) useAs(name string, s source) {
	if _, ok := r.ev[name]; !ok {
		r.ev[name] = s
		r.order = append(r.order, name)
	}
}

func (r *renderer) sources() map[store.Column]source {
	if r.p.Relation == store.Sessions {
		return r.d.sessions
	}
	return r.d.events
}

func (r *renderer) dimensions(st *statement) ([]string, error) {
	out := make([]string, 0, len(r.p.Dimensions))
	for i, d := range r.p.Dimensions {
		x, err := r.dimensionKey(d)
		if err != nil {
			return nil, err
		}
		k := dimKind{}
		if d.Column == store.ColTime {
			k.bucket = d.Bucket
		}
		st.dims = append(st.dims, k)
		out = append(out, fmt.Sprintf("%s AS d%d", x, i))
	}
	return out, nil
}

// dimensionKey renders what a dimension groups by.
func (r *renderer) dimensionKey(d store.Dimension) (string, error) {
	if d.Column == store.ColTime {
		return bucketNumber(d.Bucket, r.use(d.Column, r.sources()[d.Column]), r.p)
	}
	return r.dimensionText(d)
}

// dimensionText renders the text of a dimension.
func (r *renderer) dimensionText(d store.Dimension) (string, error) {
	s, ok := r.sources()[d.Column]
	if !ok {
		return "", unsupported(d.Column, "a dimension of this relation")
	}
	switch s.kind {
	case kindText:
		return r.use(d.Column, s), nil
	case kindParam:
		return paramText(r.use(d.Column, s), d.Param), nil
	case kindTime:
		return bucketTextSQL(d.Bucket, r.use(d.Column, s), r.p)
	}
	return "", unsupported(d.Column, "a dimension")
}

// aggregates renders the numbers of the plan. column finds the name of a
// column that is aggregated.
func (r *renderer) aggregates(column func(store.Column, kind) (string, error),
	user string) ([]string, error) {
	out := make([]string, 0, len(r.p.Aggregates))
	for i, a := range r.p.Aggregates {
		var x string
		switch a.Op {
		case store.Count:
			x = "count(*)"
		case store.Sum:
			c, err := column(a.Column, kindNumber)
			if err != nil {
				return nil, err
			}
			x = "sum(" + c + ")"
		case store.DistinctUsers:
			if user == "" {
				return nil, fmt.Errorf("%w: distinct users of sessions", store.ErrUnsupported)
			}
			x = "count(DISTINCT " + user + ")"
		default:
			return nil, fmt.Errorf("%w: aggregate %d", store.ErrUnsupported, a.Op)
		}
		if a.Where != "" {
			w, err := column(a.Where, kindBool)
			if err != nil {
				return nil, err
			}
			x += " FILTER (WHERE " + w + ")"
		}
		out = append(out, fmt.Sprintf("CAST(coalesce(%s, 0) AS BIGINT) AS a%d", x, i))
	}
	return out, nil
}

// columnOf returns a finder among sources that adds the column to ev.
func (r *renderer) columnOf(sources map[store.Column]source) func(store.Column, kind) (string, error) {
	return func(c store.Column, k kind) (string, error) {
		s, ok := sources[c]
		if !ok || s.kind != k {
			return "", unsupported(c, "an aggregate of this relation")
		}
		return r.use(c, s), nil
	}
}

func (r *renderer) events(f *fields, dims []string) error {
	aggs, err := r.aggregates(r.columnOf(r.d.events), r.user())
	if err != nil {
		return err
	}
	f.Select = selectList(dims, aggs)
	f.With, f.Rows = r.eventRows()
	return nil
}

// renderClients renders who the users of each group of p are, whether they are
// active there, and the aggregates of p for each of them.
func (d *dialect) renderClients(p *store.Plan, v *view) (*statement, error) {
	r := newRenderer(d, p, v)
	st := &statement{aggs: len(p.Aggregates)}
	dims, err := r.dimensions(st)
	if err != nil {
		return nil, err
	}
	f := fields{}
	if f.Where, err = predicate(p.Filter, r.dimensionText); err != nil {
		return nil, err
	}
	aggs, err := r.aggregates(r.columnOf(r.d.events), "")
	if err != nil {
		return nil, err
	}
	r.useAs("c_user", source{young: "e.client", final: "f.client", needEvent: []string{"client"}})
	active := r.use(store.ColActive, d.events[store.ColActive])
	f.Select = selectList(dims, append([]string{"c_user", "bool_or(" + active + ")"}, aggs...))
	f.GroupBy = "GROUP BY " + ordinals(len(dims)+1)
	f.With, f.Rows = r.eventRows()
	var b strings.Builder
	if err := d.templates.ExecuteTemplate(&b, "events.sql", f); err != nil {
		return nil, fmt.Errorf("render clients: %w", err)
	}
	st.sql = b.String()
	return st, nil
}

// user names the column that tells users apart (S9).
func (r *renderer) user() string {
	if !slices.ContainsFunc(r.p.Aggregates, func(a store.Aggregate) bool {
		return a.Op == store.DistinctUsers
	}) {
		return "c_user"
	}
	s := source{young: "e.client", final: "f.client", needEvent: []string{"client"}}
	if r.p.ObservedUsers {
		s.young = "CASE WHEN coalesce(s.user_id, '') = '' THEN 'c' || e.client ELSE 'u' || s.user_id END"
		s.final = "CASE WHEN f.session_user_id = '' THEN 'c' || f.client ELSE 'u' || f.session_user_id END"
		s.needSession = []string{"user_id"}
	}
	r.useAs("c_user", s)
	return "c_user"
}

func (r *renderer) sessions(f *fields, dims []string) error {
	aggs, err := r.aggregates(r.columnOf(r.d.sessions), "")
	if err != nil {
		return err
	}
	f.Select = selectList(dims, aggs)
	f.With, f.Rows = r.sessionRows()
	return nil
}

func (r *renderer) eventSessions(f *fields, dims []string) error {
	r.useAs("session", source{young: "coalesce(a.session, e.part)", final: "f.session",
		needEvent: []string{"part"}, needSession: []string{"counted"}})
	r.useAs("counted", source{young: "coalesce(s.counted, false)", final: "f.counted",
		needEvent: []string{"part"}, needSession: []string{"counted"}})
	numbers := map[string]source{}
	aggs, err := r.aggregates(func(c store.Column, k kind) (string, error) {
		s, ok := r.d.sessionNumbers[c]
		if !ok || s.kind != k {
			return "", unsupported(c, "an aggregate of sessions")
		}
		numbers["c_"+string(c)] = s
		return "sn.c_" + string(c), nil
	}, "")
	if err != nil {
		return err
	}
	f.Keys = strings.Join(append(slices.Clone(dims), "session"), ", ")
	f.Where = "counted AND " + f.Where
	names := make([]string, len(dims))
	for i := range dims {
		names[i] = fmt.Sprintf("d%d", i)
	}
	f.Select = selectList(names, aggs)
	f.With, f.Rows = r.eventRows()
	if len(numbers) > 0 {
		f.Join = "LEFT JOIN (" + r.numbersBySession(numbers) + ") sn USING (session)"
	}
	return nil
}

func selectList(dims, aggs []string) string {
	all := append(slices.Clone(dims), aggs...)
	if len(all) == 0 {
		return "count(*) AS nothing" // one row, like any answer without dimensions
	}
	return strings.Join(all, ", ")
}

func ordinals(n int) string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprint(i + 1)
	}
	return strings.Join(out, ", ")
}

// sortedKeys returns the keys of m in order.
func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

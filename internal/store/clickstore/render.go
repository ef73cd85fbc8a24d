// Rendering: a plan and what a snapshot sees become one SQL statement.
package clickstore

import (
	"embed"
	"fmt"
	"slices"
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
	return &dialect{templates: t, events: eventSources(), sessions: sessionSources(), sessionNumbers: sessionNumbers()}, nil
}

func (d *dialect) execute(name string, fields any) (string, error) {
	var b strings.Builder
	if err := d.templates.ExecuteTemplate(&b, name, fields); err != nil {
		return "", fmt.Errorf("render %s: %w", name, err)
	}
	return b.String(), nil
}

// statement is a rendered plan.
type statement struct {
	sql  string
	dims []store.Bucket // NoBucket: the column is the text
	aggs int
}

// fields are what the templates of relations use.
type fields struct {
	Table, Select, Keys, Joins, Rows, Where, GroupBy, Limit string
	Revisions, Highest                                      string
}

// view is what a plan may see: what was published, and what upkeep made of it.
type view struct {
	seen visible
	doc  *document
}

// counting is what a statement says of numbers.
type counting uint8

const (
	// whole numbers are those of the answer.
	whole counting = iota
	// parts are numbers, and sets of users that can be put together.
	parts
	// sketches are parts whose users are sketches.
	sketches
)

// renderer collects what one side of a plan needs: the young rows or the final ones.
type renderer struct {
	d       *dialect
	p       *store.Plan
	v       *view
	isFinal bool
	count   counting
	// Rows read lie in [from, to), and in one of pieces if there are any.
	from, to event.Time
	pieces   []store.TimeSpan
	// needs are the columns of sessions that events are joined with; isJoined says
	// whether they are joined at all.
	needs    []string
	isJoined bool
	number   string // what numbers of sessions are called, with an index behind
}

// render returns the statement that answers p from rows. With pieces it reads those
// of these times only.
func (d *dialect) render(p *store.Plan, v *view, pieces ...store.TimeSpan) (*statement, error) {
	st := &statement{aggs: len(p.Aggregates)}
	for _, dim := range p.Dimensions {
		bucket := store.NoBucket
		if dim.Column == store.ColTime {
			bucket = dim.Bucket
		}
		st.dims = append(st.dims, bucket)
	}
	sides := d.sides(p, v, pieces)
	f := fields{}
	var err error
	switch {
	case p.Relation == store.EventSessions:
		st.sql, err = d.eventSessions(p, sides)
	case len(sides) == 1:
		if p.MaxRows > 0 {
			f.Limit = fmt.Sprintf("LIMIT %d", p.MaxRows+1)
		}
		st.sql, err = sides[0].side(f)
	default:
		st.sql, err = d.bothSides(p, sides)
	}
	return st, err
}

// use returns the expression of s and remembers what it needs.
func (r *renderer) use(s source) string {
	if r.isFinal && s.final != "" {
		return s.final
	}
	for _, c := range s.needs {
		r.isJoined = true
		if !slices.Contains(r.needs, c) {
			r.needs = append(r.needs, c)
		}
	}
	return s.expr
}

func (r *renderer) sources() map[store.Column]source {
	if r.p.Relation == store.Sessions {
		return r.d.sessions
	}
	return r.d.events
}

func (r *renderer) dimensions() ([]string, error) {
	out := make([]string, 0, len(r.p.Dimensions))
	for i, d := range r.p.Dimensions {
		x, err := r.dimensionKey(d)
		if err != nil {
			return nil, err
		}
		out = append(out, fmt.Sprintf("%s AS d%d", x, i))
	}
	return out, nil
}

// dimensionKey renders what a dimension groups by.
func (r *renderer) dimensionKey(d store.Dimension) (string, error) {
	if d.Column == store.ColTime {
		n, err := bucketNumber(d.Bucket, r.use(r.sources()[d.Column]), r.p)
		return "toInt64(" + n + ")", err
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
		return r.use(s), nil
	case kindParam:
		return paramText(r.use(s), d.Param), nil
	case kindTime:
		return bucketTextSQL(d.Bucket, r.use(s), r.p)
	}
	return "", unsupported(d.Column, "a dimension")
}

// aggregates renders the numbers of the plan; column those of their columns, user what
// tells users apart.
func (r *renderer) aggregates(column func(store.Column, kind) (string, error), user func() (string, error)) ([]string, error) {
	out := make([]string, 0, len(r.p.Aggregates))
	for i, a := range r.p.Aggregates {
		var name, of string
		var err error
		switch a.Op {
		case store.Count:
			name = "count"
		case store.Sum:
			name = "sum"
			of, err = column(a.Column, kindNumber)
		case store.DistinctUsers:
			name = [...]string{whole: "uniqExact", parts: "uniqExactState", sketches: usersSketchName("State")}[r.count]
			of, err = user()
		default:
			err = fmt.Errorf("%w: aggregate %d", store.ErrUnsupported, a.Op)
		}
		if err != nil {
			return nil, err
		}
		args := []string{of}
		if of == "" {
			args = nil
		}
		if a.Where != "" {
			w, err := column(a.Where, kindBool)
			if err != nil {
				return nil, err
			}
			name, args = withIf(name), append(args, w)
		}
		x := name + "(" + strings.Join(args, ", ") + ")"
		if r.count == whole {
			out = append(out, fmt.Sprintf("toInt64(%s) AS a%d", x, i))
		} else {
			out = append(out, fmt.Sprintf("%s AS x%d", x, i))
		}
	}
	return out, nil
}

// usersSketchName is the function of sketches with a combinator, and its precision.
func usersSketchName(combinator string) string {
	name, precision, _ := strings.Cut(usersSketch, "(")
	return name + combinator + "(" + precision
}

// withIf adds the combinator of a condition, before a precision.
func withIf(name string) string {
	name, precision, ok := strings.Cut(name, "(")
	if ok {
		precision = "(" + precision
	}
	return name + "If" + precision
}

// columnOf returns a finder among sources.
func (r *renderer) columnOf(sources map[store.Column]source) func(store.Column, kind) (string, error) {
	return func(c store.Column, k kind) (string, error) {
		s, ok := sources[c]
		if !ok || s.kind != k {
			return "", unsupported(c, "an aggregate of this relation")
		}
		return r.use(s), nil
	}
}

func noUser() (string, error) {
	return "", fmt.Errorf("%w: distinct users of sessions", store.ErrUnsupported)
}

// user renders what tells users apart (S9).
func (r *renderer) user() (string, error) {
	if !r.p.ObservedUsers {
		return "e.client", nil
	}
	return r.use(source{expr: "if(s.known AND s.user_id != '', concat('u', s.user_id), concat('c', toString(e.client)))",
		needs: []string{"user_id"}, final: "if(e.session_user_id != '', concat('u', e.session_user_id), concat('c', toString(e.client)))"}), nil
}

func (r *renderer) eventFields(f *fields, dims []string) error {
	aggs, err := r.aggregates(r.columnOf(r.d.events), r.user)
	if err != nil {
		return err
	}
	f.Table, f.Select, f.Rows = r.eventTable(), selectList(dims, aggs), r.eventRows()
	f.Joins, err = r.joins()
	return err
}

func (r *renderer) eventTable() string {
	if r.isFinal {
		return finalEventsTable
	}
	return eventsTable
}

func (r *renderer) sessionFields(f *fields, dims []string) error {
	aggs, err := r.aggregates(r.columnOf(r.d.sessions), noUser)
	if err != nil {
		return err
	}
	f.Select = selectList(dims, aggs)
	if r.isFinal {
		f.Rows = r.finalSessionRows()
	} else {
		f.Rows, f.Revisions, f.Highest = r.sessionRows()
	}
	return nil
}

// eventSessionFields: the distinct rows carry the numbers of their sessions.
func (r *renderer) eventSessionFields(f *fields, dims []string) error {
	keys := append(slices.Clone(dims), r.use(source{expr: sessionOf, needs: []string{"counted"}, final: "e.session"})+" AS id")
	columns, _, err := r.d.numbersOf(r.p)
	if err != nil {
		return err
	}
	for i, c := range columns {
		keys = append(keys, fmt.Sprintf("%s AS %s%d", r.use(r.d.sessionNumbers[c]), r.number, i))
	}
	f.Table, f.Keys, f.Rows = r.eventTable(), strings.Join(keys, ", "), r.eventRows()
	if r.isFinal {
		f.Rows += " AND e.counted"
	} else {
		f.Rows += " AND s.known AND s.counted"
	}
	f.Joins, err = r.joins()
	return err
}

func selectList(dims, aggs []string) string {
	all := append(slices.Clone(dims), aggs...)
	if len(all) == 0 {
		return "toInt64(count()) AS nothing" // one row, like any answer without dimensions
	}
	return strings.Join(all, ", ")
}

// names returns prefix0, prefix1, ...
func names(prefix string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%s%d", prefix, i)
	}
	return out
}

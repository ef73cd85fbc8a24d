// A store small enough to be read at a glance: rows are maps, plans are loops.
package report

import (
	"context"
	"fmt"
	"sync"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/property"
	"tidemark/internal/store"
)

// fakeEvent is one event row with the columns of its session.
type fakeEvent struct {
	at      time.Time
	client  string
	session string // "" outside sessions
	text    map[store.Column]string
	params  map[string]string
	active  bool
	view    bool
	key     bool
	first   bool
	ms      int64
	micros  int64
	verdict string
}

type fakeSession struct {
	start   time.Time
	text    map[store.Column]string
	engaged bool
	lasted  time.Duration
	verdict string
}

// fakeStore answers plans from its rows. Only Snapshot may be called.
type fakeStore struct {
	store.Store
	events   []fakeEvent
	sessions map[string]fakeSession

	mu    sync.Mutex
	plans []*store.Plan
	taken int
	held  int
	err   error
	// restated is what a shared store notes in its snapshots.
	restated map[event.PropertyID][]store.Restated
}

func (f *fakeStore) Snapshot(context.Context) (store.Snapshot, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.taken++
	f.held++
	return &fakeSnapshot{f}, nil
}

type fakeSnapshot struct{ *fakeStore }

func (s *fakeSnapshot) Manifest() store.Manifest { return store.Manifest{Restated: s.restated} }
func (s *fakeSnapshot) ClientsOf(context.Context, event.PropertyID, string) ([]string, error) {
	return nil, nil
}

func (s *fakeSnapshot) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held--
}

// row is what a plan sees of an event or a session.
type row struct {
	at      event.Time
	text    map[store.Column]string
	params  map[string]string
	user    string
	session string
	bools   map[store.Column]bool
	numbers map[store.Column]int64
	verdict string
}

func (s *fakeSnapshot) Run(_ context.Context, p *store.Plan) (*store.Rows, error) {
	s.mu.Lock()
	s.plans = append(s.plans, p)
	s.mu.Unlock()
	if s.err != nil {
		return nil, s.err
	}
	groups, order := map[string][]row{}, [][]string{}
	seen := map[string]bool{}
	for _, r := range s.rows(p.Relation) {
		if r.at < p.From || r.at >= p.To || (r.verdict != "" && !p.AllVerdicts) || !holds(p, p.Filter, r) {
			continue
		}
		var dims []string
		for _, d := range p.Dimensions {
			dims = append(dims, textOf(p, d, r))
		}
		key := fmt.Sprintf("%q", dims)
		if p.Relation == store.EventSessions {
			once := key + r.session
			if r.session == "" || seen[once] {
				continue
			}
			seen[once] = true
			r = sessionRow(r.session, s.sessions[r.session])
		}
		if _, ok := groups[key]; !ok {
			order = append(order, dims)
		}
		groups[key] = append(groups[key], r)
	}
	if len(p.Dimensions) == 0 && len(order) == 0 {
		order = [][]string{nil}
	}
	out := &store.Rows{}
	for _, dims := range order {
		out.Dimensions = append(out.Dimensions, dims)
		var numbers []int64
		for _, a := range p.Aggregates {
			numbers = append(numbers, aggregate(a, groups[fmt.Sprintf("%q", dims)]))
		}
		out.Aggregates = append(out.Aggregates, numbers)
	}
	if p.MaxRows > 0 && len(out.Aggregates) > p.MaxRows {
		return nil, store.ErrTooManyRows
	}
	return out, nil
}

func (s *fakeSnapshot) rows(rel store.Relation) []row {
	var rows []row
	if rel == store.Sessions {
		for id, ses := range s.sessions {
			rows = append(rows, sessionRow(id, ses))
		}
		return rows
	}
	for _, e := range s.events {
		text := map[store.Column]string{}
		for c, v := range s.sessions[e.session].text {
			text[c] = v
		}
		for c, v := range e.text {
			text[c] = v
		}
		rows = append(rows, row{
			at: event.TimeOf(e.at), text: text, params: e.params, user: e.client, session: e.session,
			bools: map[store.Column]bool{store.ColActive: e.active, store.ColPageView: e.view,
				store.ColKeyEvent: e.key, store.ColFirstEvent: e.first},
			numbers: map[store.Column]int64{store.ColEngagementMS: e.ms, store.ColValueMicros: e.micros},
			verdict: e.verdict,
		})
	}
	return rows
}

func sessionRow(id string, s fakeSession) row {
	return row{at: event.TimeOf(s.start), text: s.text, session: id, verdict: s.verdict,
		bools:   map[store.Column]bool{store.ColEngaged: s.engaged},
		numbers: map[store.Column]int64{store.ColDurationMicros: s.lasted.Microseconds()}}
}

func aggregate(a store.Aggregate, rows []row) int64 {
	n, users := int64(0), map[string]bool{}
	for _, r := range rows {
		if a.Where != "" && !r.bools[a.Where] {
			continue
		}
		users[r.user] = true
		if a.Op == store.Sum {
			n += r.numbers[a.Column]
		} else {
			n++
		}
	}
	if a.Op == store.DistinctUsers {
		return int64(len(users))
	}
	return n
}

func textOf(p *store.Plan, d store.Dimension, r row) string {
	switch d.Column {
	case store.ColParam:
		if v, ok := r.params[d.Param]; ok {
			return v
		}
		return store.NotSet
	case store.ColTime:
		return bucketText(p, d.Bucket, r.at)
	case store.ColQuery:
		return r.text[d.Column]
	}
	if v, ok := r.text[d.Column]; ok {
		return v
	}
	return store.NotSet
}

func bucketText(p *store.Plan, b store.Bucket, t event.Time) string {
	if b == store.MinutesAgo {
		return fmt.Sprintf("%02d", p.Anchor.Sub(t)/time.Minute)
	}
	offset := p.Zone[0].Offset
	for _, step := range p.Zone[1:] {
		if t >= step.At {
			offset = step.Offset
		}
	}
	layout := map[store.Bucket]string{store.Date: "20060102", store.DateHour: "2006010215",
		store.Hour: "15", store.DateMinute: "200601021504", store.Year: "2006", store.Month: "200601",
		store.Week: "20060102", store.ISOWeek: "20060102"}[b]
	local := (t + event.Time(offset)).Std()
	switch b {
	case store.Week:
		local = local.AddDate(0, 0, -int(local.Weekday()))
	case store.ISOWeek:
		local = local.AddDate(0, 0, -(int(local.Weekday())+6)%7)
	}
	return local.Format(layout)
}

func holds(p *store.Plan, f *store.Predicate, r row) bool {
	switch {
	case f == nil:
		return true
	case f.Leaf != nil:
		field := FieldFilter{Match: f.Leaf.Match, Values: f.Leaf.Values, CaseSensitive: f.Leaf.CaseSensitive}
		if isNumeric(field.Match) {
			for _, v := range f.Leaf.Values {
				x, _ := parseNumber(v)
				field.Numbers = append(field.Numbers, x)
			}
		}
		match, err := textMatch("", &field)
		if err != nil {
			panic(err)
		}
		return match(textOf(p, f.Leaf.Dimension, r))
	case f.Not != nil:
		return !holds(p, f.Not, r)
	}
	for _, part := range f.And {
		if !holds(p, part, r) {
			return false
		}
	}
	for _, part := range f.Or {
		if holds(p, part, r) {
			return true
		}
	}
	return len(f.And) > 0
}

// fakeFreshness says the same of every property.
type fakeFreshness struct{}

func (fakeFreshness) Freshness(context.Context, event.PropertyID) (Freshness, error) {
	return Freshness{ProcessedThrough: 100, FinalThrough: 50, CompleteThrough: 90}, nil
}

// fakeRestatements are those of every property.
type fakeRestatements []Restatement

func (f fakeRestatements) Restatements(context.Context, event.PropertyID) ([]Restatement, error) {
	return f, nil
}

func berlin() property.Property {
	return property.Property{ID: 7, TimeZone: "Europe/Berlin", Currency: "EUR"}
}

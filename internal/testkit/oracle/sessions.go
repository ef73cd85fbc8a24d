// Sessions from scratch: sort each thread of events and cut it at the gaps (S12).
package oracle

import (
	"slices"
	"time"

	"tidemark/internal/event"
)

// trackerGap ends a session whose id the tracker chose.
const trackerGap = 24 * time.Hour

// longestDays is how many local days after the day of its start a session can still grow.
const longestDays = 3

// client is one browser instance as the reports of one verdict see it (S9, S23).
type client struct {
	id, verdict string
	rows        []*row // without synthetic rows, in order (S4)
	sessions    []*session

	source, medium, campaign, channel string  // of its first session (S17)
	stranger                          *client // what rows before its first session see
}

// session is a run of events of one client (S12).
type session struct {
	client *client
	rows   []*row // without synthetic rows, in order (S4)

	start, end                        event.Time
	source, medium, campaign, channel string
	ownSource                         bool
	newVsReturning                    string
	userID                            string // first user id in it
	views, keyEvents                  int
	engagementMS                      int64
	engaged                           bool
	landing                           *row // first page_view, nil if none
}

// thread names the events among which a session can form.
type thread struct {
	client *client
	sid    string
}

func (w *world) sessionize() {
	threads := map[thread][]*row{}
	clients := map[[2]string]*client{}
	hosts := map[*event.Event]*row{}
	for _, r := range w.rows {
		k := [2]string{r.event.ClientId, r.facts.Verdict}
		if clients[k] == nil {
			clients[k] = &client{id: k[0], verdict: k[1]}
			w.clients = append(w.clients, clients[k])
		}
		r.client = clients[k]
		if r.synthetic {
			continue
		}
		hosts[r.event] = r
		r.client.rows = append(r.client.rows, r)
		if r.event.Sessionless {
			r.holder = w.localDay(r.time()).Format(time.DateOnly)
			continue
		}
		t := thread{r.client, r.event.SessionId}
		threads[t] = append(threads[t], r)
	}
	for t, rows := range threads {
		w.cutThread(t, rows)
	}
	for _, r := range w.rows { // Synthetic rows lie where their event lies.
		if r.synthetic {
			r.session, r.holder = hosts[r.event].session, hosts[r.event].holder
		}
	}
	for _, c := range w.clients {
		slices.SortFunc(c.rows, before)
		c.rows[0].first = true
		slices.SortFunc(c.sessions, func(a, b *session) int { return before(a.rows[0], b.rows[0]) })
	}
	for _, s := range w.sessions {
		w.sumUp(s)
	}
}

// cutThread makes sessions of the events of one thread.
func (w *world) cutThread(t thread, rows []*row) {
	slices.SortFunc(rows, before)
	gap := time.Duration(w.definition.SessionTimeoutMs) * time.Millisecond
	if t.sid != "" {
		gap = trackerGap
	}
	var s *session
	for i, r := range rows {
		if i == 0 || r.time().Sub(rows[i-1].time()) >= gap || w.daysBetween(s.rows[0].time(), r.time()) > longestDays {
			s = &session{client: t.client}
			w.sessions = append(w.sessions, s)
			t.client.sessions = append(t.client.sessions, s)
		}
		s.rows = append(s.rows, r)
		r.session = s
	}
}

// sumUp fills in what a session is the sum of (S14, S15).
func (w *world) sumUp(s *session) {
	s.start, s.end = s.rows[0].time(), s.rows[len(s.rows)-1].time()
	for _, r := range s.rows {
		if r.pageView {
			s.views++
		}
		if r.keyEvent {
			s.keyEvents++
		}
		if r.name == "page_view" && s.landing == nil {
			s.landing = r
		}
		if s.userID == "" {
			s.userID = r.event.UserId
		}
		s.engagementMS += r.engagementMS
	}
	for _, r := range w.rows { // A synthetic row can be a key event too.
		if r.synthetic && r.session == s && r.keyEvent {
			s.keyEvents++
		}
	}
	long := s.end.Sub(s.start) >= 10*time.Second || s.engagementMS >= 10_000
	s.engaged = long || s.keyEvents > 0 || s.views >= 2
}

// daysBetween returns how many local days b's day is after a's.
func (w *world) daysBetween(a, b event.Time) int {
	return int(w.localDay(b).Sub(w.localDay(a)) / (24 * time.Hour))
}

// localDay returns the calendar day of t in the property's zone, as a midnight in UTC.
func (w *world) localDay(t event.Time) time.Time {
	y, m, d := t.Std().In(location(w.definition.TimeZone)).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

func location(name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC
	}
	return loc
}

// Metrics: what each catalog name makes of a group of rows and sessions.
package oracle

import (
	"fmt"
	"time"
)

// group is what fell into one cell of a report.
type group struct {
	dimensions []string
	rows       []*row
	sessions   map[*session]bool
	currency   string // of the property
	observed   bool   // count users by user id where one is known (S9)
}

// metric computes one number. Which of the two it reads decides which groups exist.
type metric struct {
	readsRows, readsSessions bool
	of                       func(*group) float64
}

func findMetric(name string) (metric, error) {
	for _, table := range []map[string]metric{rowMetrics(), sessionMetrics(), mixedMetrics(), moneyMetrics()} {
		if m, ok := table[name]; ok {
			return m, nil
		}
	}
	return metric{}, fmt.Errorf("find metric %q: not in the catalog", name)
}

func rowMetrics() map[string]metric {
	sum := func(f func(*row) float64) metric {
		return metric{readsRows: true, of: func(g *group) float64 {
			total := 0.0
			for _, r := range g.rows {
				total += f(r)
			}
			return total
		}}
	}
	count := func(f func(*row) bool) metric {
		return sum(func(r *row) float64 {
			if f(r) {
				return 1
			}
			return 0
		})
	}
	return map[string]metric{
		"eventCount":      count(func(*row) bool { return true }),
		"screenPageViews": count(func(r *row) bool { return r.pageView }),
		"keyEvents":       count(func(r *row) bool { return r.keyEvent }),
		"newUsers":        count(func(r *row) bool { return r.first }),
		"totalUsers":      {readsRows: true, of: func(g *group) float64 { return g.users(false) }},
		"activeUsers":     {readsRows: true, of: func(g *group) float64 { return g.users(true) }},
		"eventValue": {readsRows: true, of: func(g *group) float64 {
			micros := int64(0)
			for _, r := range g.rows {
				micros += r.valueMicros
			}
			return float64(micros) / 1e6
		}},
		"userEngagementDuration": {readsRows: true, of: func(g *group) float64 {
			ms := int64(0)
			for _, r := range g.rows {
				ms += r.engagementMS
			}
			return float64(ms) / 1000
		}},
	}
}

func sessionMetrics() map[string]metric {
	count := func(f func(*session) bool) func(*group) float64 {
		return func(g *group) float64 {
			n := 0.0
			for s := range g.sessions {
				if f(s) {
					n++
				}
			}
			return n
		}
	}
	all := count(func(*session) bool { return true })
	engaged := count(func(s *session) bool { return s.engaged })
	bounced := count(func(s *session) bool { return !s.engaged })
	return map[string]metric{
		"sessions":        {readsSessions: true, of: all},
		"engagedSessions": {readsSessions: true, of: engaged},
		"engagementRate":  {readsSessions: true, of: ratio(engaged, all)},
		"bounceRate":      {readsSessions: true, of: ratio(bounced, all)},
		"averageSessionDuration": {readsSessions: true, of: ratio(func(g *group) float64 {
			total := time.Duration(0)
			for s := range g.sessions {
				total += s.end.Sub(s.start)
			}
			return total.Seconds()
		}, all)},
	}
}

func mixedMetrics() map[string]metric {
	rows, sessions := rowMetrics(), sessionMetrics()
	both := func(num, den metric) metric {
		return metric{readsRows: true, readsSessions: num.readsSessions || den.readsSessions, of: ratio(num.of, den.of)}
	}
	return map[string]metric{
		"sessionsPerUser":           both(sessions["sessions"], rows["activeUsers"]),
		"screenPageViewsPerSession": both(rows["screenPageViews"], sessions["sessions"]),
		"screenPageViewsPerUser":    both(rows["screenPageViews"], rows["activeUsers"]),
		"eventsPerSession":          both(rows["eventCount"], sessions["sessions"]),
		"eventCountPerUser":         both(rows["eventCount"], rows["activeUsers"]),
	}
}

// ratio divides exact parts; nothing divided by nothing is 0 (S36).
func ratio(num, den func(*group) float64) func(*group) float64 {
	return func(g *group) float64 {
		d := den(g)
		if d == 0 {
			return 0
		}
		return num(g) / d
	}
}

// users counts distinct users, of all rows or of the active ones (S9, S11).
func (g *group) users(activeOnly bool) float64 {
	seen := map[string]bool{}
	for _, r := range g.rows {
		if activeOnly && !r.active {
			continue
		}
		seen[g.userOf(r)] = true
	}
	return float64(len(seen))
}

func (g *group) userOf(r *row) string {
	if g.observed {
		if id := observedUser(r); id != "" {
			return "user " + id
		}
	}
	return "client " + r.client.verdict + " " + r.client.id
}

// observedUser returns the first user id of the row's session. Events outside
// sessions share one holder a day.
func observedUser(r *row) string {
	if r.session != nil {
		return r.session.userID
	}
	for _, other := range r.client.rows {
		if other.holder == r.holder && other.session == nil && other.event.UserId != "" {
			return other.event.UserId
		}
	}
	return ""
}

// Attribution from scratch: where sessions and users came from, and who is new (S17, S18).
package oracle

import (
	"time"

	"tidemark/internal/enrich"
	"tidemark/internal/event"
)

const (
	notSet = "(not set)"
	direct = "(direct)"
	none   = "(none)"
)

func (w *world) attribute() {
	for _, c := range w.clients {
		for i, s := range c.sessions {
			w.ownSource(s)
			if !s.ownSource {
				w.inheritSource(s, c.sessions[:i])
			}
			s.newVsReturning = newOrReturning(s)
		}
		w.firstUserSource(c)
	}
}

// ownSource takes the source of the first event that brings one.
func (w *world) ownSource(s *session) {
	for _, r := range s.rows {
		if r.facts.HasSource {
			s.ownSource = true
			w.setSource(s, r.facts.Source, r.facts.Medium, r.facts.Campaign)
			return
		}
	}
}

// inheritSource takes the source of the latest earlier session that brought
// one, if it began within 90 days; else the session is direct.
func (w *world) inheritSource(s *session, earlier []*session) {
	for i := len(earlier) - 1; i >= 0; i-- {
		p := earlier[i]
		if p.ownSource && s.start.Sub(p.start) <= event.Attribution {
			w.setSource(s, p.source, p.medium, p.campaign)
			return
		}
	}
	w.setSource(s, direct, none, direct)
}

func (w *world) setSource(s *session, source, medium, campaign string) {
	s.source, s.medium, s.campaign = source, medium, campaign
	s.channel = w.channel(source, medium, campaign)
}

func (w *world) channel(source, medium, campaign string) string {
	return enrich.Channel(w.definition.ChannelRules, source, medium, campaign)
}

// firstUserSource takes the source of the client's first session. Rows outside
// sessions know it if it began by the end of their day: whether a client comes
// back some other day must not change a day that is long final.
func (w *world) firstUserSource(c *client) {
	c.stranger = &client{source: direct, medium: none, campaign: direct, channel: w.channel(direct, none, direct)}
	if len(c.sessions) == 0 {
		c.source, c.medium, c.campaign, c.channel = c.stranger.source, c.stranger.medium, c.stranger.campaign, c.stranger.channel
		return
	}
	s := c.sessions[0]
	c.source, c.medium, c.campaign, c.channel = s.source, s.medium, s.campaign, s.channel
	began := w.localDay(s.start).Format(time.DateOnly)
	for _, r := range w.rows {
		if r.client == c && r.session == nil && r.holder < began {
			r.beforeFirst = true
		}
	}
}

// newOrReturning applies S18.
func newOrReturning(s *session) string {
	holdsFirst := false
	for _, r := range s.rows {
		if r.event.SessionCount > 1 {
			return "returning"
		}
		holdsFirst = holdsFirst || r.first
	}
	if holdsFirst {
		return "new"
	}
	return "returning"
}

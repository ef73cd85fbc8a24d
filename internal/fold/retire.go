// Retire: what no event can change any more leaves the client record and
// becomes one line of history (S16).
package fold

import (
	"slices"
	"time"

	"tidemark/internal/event"
)

// retire moves sessions out of reach of any acceptable event into c.History.
// Counted sessions go in the order of their starts only: history keeps just the
// last source, which must lie before every session that stays.
func (f *Fold) retire(c *client) {
	horizon := f.clock.Add(-StateHorizon)
	sessions := f.scratch.sessions // derived by tell just before
	inOrder := true
	for _, s := range sessions {
		done := event.Time(s.sum.End).Add(retireGap(s)) < horizon
		switch {
		case s.sum.Thread == THREAD_ALONE:
			c.drop(s)
		case s.counted() && inOrder && done:
			c.archive(s)
			c.drop(s)
		case s.counted():
			inOrder = false
		case done:
			c.drop(s)
		}
	}
}

func retireGap(s *session) time.Duration {
	if !s.counted() {
		return 48 * time.Hour // the local day may still go on
	}
	return s.sum.gap()
}

func (c *client) archive(s *session) {
	h := c.History
	if h.Sessions == 0 {
		h.FirstSession = &Origin{Place: s.sum.First}
		h.FirstSession.set(s.first)
	}
	h.Sessions++
	if s.sum.Origin != nil {
		h.LastOrigin, h.LastOriginStart = &Origin{}, s.sum.First.EventTime
		h.LastOrigin.set(s.sum.Origin)
	}
}

func (c *client) drop(s *session) {
	c.shaken = true // what stays may have owed something to it
	for _, p := range s.parts {
		if c.FirstPart == p.Id {
			c.FirstPart = 0
		}
	}
	c.Parts = slices.DeleteFunc(c.Parts, func(p *Part) bool { return slices.Contains(s.parts, p) })
	id := s.parts[0].Id
	c.Told = slices.DeleteFunc(c.Told, func(t *Told) bool { return t.Session == id })
}

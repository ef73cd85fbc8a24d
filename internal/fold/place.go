// Place: in which part of which thread an event lies (S12, S13, S32, S38).
package fold

import (
	"time"

	"tidemark/internal/event"
	"tidemark/internal/ledger"
	"tidemark/internal/window"
)

const dayGap = 7 * 24 * time.Hour // wider than any local day: one part per day

// place finds or opens the part of e and merges parts that e bridges. The part
// does not contain e yet.
func (f *Fold) place(c *client, e *event.Event, def *definition, l *ledger.Outcomes) *Part {
	at := event.Time(e.EventTime)
	thread, sid, gap := threadOf(e, def)
	if f.clock.Sub(at) > StateHorizon {
		l.Unmerged++
		return f.open(c, THREAD_ALONE, "", gap, at, def)
	}
	day := def.zone.LocalDay(at)
	if part := f.join(c, thread, sid, day, at); part != nil {
		return part
	}
	if thread != THREAD_NONE && len(c.Parts) >= MaxParts {
		l.Overflow++
		thread, sid, gap = THREAD_NONE, "", dayGap
		if part := f.join(c, thread, sid, day, at); part != nil {
			return part
		}
	}
	return f.open(c, thread, sid, gap, at, def)
}

// The generated names of Thread's values, in Go's fashion.
const (
	THREAD_TIMEOUT = Thread_THREAD_TIMEOUT
	THREAD_SID     = Thread_THREAD_SESSION_ID
	THREAD_NONE    = Thread_THREAD_NONE
	THREAD_ALONE   = Thread_THREAD_ALONE
)

func threadOf(e *event.Event, def *definition) (Thread, string, time.Duration) {
	switch {
	case e.Sessionless:
		return THREAD_NONE, "", dayGap
	case e.SessionId != "":
		return THREAD_SID, e.SessionId, window.SessionIDGap
	}
	return THREAD_TIMEOUT, "", def.timeout
}

// join returns the part of that thread and day that an event at `at` joins, or
// nil. If it bridges two, they become one: the one with the smaller id stays.
func (f *Fold) join(c *client, thread Thread, sid string, day int32, at event.Time) *Part {
	var part *Part
	for i := 0; i < len(c.Parts); i++ {
		p := c.Parts[i]
		if p.Thread != thread || p.LocalDay != day || p.SessionId != sid ||
			!window.JoinsPart(at, event.Time(p.First.EventTime), event.Time(p.End), p.gap()) {
			continue
		}
		if part == nil {
			part = p
			continue
		}
		stay, gone := part, p
		if gone.Id < stay.Id {
			stay, gone = gone, stay
		}
		stay.absorb(gone)
		c.shaken = true
		if c.FirstPart == gone.Id {
			c.FirstPart = stay.Id
		}
		part = stay
		c.removePart(gone)
		i-- // the part now at i was not looked at
	}
	return part
}

func (f *Fold) open(c *client, thread Thread, sid string, gap time.Duration, at event.Time, def *definition) *Part {
	p := &Part{
		Id:        uint64(f.now),
		Thread:    thread,
		SessionId: f.names.get(sid),
		GapUs:     gap.Microseconds(),
		LocalDay:  def.zone.LocalDay(at),
	}
	c.Parts = append(c.Parts, p)
	return p
}

func (p *Part) gap() time.Duration { return time.Duration(p.GapUs) * time.Microsecond }

func (c *client) removePart(p *Part) {
	for i := range c.Parts {
		if c.Parts[i] == p {
			c.Parts = append(c.Parts[:i], c.Parts[i+1:]...)
			return
		}
	}
}

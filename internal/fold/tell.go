// Tell: revisions, tombstones and aliases for what differs from what the store
// was told before (S24).
package fold

import (
	"encoding/binary"
	"slices"

	"github.com/zeebo/xxh3"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

const notSet = store.NotSet

// untold is no session's number: the store must be told again.
const untold = ^uint64(0)

// tell derives c's sessions and adds to out what the store does not know yet.
func (f *Fold) tell(c *client, out *store.Batch) {
	sessions := f.sessions(c)
	revision := uint64(f.now.Offset()) + 1
	if f.replays > 0 {
		revision = f.replays
	}
	def := f.definition(c.property)
	old := append(f.scratch.told[:0], c.Told...)
	f.scratch.told = old
	c.Told = c.Told[:0]
	same := !f.tellAll && c.sameSessions(sessions, old, def)
	for _, s := range sessions {
		if same && !slices.Contains(s.parts, c.part) {
			c.Told = append(c.Told, findTold(old, s.parts[0].Id))
			continue
		}
		row := f.sessionRow(c, s, def)
		told, checksum := findTold(old, uint64(row.Session)), f.checksum(&row)
		if told == nil || told.Checksum != checksum {
			if told == nil {
				told = &Told{Session: uint64(row.Session)}
			}
			told.Checksum = checksum
			row.Revision = revision
			out.Sessions = append(out.Sessions, row)
		}
		c.Told = append(c.Told, told)
		f.tellAliases(c, s, row.Session, revision, out)
	}
	c.recent = recent{def: def}
	for _, t := range old {
		if findTold(c.Told, t.Session) == nil {
			out.Sessions = append(out.Sessions, store.SessionRow{
				Property: c.property, Session: event.RowID(t.Session), Revision: revision,
				Tombstone: true, Client: event.RowID(c.Number), Verdict: c.verdict,
			})
		}
	}
}

func findTold(told []*Told, session uint64) *Told {
	for _, t := range told {
		if t.Session == session {
			return t
		}
	}
	return nil
}

// tellAliases says to which session the parts of s, and what they absorbed, belong.
func (f *Fold) tellAliases(c *client, s *session, id event.RowID, revision uint64, out *store.Batch) {
	for _, p := range s.parts {
		was := p.ToldSession
		if was == uint64(id) || (was == 0 && p.Id == uint64(id)) {
			continue
		}
		alias := store.AliasRow{Property: c.property, Part: event.RowID(p.Id), Session: id,
			Revision: revision, Time: event.Time(p.End)}
		out.Aliases = append(out.Aliases, alias)
		for _, absorbed := range p.Absorbed {
			alias.Part = event.RowID(absorbed)
			out.Aliases = append(out.Aliases, alias)
		}
		p.ToldSession = uint64(id)
	}
}

func (f *Fold) sessionRow(c *client, s *session, def *definition) store.SessionRow {
	p, v := s.sum, s.sum.Visit
	row := store.SessionRow{
		Property: c.property, Session: event.RowID(s.parts[0].Id), Counted: s.counted(),
		Client: event.RowID(c.Number), ClientID: c.ClientId, UserID: p.UserId, Verdict: c.verdict,
		Start: event.Time(p.First.EventTime), End: event.Time(p.End),
		Country: v.Country, Region: v.Region, City: v.City, Language: v.Language, Screen: v.Screen,
		Category: v.Category, Browser: v.Browser, OS: v.Os, OSMajor: v.OsMajor,
		Source: s.origin.Source, Medium: s.origin.Medium, Campaign: s.origin.Campaign, Channel: notSet,
		FirstUserSource: s.first.Source, FirstUserMedium: s.first.Medium, FirstUserCampaign: s.first.Campaign,
		FirstUserChannel: def.channel(s.first.Source, s.first.Medium, s.first.Campaign),
		LandingHost:      notSet, LandingPath: notSet, ExitHost: notSet, ExitPath: notSet,
		NewVsReturning: notSet, HasFirst: s.holds,
		Events: p.Events, Views: p.Views, KeyEvents: p.KeyEvents, EngagementMS: p.EngagementMs,
		RevenueMicros: p.RevenueMicros, Engaged: s.engaged(),
		SessionID: p.SessionId, OwnSource: s.sum.Origin != nil,
	}
	row.Closes = row.End.Add(p.gap())
	if s.counted() {
		row.Channel = def.channel(s.origin.Source, s.origin.Medium, s.origin.Campaign)
		row.NewVsReturning = "returning"
		if s.isNew {
			row.NewVsReturning = "new"
		}
	} else {
		row.Closes = row.End
	}
	if s.holds {
		row.FirstEvent = event.RowID(c.FirstRow)
	}
	if p.Landing != nil && s.counted() {
		row.LandingHost, row.LandingPath, row.LandingQuery = p.Landing.Host, p.Landing.Path, p.Landing.Query
		row.ExitHost, row.ExitPath = p.Exit.Host, p.Exit.Path
	}
	return row
}

// checksum is over all that a revision may change.
func (f *Fold) checksum(r *store.SessionRow) uint64 {
	b := f.keyBuf[:0]
	for _, n := range [...]int64{int64(r.Start), int64(r.End), int64(r.FirstEvent), r.Events, r.Views,
		r.KeyEvents, r.EngagementMS, r.RevenueMicros} {
		b = binary.LittleEndian.AppendUint64(b, uint64(n))
	}
	b = append(b, flag(r.HasFirst), flag(r.Engaged), flag(r.OwnSource))
	for _, s := range [...]string{r.UserID, r.LandingHost, r.LandingPath, r.LandingQuery, r.ExitHost,
		r.ExitPath, r.Country, r.Region, r.City, r.Language, r.Screen, r.Category, r.Browser, r.OS,
		r.OSMajor, r.Source, r.Medium, r.Campaign, r.Channel, r.FirstUserSource, r.FirstUserMedium,
		r.FirstUserCampaign, r.FirstUserChannel, r.NewVsReturning} {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	f.keyBuf = b
	return xxh3.Hash(b)
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}

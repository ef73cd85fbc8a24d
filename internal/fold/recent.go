// Recent: what a batch did to a client's sessions, so that those it cannot have changed
// need not be made into rows and compared. It saves work and decides nothing: what is
// told is the same as if all were looked at.
package fold

// recent is of one client since it was last told.
type recent struct {
	// part got events, and no other did.
	part *Part
	// shaken: something happened that other sessions than that of part may owe
	// something to: a part was opened, merged, retired or begins earlier, a source or
	// the client's first event is another one, or several parts got events.
	shaken bool
	// def is the definition by which all sessions were told last. Another one may
	// call channels otherwise.
	def *definition
}

func (r *recent) hit(p *Part) {
	if r.part != nil && r.part != p {
		r.shaken = true
	}
	r.part = p
}

// sameSessions tells whether only the session that holds r.part can differ from what
// the store was told (old). A part that grows at its end can still join two sessions
// and thereby cut a third loose: then one of them has a number that was not told.
func (r *recent) sameSessions(sessions []*session, old []*Told, def *definition) bool {
	if r.shaken || r.part == nil || r.def != def || len(sessions) != len(old) {
		return false
	}
	for _, s := range sessions {
		if findTold(old, s.parts[0].Id) == nil {
			return false
		}
	}
	return true
}

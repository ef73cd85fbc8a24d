// Erase: a client is forgotten (S30). What was counted of it is in rows, which the
// processor removes once a checkpoint holds that the client is gone.
package fold

import (
	"encoding/hex"
	"slices"

	"github.com/zeebo/xxh3"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// erasedMemory is how long events that were accepted before an erasure may still
// be read after it: what a spool may bring, and a margin.
const erasedMemory = event.AllowedLatenessTrusted + 25*60*60*1e9

// erase forgets a client under every verdict.
func (f *Fold) erase(e *event.Erasure, out *store.Batch) error {
	property, at := event.PropertyID(e.Property), event.Time(e.IngestTime)
	f.tick(at)
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, verdict := range f.verdicts {
		if err := f.forgetClient(property, verdict, e.ClientId, out); err != nil {
			return err
		}
	}
	for key, when := range f.erased {
		if f.clock.Sub(when) > erasedMemory {
			delete(f.erased, key)
		}
	}
	f.erased[erasedKey(property, e.ClientId)] = at
	f.erasures = append(f.erasures, store.Erasure{Property: property, ClientID: string([]byte(e.ClientId)), Before: f.now})
	return nil
}

// forgetClient drops the live state of a client and notes that the saved one goes.
func (f *Fold) forgetClient(p event.PropertyID, verdict, clientID string, out *store.Batch) error {
	c, err := f.client(p, verdict, clientID)
	if err != nil {
		return err
	}
	if c.touched {
		f.tell(c, out) // the store finds rows of a client by its sessions
	}
	f.touch(c)
	c.gone, c.touched = true, false
	delete(f.clients, c.key)
	f.gone[c.key] = c
	f.touched = slices.DeleteFunc(f.touched, func(t *client) bool { return t == c })
	return nil
}

// settleGone ends the memory of erased clients that a committed checkpoint deleted.
// Fold.mu is held.
func (f *Fold) settleGone(clients []*client) {
	if len(f.gone) == 0 {
		return
	}
	for _, c := range clients {
		// A client that was erased after the freeze was saved as it had been before.
		if f.gone[c.key] == c && !c.dirty {
			delete(f.gone, c.key)
		}
	}
}

// erasedKey stands for a client that shall not be named any more.
func erasedKey(p event.PropertyID, clientID string) string {
	sum := xxh3.HashString128(string(ClientKey(nil, p, "", clientID))).Bytes()
	return hex.EncodeToString(sum[:])
}

// wasErased tells whether an event was accepted before its client was erased.
func (f *Fold) wasErased(e *event.Event) bool {
	if len(f.erased) == 0 {
		return false
	}
	at, ok := f.erased[erasedKey(event.PropertyID(e.Property), e.ClientId)]
	return ok && event.Time(e.IngestTime) <= at
}

// noteVerdict remembers that clients of a verdict exist, so that an erasure finds them.
func (f *Fold) noteVerdict(verdict string) {
	if !slices.Contains(f.verdicts, verdict) {
		f.verdicts = append(f.verdicts, f.names.get(verdict))
	}
}

// Checkpoint: the state of a fold as it was at one offset, taken while the fold
// goes on (S26).
//
// The obvious way, encoding all changed clients at once, would stop the fold
// for a second per million clients and break D4. Instead Freeze only marks
// them. A marked client is encoded either by Encode, in small portions, or by
// the fold itself just before it changes the client (touch), whichever is first.
// Both hold Fold.mu.
package fold

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"tidemark/internal/event"
	"tidemark/internal/ledger"
	"tidemark/internal/store"
)

// Snapshot is what a checkpoint keeps of a fold beside its clients.
type Snapshot struct {
	Clock       event.Time                           `json:"clock"`
	Definitions map[event.PropertyID][]byte          `json:"definitions"`
	Ledgers     map[event.PropertyID]ledger.Outcomes `json:"ledgers"`
	Lateness    Lateness                             `json:"lateness"`
	Verdicts    []string                             `json:"verdicts,omitempty"`
	Erased      map[string]event.Time                `json:"erased,omitempty"`
	// Settlement is still to come; nil if there is none.
	Settlement *Settlement `json:"settlement,omitempty"`
	// Erasures are new since the checkpoint before: whoever commits this one sees to
	// their rows.
	Erasures []store.Erasure `json:"-"`
}

// Frozen is the state of a fold at the moment of Freeze.
type Frozen struct {
	Snapshot
	fold    *Fold
	clients []*client
	early   map[*client][]byte // encoded by the fold, before it changed them
}

type savedClient struct {
	key   string
	value []byte
}

// Erasures returns those that were logged since the last Freeze, in order. It is for the goroutine of Apply.
func (f *Fold) Erasures() []store.Erasure { return slices.Clone(f.erasures) }

// Freeze begins a checkpoint: between two batches, by the goroutine of Apply.
// One may be under way at a time.
func (f *Fold) Freeze() (*Frozen, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.checkpoint != nil {
		panic("BUG: a checkpoint of this fold is under way")
	}
	z := &Frozen{fold: f, clients: f.dirty, Snapshot: Snapshot{Clock: f.clock,
		Definitions: make(map[event.PropertyID][]byte, len(f.definitions)),
		Ledgers:     f.Ledgers(), Lateness: f.lateness,
		Verdicts: slices.Clone(f.verdicts), Erased: maps.Clone(f.erased), Erasures: f.erasures, Settlement: f.settlement}}
	f.erasures = nil
	for id, d := range f.definitions {
		b, err := proto.Marshal(d.record)
		if err != nil {
			return nil, fmt.Errorf("encode definition of property %d: %w", id, err)
		}
		z.Definitions[id] = b
	}
	for _, c := range f.dirty {
		c.dirty, c.frozen = false, z
	}
	f.dirty = nil
	f.checkpoint = z
	return z, nil
}

// portion is how many clients are encoded at a time while the fold waits.
const portion = 256

// Encode calls emit for every client that changed since the checkpoint before, as it
// was at Freeze, in ascending order of keys and each key once; nil for one that was
// erased. emit must not keep the slices.
func (z *Frozen) Encode(emit func(key, value []byte) error) error {
	clients := inOrder(z.clients)
	var p encoded
	for from := 0; from < len(clients); from += portion {
		z.take(&p, clients[from:min(from+portion, len(clients))])
		for _, c := range p.clients {
			p.key = append(p.key[:0], c.key...)
			if err := emit(p.key, c.value); err != nil {
				return err
			}
		}
	}
	return nil
}

// inOrder sorts a copy of clients by key. Who was erased and came back is there twice:
// the one that came later stays.
func inOrder(clients []*client) []*client {
	clients = slices.Clone(clients)
	slices.SortStableFunc(clients, func(a, b *client) int { return strings.Compare(a.key, b.key) })
	n := 0
	for i, c := range clients {
		if i+1 < len(clients) && clients[i+1].key == c.key {
			continue
		}
		clients[n] = c
		n++
	}
	return clients[:n]
}

// encoded is a portion, in memory that is used again for the next.
type encoded struct {
	clients []savedClient
	bytes   []byte
	key     []byte
}

func (z *Frozen) take(p *encoded, clients []*client) {
	p.clients, p.bytes = p.clients[:0], p.bytes[:0]
	z.fold.mu.Lock()
	defer z.fold.mu.Unlock()
	for _, c := range clients {
		saved := savedClient{key: c.key}
		if c.frozen == z {
			c.frozen = nil
			saved.value, p.bytes = c.save(p.bytes)
		} else {
			saved.value = z.early[c]
		}
		p.clients = append(p.clients, saved)
	}
}

// encode saves c for the checkpoint before the fold changes it. Fold.mu is held.
func (z *Frozen) encode(c *client) {
	if z.early == nil {
		z.early = map[*client][]byte{}
	}
	z.early[c], _ = c.save(nil)
	c.frozen = nil
}

// save encodes c behind what is in buf, which it extends; the value of an erased client
// is nil.
func (c *client) save(buf []byte) (value, extended []byte) {
	if c.gone {
		return nil, buf
	}
	from, size := len(buf), c.SizeVT()
	buf = slices.Grow(buf, size)[:from+size]
	value = buf[from:]
	if _, err := c.MarshalToSizedBufferVT(value); err != nil {
		panic("BUG: client record does not encode: " + err.Error())
	}
	return value, buf
}

// Thaw ends a checkpoint that is committed: clients that were not touched since
// may now be loaded from it. While more than keep are live, the coldest are let go.
func (z *Frozen) Thaw(keep int) {
	f := z.fold
	f.mu.Lock()
	queue := append(f.cold, z.clients...)
	f.cold, f.checkpoint = nil, nil
	f.settleGone(z.clients)
	f.mu.Unlock()
	var kept []*client
	for from := 0; from < len(queue); from += portion {
		f.mu.Lock()
		for _, c := range queue[from:min(from+portion, len(queue))] {
			switch {
			case c.dirty || c.frozen != nil || f.clients[c.key] != c:
				// Touched since: a later checkpoint brings it back. Or let go.
			case len(f.clients) > keep:
				delete(f.clients, c.key)
			default:
				kept = append(kept, c)
			}
		}
		f.mu.Unlock()
	}
	f.mu.Lock()
	f.cold = kept
	f.mu.Unlock()
}

// Restore sets a new fold to what a checkpoint kept.
func (f *Fold) Restore(s *Snapshot) error {
	f.clock, f.lateness, f.verdicts = s.Clock, s.Lateness, slices.Clone(s.Verdicts)
	f.settlement = s.Settlement
	maps.Copy(f.erased, s.Erased)
	for id, b := range s.Definitions {
		d := &event.Definition{}
		if err := proto.Unmarshal(b, d); err != nil {
			return fmt.Errorf("decode definition of property %d: %w", id, err)
		}
		def, err := f.newDefinition(d)
		if err != nil {
			return err
		}
		f.definitions[id] = def
	}
	for id, o := range s.Ledgers {
		f.accounts[id] = &account{property: id, Outcomes: o, taken: o}
	}
	return nil
}

// Definitions calls yield with every definition in force.
func (f *Fold) Definitions(yield func(event.PropertyID, *event.Definition)) {
	for id, d := range f.definitions {
		yield(id, d.record)
	}
}

// Lateness returns the histogram of how late recent events came.
func (f *Fold) Lateness() *Lateness { return &f.lateness }

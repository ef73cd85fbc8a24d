// Client: the live state of one client, loaded from the last checkpoint at its
// first event and kept while it is busy.
package fold

import (
	"encoding/binary"
	"fmt"
	"slices"

	"tidemark/internal/event"
)

type client struct {
	ClientRecord
	key      string
	property event.PropertyID
	verdict  string
	index    map[keyHash]event.Time // of Keys, once there are many

	touched bool
	recent          // what the batch under way did to the sessions
	dirty   bool    // changed since the last checkpoint was frozen
	gone    bool    // erased: the checkpoint deletes what is saved
	frozen  *Frozen // checkpoint under way that has not encoded it yet
}

// ClientKey appends the key of a client's record: property, verdict, client id.
// Erasure and export find a person's records by it.
func ClientKey(dst []byte, p event.PropertyID, verdict, clientID string) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(p))
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(verdict)))
	dst = append(dst, verdict...)
	return append(dst, clientID...)
}

// client returns the live state of a client, loading or making it.
func (f *Fold) client(p event.PropertyID, verdict, clientID string) (*client, error) {
	f.keyBuf = ClientKey(f.keyBuf[:0], p, verdict, clientID)
	if c := f.clients[string(f.keyBuf)]; c != nil {
		return c, nil
	}
	c := &client{key: string(f.keyBuf), property: p, verdict: f.names.get(verdict)}
	var saved []byte
	if f.gone[c.key] == nil { // what is saved of an erased client must not come back
		var err error
		if saved, err = f.saved.Client(f.keyBuf); err != nil {
			return nil, fmt.Errorf("load client of property %d: %w", p, err)
		}
	}
	if saved != nil {
		// Its texts stay where they are: saved is ours, and lives as long as they do.
		if err := c.UnmarshalVTUnsafe(saved); err != nil {
			return nil, fmt.Errorf("decode client record of property %d: %w", p, err)
		}
		c.Keys = slices.Clip(c.Keys) // what follows them is not for append to write over
	} else {
		f.noteVerdict(verdict)
		c.Number = uint64(f.now)
		c.ClientId = c.key[len(c.key)-len(clientID):]
		c.History = &History{}
	}
	f.clients[c.key] = c
	return c, nil
}

// touch notes that c changes: now, and for the next checkpoint.
func (f *Fold) touch(c *client) {
	if c.frozen != nil {
		c.frozen.encode(c)
	}
	if !c.dirty {
		c.dirty = true
		f.dirty = append(f.dirty, c)
	}
	if !c.touched {
		c.touched = true
		f.touched = append(f.touched, c)
	}
}

// letGo forgets a client that was only looked at: it is as it was saved. While a
// checkpoint is under way it may be newer than what is saved: Thaw decides then.
func (f *Fold) letGo(c *client) {
	if !c.dirty && c.frozen == nil && f.checkpoint == nil {
		delete(f.clients, c.key)
	}
}

// Dedupe: which event keys a client has sent within 72 h (S5 to S8).
package fold

import (
	"encoding/binary"

	"github.com/zeebo/xxh3"

	"tidemark/internal/event"
)

type keyHash [16]byte

func hashKey(key string) keyHash { return keyHash(xxh3.HashString128(key).Bytes()) }

// keySize is the size of a remembered key: hash and IngestTime.
const keySize = 24

// indexAbove is from how many keys on they are indexed rather than scanned.
const indexAbove = 32

// remember notes a key. It returns false if there is no room: the event counts,
// but a copy of it would count again (S38).
func (c *client) remember(hash keyHash, ingest event.Time) bool {
	c.forget(ingest)
	if len(c.Keys) >= MaxKeys*keySize {
		return false
	}
	c.Keys = append(c.Keys, hash[:]...)
	c.Keys = binary.LittleEndian.AppendUint64(c.Keys, uint64(ingest))
	if c.index != nil {
		c.index[hash] = ingest
	}
	return true
}

// keyTime returns the IngestTime of the key that begins at byte n.
func (c *client) keyTime(n int) event.Time {
	return event.Time(binary.LittleEndian.Uint64(c.Keys[n+16:]))
}

// forget drops keys older than KeyMemory. Keys are in log order and IngestTime
// grows with it but for jitter, so they are at the front. To spare copying, it
// waits until half of them can go, or until the room is needed.
func (c *client) forget(ingest event.Time) {
	n := 0
	for n < len(c.Keys) && ingest.Sub(c.keyTime(n)) > event.KeyMemory {
		n += keySize
	}
	if n == 0 || (2*n < len(c.Keys) && len(c.Keys) < MaxKeys*keySize) {
		return
	}
	c.Keys = append(c.Keys[:0], c.Keys[n:]...)
	c.index = nil
}

// knows tells whether the key was seen within KeyMemory before ingest.
func (c *client) knows(hash keyHash, ingest event.Time) bool {
	if len(c.Keys) <= indexAbove*keySize {
		// From the back: a key that came again after KeyMemory stands twice.
		for n := len(c.Keys) - keySize; n >= 0; n -= keySize {
			if keyHash(c.Keys[n:n+16]) == hash {
				return ingest.Sub(c.keyTime(n)) <= event.KeyMemory
			}
		}
		return false
	}
	if c.index == nil {
		c.index = make(map[keyHash]event.Time, len(c.Keys)/keySize)
		for n := 0; n < len(c.Keys); n += keySize {
			c.index[keyHash(c.Keys[n:n+16])] = c.keyTime(n)
		}
	}
	at, ok := c.index[hash]
	return ok && ingest.Sub(at) <= event.KeyMemory
}

// Partitioning: which partition of the log holds a client's events (S1).
package event

import (
	"encoding/binary"

	"github.com/zeebo/xxh3"
)

// PartitionOf returns hash(property, client) mod n. Every event of a client is
// in one partition, so that one fold sees them all in one order.
func PartitionOf(p PropertyID, clientID string, n int) Partition {
	var buf [8 + MaxClientID]byte
	binary.LittleEndian.PutUint64(buf[:8], uint64(p))
	b := append(buf[:8], clientID...)
	return Partition(xxh3.Hash(b) % uint64(n))
}

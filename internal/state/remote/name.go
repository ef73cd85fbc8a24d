// Names of saves, and the keys that are made of them.
package remote

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"tidemark/internal/blob"
)

// ErrName: a state name that this package does not write.
var ErrName = errors.New("not a state name")

// name is a state name, partition/epoch-seq, as package intent makes them.
type name struct {
	partition  int
	epoch, seq uint64
}

func parseName(text string) (name, error) {
	var n name
	// Scanning is lenient; writing it again is not.
	if _, err := fmt.Sscanf(text, "%d/%d-%d", &n.partition, &n.epoch, &n.seq); err != nil || n.String() != text || n.partition < 0 {
		return name{}, fmt.Errorf("%q: want partition/epoch-seq: %w", text, ErrName)
	}
	return n, nil
}

func (n name) String() string { return fmt.Sprintf("%d/%d-%d", n.partition, n.epoch, n.seq) }

// compare orders the saves of a partition: a later done state is greater (MV5).
func (n name) compare(m name) int {
	return cmp.Or(cmp.Compare(n.epoch, m.epoch), cmp.Compare(n.seq, m.seq))
}

// id is epoch and sequence so that the order of bytes is that of compare.
func (n name) id() string { return fmt.Sprintf("%016x-%016x", n.epoch, n.seq) }

func parseID(partition int, text string) (name, error) {
	n := name{partition: partition}
	if _, err := fmt.Sscanf(text, "%16x-%16x", &n.epoch, &n.seq); err != nil || n.id() != text {
		return name{}, fmt.Errorf("%q: want epoch-seq in hexadecimal: %w", text, ErrName)
	}
	return n, nil
}

func savePrefix(partition int) string  { return fmt.Sprintf("state/%d/save/", partition) }
func piecePrefix(partition int) string { return fmt.Sprintf("state/%d/piece/", partition) }

func (n name) inventoryKey() string { return savePrefix(n.partition) + n.id() }

// pieceKey: n is the save that uploaded it.
func (n name) pieceKey(sum blob.Sum) string {
	return piecePrefix(n.partition) + n.id() + "/" + sum.String()
}

// ownerOfKey returns whose inventory or piece the key is of; ok false if it is
// none of ours.
func ownerOfKey(partition int, prefix, key string) (n name, ok bool) {
	id, _, _ := strings.Cut(strings.TrimPrefix(key, prefix), "/")
	n, err := parseID(partition, id)
	return n, err == nil
}

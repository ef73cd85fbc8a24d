// Identifiers: distinct types so that one cannot be passed for another.
package event

import "strconv"

// PropertyID names a property: the reporting scope of one site or app.
// Zero is no property; refusals of requests that name none are counted there.
type PropertyID uint64

// String prints the id as GA4's API does: decimal digits.
func (p PropertyID) String() string { return strconv.FormatUint(uint64(p), 10) }

// ParsePropertyID reads what String prints.
func ParsePropertyID(s string) (PropertyID, error) {
	n, err := strconv.ParseUint(s, 10, 64)
	return PropertyID(n), err
}

// Partition is the number of a partition of the event log.
type Partition uint16

// Offset is the place of a record in its partition; the first is 0.
type Offset uint64

// RowID is the identity of a log record within one log generation: it orders
// records of one partition and is unique over all of them. Sessions and
// clients take the RowID of the event that opened them as their number, so
// that the fold needs no other source of identity.
type RowID uint64

const (
	offsetBits   = 48
	maxOffset    = 1<<offsetBits - 1
	maxPartition = 1<<(64-offsetBits) - 1
)

// MakeRowID packs a partition and an offset. Offsets end at 2^48: at a
// million events a second in one partition that is nine years.
func MakeRowID(p Partition, o Offset) RowID {
	if o > maxOffset {
		panic("BUG: offset " + strconv.FormatUint(uint64(o), 10) + " does not fit a RowID")
	}
	return RowID(uint64(p)<<offsetBits | uint64(o))
}

// Partition returns the partition in which the row was logged.
func (r RowID) Partition() Partition { return Partition(r >> offsetBits) }

// Offset returns the offset at which the row was logged.
func (r RowID) Offset() Offset { return Offset(r & maxOffset) }

// PartialError: what a log says that cannot commit several partitions at once.
package eventlog

import "fmt"

// PartialError is returned by Append when some of a batch is durable and the
// rest is not, or is not known to be. If it wraps ErrUnknown, some of the rest
// may be durable or become so; appending it again is safe, since events have
// keys (S7) and what is counted again is found to be a duplicate as well (S33).
type PartialError struct {
	// Durable has one entry for each of the batch's Records.
	Durable []bool
	// Counted has one entry for each of the batch's Counts.
	Counted []bool
	// Err is why the rest is not durable.
	Err error
}

// Error says how much is durable.
func (e *PartialError) Error() string {
	durable := 0
	for _, d := range e.Durable {
		if d {
			durable++
		}
	}
	return fmt.Sprintf("%d of %d records are durable: %v", durable, len(e.Durable), e.Err)
}

// Unwrap returns why the rest is not durable.
func (e *PartialError) Unwrap() error { return e.Err }

// Rest returns what of b is still to be appended. It shares b's buffers.
func (e *PartialError) Rest(b *Batch) *Batch {
	rest := &Batch{Essential: b.Essential}
	record := make([]int, 1+len(b.Records)) // Count.Record in the rest
	for i, r := range b.Records {
		if !e.Durable[i] {
			rest.Records = append(rest.Records, r)
			record[1+i] = len(rest.Records)
		}
	}
	for i, c := range b.Counts {
		if !e.Counted[i] {
			c.Record = record[c.Record]
			rest.Counts = append(rest.Counts, c)
		}
	}
	return rest
}

// Counts: each accepted event is counted with its own record.
package spool

import "tidemark/internal/eventlog"

// countEach returns b with a count for each record instead of counts for several, if
// the records say whose they are. A batch can be kept in two pieces, and each piece can
// reach the far log twice: with a count of its own, each record is counted as often
// as it is there, and the account balances whatever happens (D6). of says from which
// count of b each one is. b is not changed.
func countEach(b *eventlog.Batch) (out *eventlog.Batch, of []int) {
	// Fast path: counts of the only record ride with it anyway.
	if len(b.Records) < 2 || len(b.Counts) == 0 {
		return b, nil
	}
	out = &eventlog.Batch{Records: b.Records, Essential: b.Essential}
	out.Counts = make([]eventlog.Count, 0, len(b.Counts)+len(b.Records))
	for i := range b.Counts {
		c := b.Counts[i]
		begin := len(out.Counts)
		if c.Reason == "" && c.Record == 0 {
			for r := range b.Records {
				if b.Records[r].Partition != c.Partition {
					continue
				}
				if property, ok := propertyOf(b.Records[r].Payload); ok && property == c.Property {
					each := c
					each.N, each.Record = 1, 1+r
					out.Counts = append(out.Counts, each)
				}
			}
		}
		// It counts something else, or not these records alone.
		if int64(len(out.Counts)-begin) != c.N {
			out.Counts = append(out.Counts[:begin], c)
		}
		for len(of) < len(out.Counts) {
			of = append(of, i)
		}
	}
	return out, of
}

// countedOf returns what became of the n counts of the batch that countEach was
// given. One of which only a part is counted is not: appended again it counts too
// much, which shows as pending, and not too little.
func countedOf(counted []bool, of []int, n int) []bool {
	if of == nil {
		return counted
	}
	out := make([]bool, n)
	for i := range out {
		out[i] = true
	}
	for i, c := range of {
		out[c] = out[c] && counted[i]
	}
	return out
}

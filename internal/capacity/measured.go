// What an event costs, as measured.
package capacity

import "time"

// Measured are costs on one core of the machine of bench/RESULTS.md, by `go run ./bench -only cluster`; docs/scale.md says which are
// not from there. They are of that machine: measure yours.
func Measured() Costs {
	return Costs{
		CollectRequest: 63 * time.Microsecond, CollectEvent: 7 * time.Microsecond,
		FoldEvent: 26 * time.Microsecond, InsertEvent: 71 * time.Microsecond, Report: 180 * time.Millisecond, FollowEvent: 3 * time.Microsecond,
		LogBytes: 150, StoreBytes: 80, StateBytes: 1200,
		FoldRate: 15_000, BatchCalls: 3, BatchPuts: 5, BrokerBytes: 100e6, DatabaseCalls: 2000,
	}
}

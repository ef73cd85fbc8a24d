// Pressure: how many senders wait for the log at once. When they are many, the
// machine is short of processor time, and the fold steps back (D8).
package app

import (
	"context"
	"runtime"
	"sync/atomic"

	"tidemark/internal/eventlog"
)

// pressedAppends is how many appends under way at once, per core, are a sign of
// pressure. Too few: the fold steps back in ordinary traffic, and reports lag. Too
// many: acknowledgements wait for the fold. Senders that are slow to send do
// not count: they are not in the log yet.
const pressedAppends = 8

// countedLog is the log as the collector sees it.
type countedLog struct {
	eventlog.Log
	waiting atomic.Int64
}

// Append implements eventlog.Log.
func (l *countedLog) Append(ctx context.Context, b *eventlog.Batch) error {
	l.waiting.Add(1)
	defer l.waiting.Add(-1)
	return l.Log.Append(ctx, b)
}

func (l *countedLog) pressed() bool {
	return l.waiting.Load() >= int64(pressedAppends*runtime.GOMAXPROCS(0))
}

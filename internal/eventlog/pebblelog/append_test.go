// Requests are reused: nobody may touch one that was given back.
package pebblelog

import (
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/internal/eventlog"
)

// eagerPool has the next user start the timer as soon as a request comes back.
type eagerPool struct{ back chan *request }

func (p eagerPool) Get() any { return nil }

func (p eagerPool) Put(x any) {
	r := x.(*request)
	r.timer.Reset(time.Millisecond)
	p.back <- r
}

// TestNextUserOfARequestKeepsItsTimer: a timer that was stopped for it would let
// its Append wait without bound.
func TestNextUserOfARequestKeepsItsTimer(t *testing.T) {
	l := mustOpen(t, testConfig(), vfs.NewMem(), plantNothing)
	defer func() { _ = l.Close() }()
	pool := eagerPool{make(chan *request, 1)}
	l.requests = pool
	err := l.Append(t.Context(), &eventlog.Batch{Records: []eventlog.Record{{Payload: []byte("x")}}})
	if err != nil {
		t.Fatal(err)
	}
	r := <-pool.back
	await(t, "the timer of the next user was stopped", func() bool {
		select {
		case <-r.timer.C:
			return true
		default:
			return false
		}
	})
}

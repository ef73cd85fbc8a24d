// MG3: nothing is taken while the gate is shut, and what was under way when it shut is in the log.
package app

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"tidemark/internal/eventlog"
	"tidemark/internal/eventlog/memlog"
)

// slowLog takes a batch when it is told to, and says that one has come.
type slowLog struct {
	*memlog.Log
	came, take chan struct{}
}

func (l *slowLog) Append(ctx context.Context, b *eventlog.Batch) error {
	l.came <- struct{}{}
	<-l.take
	return l.Log.Append(ctx, b)
}

func TestAGateThatIsShutWaitsForAppendsAndTakesNoMore(t *testing.T) {
	log := &slowLog{memlog.New(memlog.Config{Partitions: 1}), make(chan struct{}, 2), make(chan struct{})}
	g := &gate{Log: log}
	batch := &eventlog.Batch{Records: []eventlog.Record{{Payload: []byte("a")}}}
	took, shut := make(chan error, 1), make(chan struct{})
	go func() { took <- g.Append(t.Context(), batch) }()
	<-log.came
	go func() { g.shut(errMoving); close(shut) }()
	// Who shuts waits for its turn, or is through already, which would be wrong.
	for g.mu.TryRLock() {
		g.mu.RUnlock()
		select {
		case <-shut:
			t.Fatal("the gate is shut while an append is under way")
		default:
			runtime.Gosched()
		}
	}
	close(log.take)
	if err := <-took; err != nil {
		t.Error(err)
	}
	<-shut
	if err := g.Append(t.Context(), batch); !errors.Is(err, eventlog.ErrFull) || !errors.Is(err, errMoving) {
		t.Errorf("append while shut: %v, want ErrFull and the reason", err)
	}
	if log.End(0) != 1 {
		t.Errorf("the log ends at %d, want 1", log.End(0))
	}
	g.shut(nil)
	if err := g.Append(t.Context(), batch); err != nil {
		t.Errorf("append after it was opened: %v", err)
	}
}

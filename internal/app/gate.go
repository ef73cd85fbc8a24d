// Gate: a log that takes nothing while an installation moves (MG3).
package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"tidemark/internal/config"
	"tidemark/internal/eventlog"
	"tidemark/internal/migrate"
	"tidemark/internal/migrate/pgnote"
)

// gate is between whoever appends and the log.
type gate struct {
	eventlog.Log

	mu     sync.RWMutex // held for reading by appends under way
	reason error        // why nothing is taken; nil: it is
}

// Append implements eventlog.Log. A refusal is one that senders answer by trying again later.
func (g *gate) Append(ctx context.Context, b *eventlog.Batch) error {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.reason != nil {
		return fmt.Errorf("%w: %w", eventlog.ErrFull, g.reason)
	}
	return g.Log.Append(ctx, b)
}

// shut returns when appends under way have ended; no others begin. A nil reason opens.
func (g *gate) shut(reason error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.reason = reason
}

func (g *gate) isShut() error {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.reason
}

// gated puts the gate before a log of this installation. It is shut if the data directory says so.
func (s *server) gated(log eventlog.Log) (*gate, error) {
	g := &gate{Log: log}
	move, some, err := config.ReadMove(s.Config.DataDir)
	if err != nil {
		return nil, err
	}
	if some {
		g.reason = errors.New(move.Reason())
		s.Logger.Warn("no events are taken: " + move.Reason())
	}
	return g, nil
}

// errMoving is why collectors of a cluster wait.
var errMoving = errors.New("an installation is being moved into this cluster: its events go on there until the switch")

// openGate puts the gate before the log of a collector of a cluster. It is shut while an installation moves into the cluster.
func (s *server) openGate(ctx context.Context) (err error) {
	if s.roled.notes, err = pgnote.Open(ctx, s.Config.Database()); err != nil {
		return err
	}
	s.gate = &gate{Log: s.roled.spool}
	s.collects, s.appends = s.gate, &countedLog{Log: s.gate}
	moves, err := isMoving(ctx, s.roled.notes)
	if err != nil {
		return errors.Join(err, s.roled.notes.Close())
	}
	if moves {
		s.gate.reason = errMoving
		s.Logger.Info("collectors wait: " + errMoving.Error())
	}
	return nil
}

func isMoving(ctx context.Context, notes migrate.Notes) (bool, error) {
	note, some, err := notes.Note(ctx)
	return some && note.Stage != migrate.Complete, err
}

// lookForSwitch is how often a collector that waits asks whether the switch was.
const lookForSwitch = 200 * time.Millisecond

// awaitSwitch opens the gate once the move is complete, and ends with ctx.
func (s *server) awaitSwitch(ctx context.Context) error {
	clock := time.NewTicker(lookForSwitch)
	defer clock.Stop()
	for s.gate.isShut() != nil {
		select {
		case <-ctx.Done():
			return nil
		case <-clock.C:
		}
		// A database that does not answer says nothing: it is asked again.
		if moves, err := isMoving(ctx, s.roled.notes); err == nil && !moves {
			s.gate.shut(nil)
			s.Logger.Info("the switch was: events are taken")
		}
	}
	<-ctx.Done()
	return nil
}

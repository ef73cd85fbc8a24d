// Switch: the origin takes no more events, and the target does.
package migrate

import (
	"context"
	"fmt"
	"time"

	"tidemark/internal/event"
)

// switchOver ends the move. Until its note is written, whatever goes wrong lets the origin take events again.
func (m *Mover) switchOver(ctx context.Context) (err error) {
	if err := m.followNow(ctx); err != nil {
		return err
	}
	// Before anything stands still: somebody must be there to fold.
	if err := m.awaitFolded(ctx); err != nil {
		return fmt.Errorf("before the switch: %w", err)
	}
	if err := m.followNow(ctx); err != nil { // what came while the processors folded
		return err
	}
	began := time.Now()
	if err := m.step("stop"); err != nil {
		return err
	}
	if err := m.deps.Origin.Stop(ctx); err != nil {
		return err
	}
	if err := m.settle(ctx); err != nil {
		if isStep(err) {
			return err // as if killed
		}
		return joinResumed(err, m.deps.Origin.Resume(context.WithoutCancel(ctx)))
	}
	if err := m.write(ctx, Complete); err != nil {
		// Perhaps it was written: only who reads it can say on which side events go on.
		return fmt.Errorf("the switch is not known to be complete, run it again: %w", err)
	}
	if err := m.step("leave"); err != nil {
		return err
	}
	if err := m.deps.Origin.Leave(ctx); err != nil {
		return err
	}
	m.deps.Say(fmt.Sprintf("The cluster takes the events. No side took any for %v.", time.Since(began).Round(time.Millisecond)))
	return nil
}

// settle brings over what is left of an origin that stands still, and makes sure that both sides are the same.
func (m *Mover) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, m.cfg.SwitchWait)
	defer cancel()
	if err := m.followNow(ctx); err != nil {
		return err
	}
	if err := m.importRegistry(ctx); err != nil {
		return err
	}
	if err := m.settleCounts(ctx); err != nil {
		return err
	}
	if err := m.awaitFolded(ctx); err != nil {
		return err
	}
	return m.compareAtRest(ctx)
}

// awaitFolded returns when the cluster has folded what is copied now.
func (m *Mover) awaitFolded(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, m.cfg.SwitchWait)
	defer cancel()
	for {
		progress, err := m.target.Store.Progress(ctx)
		if err != nil {
			return err
		}
		folded := make([]event.Offset, len(m.next))
		for _, p := range progress {
			if int(p.Partition) < len(folded) {
				folded[p.Partition] = p.Next
			}
		}
		behind := uint64(0)
		for p, next := range m.next {
			if folded[p] < next {
				behind += uint64(next - folded[p])
			}
		}
		if behind == 0 {
			return nil
		}
		if err := m.pause(ctx); err != nil {
			return fmt.Errorf("the cluster's processors have %d records to fold after %v (do any run?): %w", behind, m.cfg.SwitchWait, errSlow)
		}
	}
}

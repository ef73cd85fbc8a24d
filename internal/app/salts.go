// Salts: those past their life are erased, so that cookieless ids of days gone
// by can never be made again (S10, D10).
package app

import (
	"context"
	"time"
)

// saltInterval is how often old salts are looked for. They live for whole days.
const saltInterval = time.Hour

// eraseSalts runs until ctx is done. What cannot be erased now, for example
// because a backup is reading the registry, is tried again.
func (s *server) eraseSalts(ctx context.Context) error {
	tick := time.NewTicker(saltInterval)
	defer tick.Stop()
	for {
		if err := s.registry.DropSalts(ctx, time.Now()); err != nil && ctx.Err() == nil {
			s.Logger.Warn("old salts could not be erased, trying again in an hour", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

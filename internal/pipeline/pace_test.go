// Tests of what rounds wait for.
package pipeline

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestSmallRoundsWaitForCompanyAndOthersDoNot(t *testing.T) {
	const interval = 100 * time.Millisecond
	for name, c := range map[string]struct {
		records int
		ago     time.Duration // since the round began
		want    time.Duration
	}{
		"small round":                  {1, 0, interval},
		"small round that took long":   {fullRound - 1, interval / 4, interval * 3 / 4},
		"small round that took longer": {1, 2 * interval, 0},
		"full round":                   {fullRound, 0, 0},
		"nothing to fold":              {0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &Processor{cfg: Config{RoundInterval: interval}}
				began := time.Now().Add(-c.ago)
				before := time.Now()
				p.pace(t.Context(), c.records, began)
				if got := time.Since(before); got != c.want {
					t.Errorf("waited %v, want %v", got, c.want)
				}
			})
		})
	}
}

func TestPaceEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		p := &Processor{cfg: Config{RoundInterval: time.Second}}
		before := time.Now()
		p.pace(ctx, 1, before)
		if waited := time.Since(before); waited != 0 {
			t.Errorf("waited %v after the end", waited)
		}
	})
}

func TestFoldingStepsBackUnderPressureAndNotForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		pressedFor := 250 * time.Millisecond
		p := &Processor{deps: Deps{Pressed: func() bool { return time.Since(began) < pressedFor }}}
		p.pace(t.Context(), fullRound, began)
		if waited := time.Since(began); waited != pressedFor {
			t.Errorf("waited %v for a pressure of %v", waited, pressedFor)
		}
		began, pressedFor = time.Now(), time.Hour
		p.pace(t.Context(), fullRound, began)
		if waited := time.Since(began); waited != yieldMost {
			t.Errorf("waited %v under lasting pressure, want %v", waited, yieldMost)
		}
	})
}

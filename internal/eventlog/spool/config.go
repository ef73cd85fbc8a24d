// What an operator chooses about the spool, and what it works with.
package spool

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidemark/internal/eventlog"
)

// Config holds the operator's choices. How many bytes the spool may take is the
// near log's own choice.
type Config struct {
	// Partitions is that of both logs.
	Partitions int
	// MaxAge is how old the oldest spooled record of a partition may get, by its
	// IngestTime; then appends to that partition fail with ErrFull. Too big: the log
	// is truncated (S31), and event keys are forgotten (S7), before all has arrived.
	MaxAge time.Duration
	// MaxFarWait is how long an append waits for the far log before it goes to the
	// near one. Too small: a change of leaders makes copies. Too big: senders wait.
	MaxFarWait time.Duration
	// MaxHandoverWait is how long an append waits for the last frames of its
	// partition to be forwarded before it goes to the near log all the same.
	MaxHandoverWait time.Duration
	// ForwardBytes is how much is forwarded in one append.
	ForwardBytes int
	// MinRetry and MaxRetry bound the pause after the far log did not take what was
	// forwarded, or could not be opened; it doubles from one to the other.
	MinRetry, MaxRetry time.Duration
	// CloseWait is how long Close goes on forwarding. The rest waits in the near
	// log for the next start.
	CloseWait time.Duration
	// AsideDir takes what the far log refuses for good, one file for each frame.
	AsideDir string
}

// maxSpoolAge is what S31 keeps of the log for spooling. Copies must also come
// before event keys are forgotten, 72 hours after their IngestTime (S7).
const maxSpoolAge = 24 * time.Hour

// DefaultConfig returns the choices that suit a collector. AsideDir has no default.
func DefaultConfig() Config {
	return Config{
		Partitions:      16,
		MaxAge:          maxSpoolAge,
		MaxFarWait:      2 * time.Second,
		MaxHandoverWait: 250 * time.Millisecond,
		ForwardBytes:    1 << 20,
		MinRetry:        50 * time.Millisecond,
		MaxRetry:        time.Second,
		CloseWait:       5 * time.Second,
	}
}

// Validate reports the first choice that cannot work.
func (c Config) Validate() error {
	const maxPartitions = 1 << 10
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"max_age", c.MaxAge}, {"max_far_wait", c.MaxFarWait}, {"max_handover_wait", c.MaxHandoverWait},
		{"min_retry", c.MinRetry}, {"close_wait", c.CloseWait},
	} {
		if d.value <= 0 {
			return fmt.Errorf("%s is %v, must be positive", d.name, d.value)
		}
	}
	switch {
	case c.Partitions < 1 || c.Partitions > maxPartitions:
		return fmt.Errorf("partitions is %d, must be 1 to %d", c.Partitions, maxPartitions)
	case c.MaxAge > maxSpoolAge:
		return fmt.Errorf("max_age is %v, must not be more than %v: the log is kept for that much spooling", c.MaxAge, maxSpoolAge)
	case c.MaxRetry < c.MinRetry:
		return fmt.Errorf("max_retry is %v, must not be less than min_retry, which is %v", c.MaxRetry, c.MinRetry)
	case c.ForwardBytes < 1:
		return fmt.Errorf("forward_bytes is %d, must be positive", c.ForwardBytes)
	case c.AsideDir == "":
		return errors.New("aside_dir is empty")
	}
	return nil
}

// Deps is what a Spool works with.
type Deps struct {
	// Near keeps what the far log does not take: durable, of the same number of
	// partitions, and used by nobody else. Close closes it.
	Near eventlog.Log
	// OpenFar opens the far log. It is called in the background, again and again
	// until it succeeds; the brokers may be away. Close closes what it returned. The
	// far log's appends must end in a time of their own.
	OpenFar func(ctx context.Context) (eventlog.Log, error)
	// Clock tells the time; time.Now if nil.
	Clock func() time.Time
	// Logger hears when the far log goes and comes, and of what is set aside. Nil discards.
	Logger *slog.Logger
	// Registerer takes the telemetry. Nil keeps it unregistered.
	Registerer prometheus.Registerer
	// SetAside makes a frame durable under a name. Nil: a file in AsideDir.
	SetAside func(name string, frame []byte) error
}

func (d Deps) withDefaults(cfg Config) Deps {
	if d.Clock == nil {
		d.Clock = time.Now
	}
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	if d.SetAside == nil {
		d.SetAside = asideFiles{cfg.AsideDir}.write
	}
	return d
}

// Run: from the stream of events to requests.
package simulate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"tidemark/internal/testkit/traffic"
)

// Config says what to send where.
type Config struct {
	// URL of the server, without a slash at the end.
	URL string
	// Traffic is what is sent. Its Start is set by Run.
	Traffic traffic.Config
	// Secrets are API secrets by measurement id. A property without one gets
	// no events by the Measurement Protocol if Traffic says so for none.
	Secrets map[string]string
	// Past is how long ago the traffic begins. What lies in the past is sent
	// at once, the rest at its time.
	Past time.Duration
	// Connections is how many requests are under way at once.
	Connections int
}

// Deps is the wiring. Client is needed.
type Deps struct {
	Client   *http.Client
	Record   io.Writer    // takes a line for each event (SM2); may be nil
	Progress func(Totals) // called after each request; may be nil
}

// Totals is what was sent so far, in events.
type Totals struct {
	Sent    int `json:"sent"` // answered 2xx
	Refused int `json:"refused"`
	Copies  int `json:"copies"`
	Bots    int `json:"bots"`
	Retries int `json:"retries"`
	Lost    int `json:"lost"` // not answered when the context ended
}

// FastPast returns how long ago traffic must begin so that its events can all
// be sent at once. Older than a day they would come too late to count (S3).
func FastPast(events int, rate float64) (time.Duration, error) {
	if events < 1 {
		return 0, errors.New("traffic without end cannot be sent at once")
	}
	past := time.Duration(float64(events)/rate*1.25*float64(time.Second)) + 30*time.Minute
	if past > 20*time.Hour {
		return 0, fmt.Errorf("%d events at %v a second take %v: raise the rate, so that they fit into a day",
			events, rate, past.Round(time.Minute))
	}
	return past, nil
}

// Run sends until the stream or the context ends. It returns an error when
// the server refuses whole requests.
func Run(ctx context.Context, cfg Config, deps Deps) (Totals, error) {
	cfg.Traffic.Start = time.Now().Add(-cfg.Past)
	source, err := traffic.New(cfg.Traffic)
	if err != nil {
		return Totals{}, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s := &sender{cfg: cfg, deps: deps}
	due := make(chan traffic.Sent, cfg.Connections)
	var wg sync.WaitGroup
	for range max(1, cfg.Connections) {
		wg.Go(func() {
			for e := range due {
				if err := s.deliver(ctx, e); err != nil {
					cancel(err)
				}
			}
		})
	}
	pace(ctx, source.Next, due)
	close(due)
	wg.Wait()
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) &&
		!errors.Is(cause, context.DeadlineExceeded) {
		return s.totals, cause
	}
	return s.totals, nil
}

// pace passes events on, none before its time (SM1).
func pace(ctx context.Context, next func() (traffic.Sent, bool), due chan<- traffic.Sent) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		e, ok := next()
		if !ok {
			return
		}
		if wait := time.Until(e.At.Std()); wait > 0 {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-ctx.Done():
				return
			}
		}
		select {
		case due <- e:
		case <-ctx.Done():
			return
		}
	}
}

// Spool: a collector's way to Kafka, over its own disk while Kafka is away, and what others are told of it.
package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/eventlog/kafkalog"
	"tidemark/internal/eventlog/pebblelog"
	"tidemark/internal/eventlog/spool"
	"tidemark/internal/node"
)

func (s *server) openSpool(context.Context) error {
	// Its own telemetry would take the names of the log's; the spool's tells what matters.
	near, err := pebblelog.Open(s.Config.NearLog(), pebblelog.Deps{Logger: s.Logger})
	if err != nil {
		return fmt.Errorf("open spool: %w", err)
	}
	s.roled.spool, err = spool.Open(s.Config.Spooling(), spool.Deps{Near: near, OpenFar: s.openFar, Logger: s.Logger, Registerer: s.telemetry})
	if err != nil {
		return errors.Join(err, near.Close())
	}
	s.health.Set("spool", func(context.Context) error { return s.roled.spool.Err() })
	return nil
}

// openFar opens Kafka's topic to append only. A process that reads as well reads over another connection.
func (s *server) openFar(ctx context.Context) (eventlog.Log, error) {
	cfg := s.Config.KafkaLog()
	cfg.AppendOnly = true
	deps := kafkalog.Deps{Logger: s.Logger}
	if s.log == nil {
		deps.Registerer = s.telemetry
	}
	log, err := kafkalog.Open(ctx, cfg, deps)
	if err != nil {
		return nil, err
	}
	return log, nil
}

// tellEvery is how often others are told what a collector holds.
const tellEvery = 100 * time.Millisecond

// watchSpool tells others what this process holds, and ends the process when the spool cannot go on.
func (s *server) watchSpool(ctx context.Context) error {
	told := &teller{backlogs: s.roled.nodes, id: s.nodeID()}
	clock := time.NewTicker(tellEvery)
	defer clock.Stop()
	answered := true
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.roled.spool.Failed():
			return fmt.Errorf("spool stopped, start the server again: %w", s.roled.spool.Err())
		case <-clock.C:
		}
		err := told.tell(ctx, s.roled.spool.State())
		if (err == nil) != answered && ctx.Err() == nil {
			answered = err == nil
			if err != nil {
				s.Logger.Warn("cannot tell others what the spool holds: reports may claim to be fresher than they are", "error", err)
			}
		}
	}
}

// closeSpool forwards what it can, and tells what is left.
func (s *server) closeSpool(ctx context.Context) error {
	err := s.roled.spool.Close()
	told := &teller{backlogs: s.roled.nodes, id: s.nodeID()}
	return errors.Join(err, told.tell(ctx, s.roled.spool.State()))
}

// teller keeps the note of what this node holds.
type teller struct {
	backlogs node.Backlogs
	id       string
	known    bool       // what the note says
	held     event.Time // 0: nothing
}

func (t *teller) tell(ctx context.Context, st spool.State) error {
	held := event.Time(0)
	if st.HasOldest {
		held = st.Oldest
	}
	if t.known && held == t.held {
		return nil
	}
	var err error
	if held == 0 {
		err = t.backlogs.Release(ctx, t.id)
	} else {
		err = t.backlogs.Hold(ctx, t.id, held.Std())
	}
	t.known, t.held = err == nil, held
	return err
}

// backlogs is what other processes hold, as last heard.
type backlogs struct {
	registry node.Backlogs
	warn     func(msg string, args ...any)

	mu   sync.Mutex
	at   event.Time
	some bool
}

// askEvery is how often it is asked what nodes hold. While the database is away, the last answer holds.
const askEvery = 250 * time.Millisecond

func (s *server) openBacklogs(ctx context.Context) error {
	s.roled.backlogs.registry, s.roled.backlogs.warn = s.roled.nodes, s.Logger.Warn
	return s.roled.backlogs.ask(ctx)
}

func (b *backlogs) ask(ctx context.Context) error {
	at, _, some, err := b.registry.OldestHeld(ctx)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.at, b.some = event.TimeOf(at), some
	return nil
}

func (b *backlogs) watch(ctx context.Context) error {
	clock := time.NewTicker(askEvery)
	defer clock.Stop()
	answered := true
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-clock.C:
		}
		err := b.ask(ctx)
		if (err == nil) != answered && ctx.Err() == nil {
			answered = err == nil
			if err != nil {
				b.warn("cannot ask what collectors hold: the last answer stands", "error", err)
			}
		}
	}
}

// oldest returns when the oldest event was accepted that is on the disk of a collector only.
func (b *backlogs) oldest() (event.Time, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.at, b.some
}

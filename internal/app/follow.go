// Follow: live streams of a process that does not collect what it shows. It reads the log while
// somebody listens.
package app

import (
	"context"
	"fmt"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

const (
	// lookEvery is how soon who begins to listen is noticed.
	lookEvery = 200 * time.Millisecond
	// followBytes is read of a partition at once.
	followBytes = 256 << 10
)

// follow shows events of all collectors to those who listen, until ctx ends.
func (s *server) follow(ctx context.Context) error {
	clock := time.NewTicker(lookEvery)
	defer clock.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-clock.C:
		}
		if !s.tail.IsHeard() {
			continue
		}
		if err := s.followWhileHeard(ctx); err != nil && ctx.Err() == nil {
			s.Logger.Warn("live streams have a gap", "error", err)
		}
	}
}

// followWhileHeard begins with what comes from now on.
func (s *server) followWhileHeard(ctx context.Context) error {
	next := make([]event.Offset, s.log.Partitions())
	for i := range next {
		next[i] = s.log.End(event.Partition(i))
	}
	var entries []eventlog.Entry
	for s.tail.IsHeard() {
		wait, cancel := context.WithTimeout(ctx, lookEvery)
		err := s.log.Wait(wait, next)
		cancel()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			continue // nothing came
		}
		for i := range next {
			p := event.Partition(i)
			if next[i] >= s.log.End(p) {
				continue
			}
			if entries, err = s.log.Read(ctx, p, next[i], followBytes, entries[:0]); err != nil {
				return fmt.Errorf("read partition %d: %w", p, err)
			}
			next[i] += event.Offset(len(entries))
			if err := s.publish(entries); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *server) publish(entries []eventlog.Entry) error {
	events := make([]*event.Event, 0, len(entries))
	for _, entry := range entries {
		r := &event.Record{}
		if err := r.UnmarshalVT(entry.Payload); err != nil {
			return fmt.Errorf("decode record %d: %w", entry.Offset, err)
		}
		if e := r.GetEvent(); e != nil {
			events = append(events, e)
		}
	}
	s.tail.Publish(events)
	return nil
}

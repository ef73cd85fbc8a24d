// Seeds: what clients were before a log that has forgotten its beginning, as the archive
// tells it.
package replay

import (
	"context"
	"math"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/fold"
	"tidemark/internal/state"
	"tidemark/internal/store"
)

// SeedFromArchive puts the clients whose sessions began before the log does, and lie
// in s's final rows, into an empty state, with meta as its commit.
func SeedFromArchive(ctx context.Context, s store.Store, to state.State, log eventlog.Log, meta *state.Meta) error {
	began := make([]event.Time, log.Partitions())
	for i := range began {
		var err error
		p := event.Partition(i)
		if log.Start(p) == log.End(p) {
			began[i] = math.MaxInt64 // it takes the place of a log that was lost: all there is was before it
			continue
		}
		if began[i], err = eventlog.IngestTimeAt(ctx, log, p, log.Start(p)); err != nil {
			return err
		}
	}
	commit := to.Begin()
	defer commit.Abandon()
	for id := range meta.Manifest.FinalUntil {
		if err := seedProperty(ctx, s, commit, id, began); err != nil {
			return err
		}
	}
	return commit.Finish(ctx, meta)
}

// seedProperty asks once per partition: each begins at a time of its own, and a session
// that is folded must not be part of the past, too.
func seedProperty(ctx context.Context, s store.Store, commit state.Commit, id event.PropertyID, began []event.Time) error {
	archive, err := s.Archive(ctx, id)
	if err != nil {
		return err
	}
	defer archive.Release()
	for i, before := range began {
		p := event.Partition(i)
		err := archive.Clients(ctx, before, func(c *store.ArchivedClient) error {
			if event.PartitionOf(id, c.ClientID, len(began)) != p {
				return nil
			}
			key, value, err := fold.ArchivedRecord(id, c)
			if err != nil {
				return err
			}
			return commit.Client(p, key, value)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

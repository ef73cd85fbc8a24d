// Refold: what was young in a store that lost its rows is in the topic, for as long as that keeps records. The partitions of a
// cluster begin again where it begins, and processors do the rest.
package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"golang.org/x/sync/errgroup"

	"tidemark/internal/blob"
	"tidemark/internal/event"
	"tidemark/internal/intent"
	"tidemark/internal/pipeline/owned"
	"tidemark/internal/replay"
	"tidemark/internal/state/remote"
)

// refoldsAtOnce is how many states are on this disk together.
const refoldsAtOnce = 4

// refold has all partitions begin again. Where the topic has forgotten records, each state is fetched, cut back and saved.
func (r *sharedRestore) refold(ctx context.Context, progress func(string, float64)) (err error) {
	dir, err := os.MkdirTemp("", "tidemark-refold-")
	if err != nil {
		return fmt.Errorf("make a directory for states (TMPDIR says where): %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	states, err := r.openStates(ctx, dir)
	if err != nil {
		return err
	}
	deps := owned.Deps{Log: r.log, Intents: r.intents, Store: r.click, States: states, Logger: r.serving.Logger}
	cfg := r.serving.Config.Owned(restorer, logNameOf(r.log.Identity()))
	all := make([]owned.Refolded, r.log.Partitions())
	var mu sync.Mutex
	done := 0
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(refoldsAtOnce)
	for i := range all {
		group.Go(func() (err error) {
			if all[i], err = owned.Refold(within, cfg, deps, event.Partition(i)); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			done++
			progress("states", float64(done)/float64(len(all)))
			return os.RemoveAll(filepath.Join(dir, strconv.Itoa(i)))
		})
	}
	if err := group.Wait(); err != nil {
		return r.notLost(err)
	}
	for i, p := range all {
		if p.Again {
			r.result.Partitions++
			r.result.Records += int64(r.log.End(event.Partition(i)) - p.From)
		}
	}
	began, err := replay.LogBegan(ctx, r.log)
	if err != nil {
		return err
	}
	r.result.LogFrom = began.Std()
	r.result.Missing, err = r.missingDays(ctx, all)
	r.result.Whole = len(r.result.Missing) == 0
	return err
}

func (r *sharedRestore) openStates(ctx context.Context, dir string) (owned.States, error) {
	objects, err := openObjects(r.serving.Config)
	if err != nil {
		return nil, err
	}
	if err := blob.Probe(ctx, objects); err != nil {
		return nil, err
	}
	saves, err := remote.New(r.serving.Config.SavedStates(), remote.Deps{Store: objects})
	if err != nil {
		return nil, err
	}
	return &nodeStates{saves: saves, dir: dir, logger: r.serving.Logger}, nil
}

// notLost says what to do.
func (r *sharedRestore) notLost(err error) error {
	switch {
	case errors.Is(err, owned.ErrNotLost):
		return fmt.Errorf("%w. A processor has worked on the database %s: the topic can only be folded again into one without rows. If it was lost, "+
			"stop the processors, make it anew once more, and run this again", err, r.serving.Config.ClickHouse.Database)
	case errors.Is(err, intent.ErrFenced):
		return fmt.Errorf("a processor started meanwhile. Stop it, make the database %s anew, and run this again: %w",
			r.serving.Config.ClickHouse.Database, err)
	}
	return err
}

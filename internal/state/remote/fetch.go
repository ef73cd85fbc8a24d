// Fetch: make a directory of what was saved.
package remote

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"tidemark/internal/blob"
)

const (
	// fetching is the directory that is being filled. What an attempt left that
	// died is gone on with.
	fetching = ".fetching"
	// former is where a directory of the same epoch is put out of the way.
	former = ".former"
)

// Fetch makes, below root, the directory of the owner, with exactly the files of
// the save, and returns it; Save goes on from there. An empty name stands for
// nothing saved yet: the directory is empty. Directories of former owners below
// root are looked into first: of them, files are linked, not fetched. None of them
// may be open. Clean removes them.
//
// Before, root may not exist; only Owners of the partition on this machine may use
// it. A directory that this owner fetched before is replaced.
//
// blob.ErrNotFound, blob.ErrCorrupt: the save is not whole any more. Trying again
// does not help; docs/operate/object-storage.md says what does. blob.ErrAway: trying
// again helps.
func (o *Owner) Fetch(ctx context.Context, stateName, root string) (dir string, stats Stats, err error) {
	begun := time.Now()
	dir, stats, err = o.fetch(ctx, stateName, root)
	o.saves.telemetry.fetch.done(begun, stats, err)
	switch {
	case errors.Is(err, blob.ErrNotFound), errors.Is(err, blob.ErrCorrupt):
		return "", stats, fmt.Errorf("fetch state %s: %w; it cannot be gone on with from here: "+
			"docs/operate/object-storage.md says how to mend it", stateName, err)
	case err != nil:
		return "", stats, fmt.Errorf("fetch state %s: %w", stateName, err)
	}
	return dir, stats, nil
}

func (o *Owner) fetch(ctx context.Context, stateName, root string) (string, Stats, error) {
	o.base = nil
	stats := &Stats{}
	inv, n, err := o.wanted(ctx, stateName, stats)
	if err != nil {
		return "", *stats, err
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return "", *stats, err
	}
	work := filepath.Join(root, fetching)
	if err := os.MkdirAll(work, 0o755); err != nil {
		return "", *stats, err
	}
	if err := removeOthers(work, inv); err != nil {
		return "", *stats, err
	}
	if err := o.fill(ctx, inv, root, work, stats); err != nil {
		return "", *stats, err
	}
	dir := filepath.Join(root, strconv.FormatUint(o.epoch, 10))
	if err := o.install(root, work, dir); err != nil {
		return "", *stats, err
	}
	next, err := baseOf(n, inv, dir)
	if err != nil {
		return "", *stats, err
	}
	o.base = next
	return dir, *stats, nil
}

// wanted returns the inventory of the name, or an empty one for none.
func (o *Owner) wanted(ctx context.Context, stateName string, stats *Stats) (*inventory, name, error) {
	if stateName == "" {
		return &inventory{}, name{}, nil
	}
	n, err := parseName(stateName)
	if err != nil {
		return nil, n, err
	}
	if n.partition != o.partition || n.epoch > o.epoch {
		return nil, n, fmt.Errorf("the owner is of partition %d and epoch %d: %w", o.partition, o.epoch, ErrOrder)
	}
	stats.Calls++
	inv, err := readInventory(ctx, o.saves.store, n)
	return inv, n, err
}

// removeOthers removes from work what the inventory does not name.
func removeOthers(work string, inv *inventory) error {
	entries, err := os.ReadDir(work)
	if err != nil {
		return err
	}
	named := map[string]bool{}
	for _, f := range inv.Files {
		named[f.Name] = true
	}
	for _, e := range entries {
		if !named[e.Name()] {
			if err := os.RemoveAll(filepath.Join(work, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// fill makes all files of the inventory in work, and makes them durable.
func (o *Owner) fill(ctx context.Context, inv *inventory, root, work string, stats *Stats) error {
	sources, err := directories(root)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(o.saves.cfg.Parallel)
	each := make([]Stats, len(inv.Files))
	for i, f := range inv.Files {
		group.Go(func() error {
			err := o.fillOne(ctx, f, sources, work, &each[i])
			if err != nil {
				return fmt.Errorf("file %s: %w", f.Name, err)
			}
			return nil
		})
	}
	err = group.Wait()
	for _, s := range each {
		stats.Moved += s.Moved
		stats.Reused += s.Reused
		stats.Calls += s.Calls
	}
	if err != nil {
		return err
	}
	if err := o.saves.step("sync work"); err != nil {
		return err
	}
	return syncDir(work)
}

// directories returns where files may be found: those below root, work included.
func directories(root string) ([]string, error) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, err
	}
	dirs := []string{filepath.Join(root, fetching)}
	for _, e := range entries {
		if e.IsDir() && e.Name() != fetching {
			dirs = append(dirs, filepath.Join(root, e.Name()))
		}
	}
	return dirs, nil
}

// install gives work its name. Between the two renames there is no dir; whoever
// wants one calls Fetch first (MV3).
func (o *Owner) install(root, work, dir string) error {
	if _, err := os.Lstat(dir); err == nil {
		aside := filepath.Join(root, former)
		if err := os.RemoveAll(aside); err != nil {
			return err
		}
		if err := o.saves.step("rename former"); err != nil {
			return err
		}
		if err := os.Rename(dir, aside); err != nil {
			return err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := o.saves.step("rename work"); err != nil {
		return err
	}
	if err := os.Rename(work, dir); err != nil {
		return err
	}
	if err := o.saves.step("sync root"); err != nil {
		return err
	}
	return syncDir(root)
}

// baseOf knows the files of dir as those of the inventory, which they are.
func baseOf(n name, inv *inventory, dir string) (*base, error) {
	b := &base{name: n, files: map[string]known{}}
	for _, f := range inv.Files {
		info, err := os.Lstat(filepath.Join(dir, f.Name))
		if err != nil {
			return nil, err
		}
		b.files[f.Name] = known{info, f.Pieces}
	}
	return b, nil
}

// Clean removes what is below root beside dir, the directory that Fetch returned:
// former directories, of which everything of use is linked there by now.
func Clean(root, dir string) error {
	entries, err := os.ReadDir(root)
	if err != nil {
		return fmt.Errorf("remove former states: %w", err)
	}
	for _, e := range entries {
		if path := filepath.Join(root, e.Name()); path != filepath.Clean(dir) {
			if err := os.RemoveAll(path); err != nil {
				return fmt.Errorf("remove former states: %w", err)
			}
		}
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

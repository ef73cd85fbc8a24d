// Save: upload what is new, then say what there is.
package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"tidemark/internal/blob"
)

// Stats tell what a Save or Fetch did.
type Stats struct {
	// Moved bytes went to or came from the store; Reused were there already. The
	// inventory counts as moved.
	Moved, Reused int64
	// Calls of the store.
	Calls int
}

// Save saves the directory, in which nothing may change meanwhile, under the
// name, which must be of the owner's epoch and greater than the one before. After
// an error the caller may try again, with the same or another copy of the same
// state: if the save is there already, it stays as it is, and that is no error. So
// it is when it was saved before.
//
// blob.ErrAway and its like: the store; ErrOrder, ErrName: the caller.
func (o *Owner) Save(ctx context.Context, stateName, dir string) (Stats, error) {
	begun := time.Now()
	stats, err := o.save(ctx, stateName, dir)
	o.saves.telemetry.save.done(begun, stats, err)
	if err != nil {
		return stats, fmt.Errorf("save state %s: %w", stateName, err)
	}
	return stats, nil
}

func (o *Owner) save(ctx context.Context, stateName, dir string) (stats Stats, err error) {
	n, err := parseName(stateName)
	if err != nil {
		return stats, err
	}
	if err := o.mayOverwriteNothing(n); err != nil {
		return stats, err
	}
	if n == o.base.name {
		return stats, nil // the state after a batch is one, whichever copy it is of
	}
	if n != o.trying {
		o.trying, o.uploaded = n, map[blob.Sum]bool{}
	}
	next, uploads, err := o.plan(n, dir)
	if err != nil {
		return stats, err
	}
	inv := next.inventory(n, o.base.name)
	for _, f := range inv.Files {
		stats.Reused += f.Size
	}
	for _, u := range uploads {
		stats.Reused -= u.content.Size
		stats.Moved += u.content.Size
	}
	stats.Calls = len(uploads)
	if err := o.upload(ctx, n, uploads); err != nil {
		return stats, err
	}
	b, err := inv.encode()
	if err != nil {
		return stats, err
	}
	stats.Moved += int64(len(b))
	stats.Calls++
	if err := o.saves.step("create inventory"); err != nil {
		return stats, err
	}
	err = o.saves.store.Create(ctx, n.inventoryKey(), blob.Bytes(b))
	if errors.Is(err, blob.ErrExists) {
		// An earlier try came through after all, perhaps with other files of the same
		// state. Pieces that it names may be told apart from now on, so it stays (MV5).
		stats.Calls++
		next, err = o.adopt(ctx, n, next, b)
	}
	if err != nil {
		return stats, err
	}
	o.base, o.trying, o.uploaded = next, name{}, nil
	return stats, nil
}

// mayOverwriteNothing is MV4, and the order on which MV5 rests.
func (o *Owner) mayOverwriteNothing(n name) error {
	switch {
	case o.base == nil:
		return fmt.Errorf("nothing was fetched before, not even nothing: %w", ErrOrder)
	case n.partition != o.partition || n.epoch != o.epoch:
		return fmt.Errorf("the owner is of partition %d and epoch %d: %w", o.partition, o.epoch, ErrOrder)
	case n.compare(o.base.name) < 0:
		return fmt.Errorf("it does not follow %s: %w", o.base.name, ErrOrder)
	}
	return nil
}

// upload is a piece that the store lacks.
type upload struct {
	path    string
	offset  int64
	content blob.Content // without Data
}

// plan finds the pieces of all files in dir, known ones and new ones.
func (o *Owner) plan(n name, dir string) (*base, []upload, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, err
	}
	next, uploads := &base{name: n, files: map[string]known{}}, []upload(nil)
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return nil, nil, err
		}
		if !info.Mode().IsRegular() || !isFileName(e.Name()) {
			return nil, nil, fmt.Errorf("%s is no file of a state", filepath.Join(dir, e.Name()))
		}
		before := o.base.files[e.Name()]
		// Fast path: the very file whose pieces are known. Tables do not change.
		if isTable(e.Name()) && isSame(before.info, info) {
			next.files[e.Name()] = known{info, before.pieces}
			continue
		}
		cut, err := cutFile(filepath.Join(dir, e.Name()), info.Size(), before.pieces)
		if err != nil {
			return nil, nil, err
		}
		pieces := cut.kept
		for _, u := range cut.fresh {
			pieces = append(pieces, piece{Save: n.id(), Size: u.content.Size, Sum: u.content.Sum.String()})
			if !o.uploaded[u.content.Sum] {
				uploads = append(uploads, u)
			}
		}
		next.files[e.Name()] = known{info, pieces}
	}
	return next, uploads, nil
}

func (o *Owner) upload(ctx context.Context, n name, uploads []upload) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(o.saves.cfg.Parallel)
	done := make([]bool, len(uploads))
	for i, u := range uploads {
		group.Go(func() (err error) {
			if err := o.saves.step("put piece"); err != nil {
				return err
			}
			f, err := os.Open(u.path)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, f.Close()) }()
			u.content.Data = section{f, u.offset}
			if err := o.saves.store.Put(ctx, n.pieceKey(u.content.Sum), u.content); err != nil {
				return fmt.Errorf("piece of %s: %w", filepath.Base(u.path), err)
			}
			done[i] = true
			return nil
		})
	}
	err := group.Wait()
	for i, u := range uploads {
		if done[i] {
			o.uploaded[u.content.Sum] = true
		}
	}
	return err
}

// adopt takes what is there under n for what was saved. Where its files are those
// that were to be saved, their local files are known.
func (o *Owner) adopt(ctx context.Context, n name, ours *base, encoded []byte) (*base, error) {
	b, err := readEncoded(ctx, o.saves.store, n)
	if err != nil {
		return nil, err
	}
	if bytes.Equal(b, encoded) {
		return ours, nil
	}
	inv, err := decodeInventory(b, n)
	if err != nil {
		return nil, err
	}
	theirs := &base{name: n, files: map[string]known{}}
	for _, f := range inv.Files {
		k := known{pieces: f.Pieces}
		if same, ok := ours.files[f.Name]; ok && slices.Equal(same.pieces, f.Pieces) {
			k.info = same.info
		}
		theirs.files[f.Name] = k
	}
	return theirs, nil
}

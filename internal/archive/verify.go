// Verify: is everything there that entries name, and as it was written?
package archive

import (
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sync/errgroup"

	"tidemark/internal/blob"
	"tidemark/internal/event"
)

// Verdict is what Verify found of a property.
type Verdict struct {
	Entries []Entry
	// Damaged has what is wrong with an entry of Entries, by its index.
	Damaged map[int]error
	Gaps    []Gap
	// Unnamed are files that no newest entry names. The next archiver that starts deletes those that
	// nobody can be about to name.
	Unnamed []blob.Info
	Bytes   int64 // that were read
}

// Verify reads every byte of a property that is archived. report is told how many bytes are read.
func (r *Reader) Verify(ctx context.Context, p event.PropertyID, report func(bytes int64)) (*Verdict, error) {
	entries, err := r.Entries(ctx, p)
	if err != nil {
		return nil, err
	}
	v := &Verdict{Entries: entries, Damaged: map[int]error{}, Gaps: Gaps(entries)}
	named := map[string]bool{}
	for i := range entries {
		for _, f := range entries[i].Files {
			named[f.Key] = true
			n, err := r.copyFile(ctx, f, io.Discard)
			v.Bytes += n
			report(n)
			if ctx.Err() != nil || errors.Is(err, blob.ErrAway) || errors.Is(err, blob.ErrRefused) {
				return nil, err // it says nothing about the file
			}
			if err != nil && v.Damaged[i] == nil {
				v.Damaged[i] = err
			}
		}
	}
	for info, err := range r.blobs.List(ctx, propertyFolder(p)) {
		if err != nil {
			return nil, fmt.Errorf("list archived files: %w", err)
		}
		if !named[info.Key] {
			v.Unnamed = append(v.Unnamed, info)
		}
	}
	return v, nil
}

// copyFile copies a file that an entry names, and fails if it is not what the entry says (AR5).
func (r *Reader) copyFile(ctx context.Context, f File, to io.Writer) (n int64, err error) {
	sum, err := blob.ParseSum(f.Sum)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", blob.ErrCorrupt, err)
	}
	from, err := r.blobs.Get(ctx, f.Key)
	if err != nil {
		return 0, fmt.Errorf("read archived file: %w", err)
	}
	from = blob.Verify(from, f.Bytes, sum)
	n, err = io.Copy(to, from)
	if err := errors.Join(err, from.Close()); err != nil {
		return n, fmt.Errorf("read archived file %s: %w", f.Key, err)
	}
	return n, nil
}

// Copy copies one file. What it copied counts only if it returns nil.
func (r *Reader) Copy(ctx context.Context, f File, to io.Writer) error {
	_, err := r.copyFile(ctx, f, to)
	return err
}

// Fetch copies files, each to the writer that create returns for it, several at once. What
// it copied counts only if it returns nil.
func (r *Reader) Fetch(ctx context.Context, files []File, create func(i int) (io.WriteCloser, error)) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4) // each is large
	for i, f := range files {
		group.Go(func() error {
			to, err := create(i)
			if err != nil {
				return err
			}
			_, err = r.copyFile(ctx, f, to)
			return errors.Join(err, to.Close())
		})
	}
	return group.Wait()
}

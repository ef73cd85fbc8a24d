// One file of a Fetch: found on the disk, or fetched piece by piece.
package remote

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"tidemark/internal/blob"
)

// partial is what a file is called that is not whole yet. Pebble and inventories
// know no such name.
const partial = ".partial"

// readTries is how often an object is read: a connection may break in its middle,
// where the store's own retries do not reach, and a byte may fall over on the way.
const readTries = 3

// mayHelp tells whether to read again after that many tries.
func mayHelp(ctx context.Context, err error, tries int) bool {
	return tries < readTries && ctx.Err() == nil && (errors.Is(err, blob.ErrAway) || errors.Is(err, blob.ErrCorrupt))
}

// fillOne makes the file in work.
func (o *Owner) fillOne(ctx context.Context, f file, sources []string, work string, stats *Stats) error {
	target := filepath.Join(work, f.Name)
	for _, dir := range sources {
		if err := ctx.Err(); err != nil {
			return err
		}
		source := filepath.Join(dir, f.Name)
		same, err := isFile(source, f)
		if err != nil {
			return err
		}
		if !same {
			continue
		}
		stats.Reused += f.Size
		if source == target {
			return syncFile(target) // an attempt that died may have linked it only
		}
		return o.take(f, source, target)
	}
	if err := o.download(ctx, f, target+partial, stats); err != nil {
		return err
	}
	return o.saves.rename(target+partial, target)
}

// isFile tells whether what is at path is f, byte by byte. Reading all of it costs
// less than fetching, and an index that says so could be wrong after a crash.
func isFile(path string, f file) (bool, error) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil || !info.Mode().IsRegular() || info.Size() != f.Size {
		return false, err
	}
	r, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer func() { _ = r.Close() }() // it was read only
	offset := int64(0)
	for _, p := range f.Pieces {
		sum, err := sumOf(r, offset, p.Size)
		if err != nil || sum.String() != p.Sum {
			// A block that the disk cannot read is fetched like one that is wrong.
			return false, nil
		}
		offset += p.Size
	}
	return true, nil
}

// take links the file, or copies it if Pebble may write to it: a link would then
// change the former directory's as well.
func (o *Owner) take(f file, source, target string) error {
	if err := o.saves.step("take file"); err != nil {
		return err
	}
	// A former attempt may have left one that is not it.
	if err := os.Remove(target); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if isTable(f.Name) {
		err := os.Link(source, target)
		if err == nil {
			return syncFile(target) // whoever wrote it may have died before it did
		}
		// Another file system, or one without links: copy.
	}
	in, err := os.Open(source)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // it was read only
	out, err := os.Create(target + partial)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err := errors.Join(err, out.Sync(), out.Close()); err != nil {
		return err
	}
	// What was copied is what was verified only if nobody wrote meanwhile.
	if same, err := isFile(target+partial, f); err != nil || !same {
		return errors.Join(err, fmt.Errorf("%s changed while it was copied: is its state still open?", source))
	}
	return o.saves.rename(target+partial, target)
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// rename is only called when from is durable.
func (s *Saves) rename(from, to string) error {
	if err := s.step("rename file"); err != nil {
		return err
	}
	return os.Rename(from, to)
}

func (o *Owner) download(ctx context.Context, f file, path string, stats *Stats) error {
	if err := o.saves.step("make file"); err != nil {
		return err
	}
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	offset := int64(0)
	for _, p := range f.Pieces {
		if err = o.fetchPiece(ctx, p, out, offset, stats); err != nil {
			break
		}
		offset += p.Size
	}
	if err == nil {
		err = o.saves.step("sync file")
	}
	if err == nil {
		err = out.Sync()
	}
	return errors.Join(err, out.Close())
}

func (o *Owner) fetchPiece(ctx context.Context, p piece, out *os.File, offset int64, stats *Stats) error {
	key, want, err := p.key(o.partition)
	if err != nil {
		return err
	}
	for try := 1; ; try++ {
		if err := o.saves.step("get piece"); err != nil {
			return err
		}
		stats.Calls++
		err := copyPiece(ctx, o.saves.store, key, want, p.Size, io.NewOffsetWriter(out, offset))
		if err == nil {
			stats.Moved += p.Size
			return nil
		}
		if !mayHelp(ctx, err, try) {
			return fmt.Errorf("piece %s: %w", key, err)
		}
	}
}

// copyPiece does not trust the store: the key says what the bytes must be (MV2).
func copyPiece(ctx context.Context, store blob.Store, key string, want blob.Sum, size int64, out io.Writer) error {
	r, err := store.Get(ctx, key)
	if err != nil {
		return err
	}
	hash := sha256.New()
	n, err := io.Copy(io.MultiWriter(out, hash), io.LimitReader(r, size+1))
	if cerr := r.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	if got := blob.Sum(hash.Sum(nil)); n != size || got != want {
		return fmt.Errorf("it has %d bytes with SHA-256 %v, should have %d: %w", n, got, size, blob.ErrCorrupt)
	}
	return nil
}

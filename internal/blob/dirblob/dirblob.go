// Store: objects as files.
package dirblob

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"tidemark/internal/blob"
)

// Config is the operator's choice.
type Config struct {
	// Dir holds the objects. Nodes that share state must see the same directory.
	Dir string
	// Plain makes files of the bytes of objects and nothing else, so that other programs
	// can read them. What damage does to them Get then cannot know (B3): the caller must hold
	// size and checksum, and compare. A directory is plain from its first object on, or never.
	Plain bool
}

// Validate reports the first choice that cannot work.
func (c Config) Validate() error {
	if c.Dir == "" {
		return errors.New("dir of the object store is empty: name a directory that all nodes see")
	}
	return nil
}

// Store keeps objects below one directory.
type Store struct {
	dir   string
	plain bool
}

var _ blob.Store = (*Store)(nil)

const (
	making = ".making" // folder of files that are not objects yet
	// abandoned is how old such a file is when its writer must be gone. Too short
	// takes it away from a slow one, which then fails.
	abandoned = 24 * time.Hour
	// folderTries is how often a folder that somebody removed as empty is made again.
	folderTries = 100
)

// Open opens or creates the store and removes what writers left that died.
func Open(c Config) (*Store, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return nil, fmt.Errorf("open object store in %s: %w", c.Dir, err)
	}
	s := &Store{dir: dir, plain: c.Plain}
	err = os.MkdirAll(filepath.Join(dir, making), 0o755)
	if err == nil {
		err = errors.Join(syncDir(dir), syncDir(filepath.Dir(dir)))
	}
	if err == nil {
		err = s.tidy()
	}
	if err != nil {
		return nil, fmt.Errorf("open object store in %s: %w", c.Dir, err)
	}
	return s, nil
}

// tidy goes by the clock of the file system, which wrote the times.
func (s *Store) tidy() error {
	probe, err := os.CreateTemp(filepath.Join(s.dir, making), "now-")
	if err != nil {
		return err
	}
	now, err := probe.Stat()
	if err := errors.Join(err, probe.Close(), os.Remove(probe.Name())); err != nil {
		return err
	}
	entries, err := os.ReadDir(filepath.Join(s.dir, making))
	if err != nil {
		return err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && now.ModTime().Sub(info.ModTime()) > abandoned {
			err = os.Remove(filepath.Join(s.dir, making, e.Name()))
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (s *Store) path(key string) string { return filepath.Join(s.dir, filepath.FromSlash(key)) }

// Put implements blob.Store.
func (s *Store) Put(ctx context.Context, key string, c blob.Content) error {
	return wrap("put", key, s.write(ctx, key, c, os.Rename))
}

// Create implements blob.Store.
func (s *Store) Create(ctx context.Context, key string, c blob.Content) error {
	return wrap("create", key, s.write(ctx, key, c, func(from, to string) error {
		if err := os.Link(from, to); err != nil {
			return err
		}
		return os.Remove(from)
	}))
}

// write makes the file whole and durable before publish gives it its name.
func (s *Store) write(ctx context.Context, key string, c blob.Content, publish func(from, to string) error) error {
	if err := blob.CheckKey(key); err != nil {
		return err
	}
	from, err := s.fill(ctx, c)
	if err == nil {
		err = s.publish(from, s.path(key), publish)
	}
	if err != nil && from != "" {
		_ = os.Remove(from) // it counts for nothing, and tidy finds it again
	}
	return err
}

func (s *Store) fill(ctx context.Context, c blob.Content) (name string, err error) {
	id := make([]byte, 12)
	_, _ = rand.Read(id) // it never fails
	name = filepath.Join(s.dir, making, hex.EncodeToString(id))
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, hash), &patient{ctx, c.Reader()})
	if got := blob.Sum(hash.Sum(nil)); err == nil && (n != c.Size || got != c.Sum) {
		err = fmt.Errorf("%d bytes with SHA-256 %v, not %d with %v: %w", n, got, c.Size, c.Sum, blob.ErrCorrupt)
	}
	if err == nil && !s.plain {
		_, err = f.Write(trailer(c.Size, c.Sum))
	}
	if err == nil {
		err = f.Sync()
	}
	return name, errors.Join(err, f.Close())
}

// publish makes the folder as well. Delete removes folders that have become
// empty, at times between making one and using it.
func (s *Store) publish(from, to string, publish func(from, to string) error) error {
	folder := filepath.Dir(to)
	for try := 1; ; try++ {
		err := os.MkdirAll(folder, 0o755)
		if err == nil {
			err = publish(from, to)
		}
		if err == nil {
			return s.syncUp(folder)
		}
		if !errors.Is(err, fs.ErrNotExist) || try == folderTries {
			return err
		}
	}
}

// syncUp makes the folder and those above it durable. All of them each time: one
// that was there may have been made a moment ago by somebody who has not synced
// it yet, and syncing one that has nothing new costs next to nothing.
func (s *Store) syncUp(folder string) error {
	for ; ; folder = filepath.Dir(folder) {
		// A folder that is gone again held an object that was deleted since.
		if err := syncDir(folder); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if folder == s.dir {
			return nil
		}
	}
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Get implements blob.Store.
func (s *Store) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	r, err := s.get(ctx, key)
	if err != nil {
		return nil, wrap("get", key, err)
	}
	return r, nil
}

func (s *Store) get(ctx context.Context, key string) (io.ReadCloser, error) {
	if err := blob.CheckKey(key); err != nil {
		return nil, err
	}
	f, err := os.Open(s.path(key))
	if err != nil {
		return nil, err
	}
	if s.plain {
		return struct {
			io.Reader
			io.Closer
		}{&patient{ctx, f}, f}, nil
	}
	size, sum, err := readTrailer(f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	body := io.LimitReader(&patient{ctx, f}, size)
	return blob.Verify(struct {
		io.Reader
		io.Closer
	}{body, f}, size, sum), nil
}

// Delete implements blob.Store.
func (s *Store) Delete(ctx context.Context, key string) error {
	err := blob.CheckKey(key)
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = s.remove(key)
	}
	return wrap("delete", key, err)
}

func (s *Store) remove(key string) error {
	if err := os.Remove(s.path(key)); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	folder := filepath.Dir(s.path(key))
	if err := syncDir(folder); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// Folders that are empty now go; one that is not refuses. Nothing hangs on it.
	for folder != s.dir && os.Remove(folder) == nil {
		folder = filepath.Dir(folder)
	}
	return nil
}

// List implements blob.Store.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[blob.Info, error] {
	return func(yield func(blob.Info, error) bool) {
		err := blob.CheckPrefix(prefix)
		if err == nil {
			folder := prefix[:strings.LastIndexByte(prefix, '/')+1]
			_, err = s.list(ctx, folder, prefix, yield)
		}
		if err != nil {
			yield(blob.Info{}, wrap("list", prefix, err))
		}
	}
}

// list yields what begins with prefix below the folder, which is "" or ends with
// a slash. It returns whether to go on.
func (s *Store) list(ctx context.Context, folder, prefix string, yield func(blob.Info, error) bool) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	entries, err := os.ReadDir(s.path(folder))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	keys := make([]string, 0, len(entries))
	for _, e := range entries {
		key := folder + e.Name()
		if e.IsDir() {
			// In the order of keys a folder stands where its slash is: a-b, a/b (B5).
			key += "/"
		}
		if e.Name()[0] != '.' && (strings.HasPrefix(key, prefix) || strings.HasPrefix(prefix, key)) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	for _, key := range keys {
		goOn := true
		if strings.HasSuffix(key, "/") {
			goOn, err = s.list(ctx, key, prefix, yield)
		} else if strings.HasPrefix(key, prefix) {
			goOn, err = s.yield(key, yield)
		}
		if err != nil || !goOn {
			return false, err
		}
	}
	return true, nil
}

func (s *Store) yield(key string, yield func(blob.Info, error) bool) (bool, error) {
	info, err := os.Stat(s.path(key))
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil // deleted meanwhile
	}
	if err != nil {
		return false, err
	}
	size := info.Size()
	if !s.plain {
		size = max(size-trailerSize, 0)
	}
	return yield(blob.Info{Key: key, Size: size}, nil), nil
}

// Verification: no byte is answered from that is not as it was written (T5).
package duckstore

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"tidemark/internal/store"
)

// smallSegment is verified when it is named; larger ones in the background,
// or before their first use, whatever comes first.
const smallSegment = 1 << 20

// segmentFile is a file that a manifest or a snapshot names.
type segmentFile struct {
	seg   store.Segment
	named bool // by the installed manifest; guarded by Store.mu
	refs  int  // snapshots; guarded by Store.mu

	once sync.Once
	err  error
}

// verify compares the file with its segment's checksum, once.
func (f *segmentFile) verify(dir string) error {
	f.once.Do(func() {
		sum, size, err := checksum(filepath.Join(dir, f.seg.File))
		switch {
		case err != nil:
			f.err = err
		case size != f.seg.Bytes || sum != f.seg.Checksum:
			f.err = fmt.Errorf("%w: %s: restore it from a backup, or rebuild the store from log and archive",
				store.ErrCorrupt, f.seg.File)
		}
	})
	return f.err
}

// adopt makes m's segments the named ones. Files that are new to the store are
// checked for presence and size, small ones verified. s.mu is held.
func (s *Store) adopt(m *store.Manifest) error {
	named := make(map[string]bool, len(m.Segments))
	fresh := map[string]*segmentFile{}
	for _, seg := range m.Segments {
		if named[seg.File] {
			return fmt.Errorf("manifest names %s twice", seg.File)
		}
		named[seg.File] = true
		if s.segments[seg.File] != nil {
			continue
		}
		f := &segmentFile{seg: seg}
		if err := s.checkPresence(f); err != nil {
			return err
		}
		fresh[seg.File] = f
	}
	for name, f := range fresh {
		s.segments[name] = f
	}
	for name, f := range s.segments {
		f.named = named[name]
	}
	return nil
}

func (s *Store) checkPresence(f *segmentFile) error {
	info, err := os.Stat(filepath.Join(s.cfg.Dir, f.seg.File))
	if err != nil {
		return fmt.Errorf("find segment that the manifest names: %w", err)
	}
	if info.Size() != f.seg.Bytes {
		return fmt.Errorf("%w: %s has %d bytes, not %d", store.ErrCorrupt, f.seg.File, info.Size(),
			f.seg.Bytes)
	}
	if sum, ours := s.written[f.seg.File]; ours && sum == f.seg.Checksum {
		delete(s.written, f.seg.File)
		f.once.Do(func() {}) // verified when it was written
		return nil
	}
	if f.seg.Bytes <= smallSegment {
		return f.verify(s.cfg.Dir)
	}
	return nil
}

// verifyInBackground verifies what was too large for Open.
func (s *Store) verifyInBackground() {
	s.mu.Lock()
	todo := make([]*segmentFile, 0, len(s.segments))
	for _, f := range s.segments {
		todo = append(todo, f)
	}
	s.mu.Unlock()
	s.busy.Add(1)
	go func() {
		defer s.busy.Done()
		for _, f := range todo {
			if s.closing.Err() != nil {
				return
			}
			if err := f.verify(s.cfg.Dir); err != nil {
				s.log.Error("segment cannot be used", "file", f.seg.File, "error", err)
			}
		}
	}()
}

// verifyBeforeUse verifies the segments that p may read.
func (s *Store) verifyBeforeUse(ctx context.Context, m *store.Manifest, p *store.Plan) error {
	for i := range m.Segments {
		if !mayHold(boundsOf(&m.Segments[i]), p.Property, nil) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.verifyFile(m.Segments[i].File); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) verifyFile(name string) error {
	s.mu.Lock()
	f := s.segments[name]
	s.mu.Unlock()
	if f == nil {
		return fmt.Errorf("segment %s is not installed", name)
	}
	return f.verify(s.cfg.Dir)
}

// Replacing final rows: a replay puts others in their place.
package duckstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"tidemark/internal/store"
)

// ReplaceFinal implements store.Store.
func (s *Store) ReplaceFinal(ctx context.Context, m store.Manifest, r store.Replacement) (*store.Change, error) {
	ctx, leave, err := s.rewrite(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	if until, ok := m.FinalUntil[r.Property]; !ok || r.To > until || r.From >= r.To {
		return nil, fmt.Errorf("replace rows of property %s: [%v, %v) is not final", r.Property, r.From, r.To)
	}
	old := touchedBy(m, r)
	release, err := s.holdFiles(old)
	if err != nil {
		return nil, fmt.Errorf("replace final rows: %w", err)
	}
	defer release()
	change := &store.Change{}
	for _, seg := range r.Segments {
		taken, err := s.takeOver(r.Dir, seg)
		if err != nil {
			return nil, fmt.Errorf("take over segment %s: %w", seg.File, err)
		}
		change.Added = append(change.Added, taken)
	}
	var specs []segmentSpec
	for _, seg := range old {
		change.Removed = append(change.Removed, seg.ID)
		from := fmt.Sprintf("(SELECT * FROM %[1]s WHERE NOT (property = %[2]s AND %[3]s >= %[4]s AND %[3]s < %[5]s))",
			s.rowsOf(seg.Table, []store.Segment{seg}), propertyLiteral(r.Property), timeColumn(seg.Table),
			micros(r.From), micros(r.To))
		specs = append(specs, segmentSpec{table: seg.Table, level: seg.Level, query: s.rowsQuery(seg.Table, from)})
	}
	rest, err := s.writeSpecs(ctx, s.writer, specs)
	if err != nil {
		return nil, fmt.Errorf("replace final rows: %w", err)
	}
	change.Added = append(change.Added, rest...)
	if err := s.fs.SyncDir(s.cfg.Dir); err != nil {
		return nil, fmt.Errorf("sync store directory: %w", err)
	}
	return change, nil
}

// touchedBy returns the segments that can hold final rows of r's property and range.
// Cells are left: RollUp takes out those of days that are made again.
func touchedBy(m store.Manifest, r store.Replacement) []store.Segment {
	var out []store.Segment
	for _, seg := range m.Segments {
		if (seg.Table == store.FinalEvents || seg.Table == store.FinalSessions) && seg.MinProperty <= r.Property && r.Property <= seg.MaxProperty &&
			seg.MinTime < r.To && seg.MaxTime >= r.From {
			out = append(out, seg)
		}
	}
	return out
}

// takeOver gives a synced segment of another directory a name in this one.
func (s *Store) takeOver(dir string, seg store.Segment) (store.Segment, error) {
	from := filepath.Join(dir, seg.File)
	seg.ID = s.nextID.Add(1)
	seg.File = segmentName(seg.Table, seg.ID)
	to := filepath.Join(s.cfg.Dir, seg.File)
	if err := os.Link(from, to); err != nil {
		if err := copyFile(from, to); err != nil {
			return seg, err
		}
		if err := s.fs.Sync(to); err != nil {
			return seg, err
		}
	}
	sum, size, err := checksum(to)
	if err != nil {
		return seg, err
	}
	if sum != seg.Checksum || size != seg.Bytes {
		return seg, fmt.Errorf("%w: %s", store.ErrCorrupt, from)
	}
	s.mu.Lock()
	s.written[seg.File] = seg.Checksum
	s.mu.Unlock()
	return seg, nil
}

// copyFile is for directories between which there are no links.
func copyFile(from, to string) (err error) {
	r, err := os.Open(from)
	if err != nil {
		return err
	}
	defer r.Close() // read only
	w, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	return errors.Join(err, w.Close())
}

// Sweep: objects that no newest entry names are deleted (AR4), if nobody can still be about to name
// them (AR1).
package archive

import (
	"context"
	"fmt"

	"tidemark/internal/blob"
	"tidemark/internal/event"
)

// tidy deletes what an entry that was just created supersedes: files of its range first, so
// that an older entry stays as a sign until they are gone.
func (w *work) tidy(ctx context.Context, e *Entry) error {
	folder := fmt.Sprintf("%sday=%s/", propertyFolder(e.Property), e.Day)
	if err := w.deleteUnnamed(ctx, e.Property, folder, []Entry{*e}); err != nil {
		return err
	}
	if e.Edition == 1 {
		return nil
	}
	// Those before it went when this one came, or sweep finds them.
	if err := w.deps.Blobs.Delete(ctx, place{e.Property, e.From, e.Edition - 1}.key()); err != nil {
		return fmt.Errorf("delete superseded entry: %w", err)
	}
	return nil
}

// sweep deletes all that is superseded or was left behind of a property, and returns its
// newest entries.
func (a *Archiver) sweep(ctx context.Context, p event.PropertyID) ([]Entry, error) {
	// Entries first: what is created after the list of objects cannot make one of them unnamed.
	newest, older, err := a.reader.load(ctx, p)
	if err != nil {
		return nil, err
	}
	if err := a.deleteUnnamed(ctx, p, propertyFolder(p), newest); err != nil {
		return nil, err
	}
	for _, at := range older {
		if err := a.deps.Blobs.Delete(ctx, at.key()); err != nil {
			return nil, fmt.Errorf("delete superseded entry: %w", err)
		}
	}
	return newest, nil
}

// deleteUnnamed deletes objects of a folder that belong to editions up to those of the entries
// and are not named by them.
func (a *Archiver) deleteUnnamed(ctx context.Context, p event.PropertyID, folder string, entries []Entry) error {
	named, newest := map[string]bool{}, map[event.Time]uint64{}
	for i := range entries {
		newest[entries[i].From] = entries[i].Edition
		for _, f := range entries[i].Files {
			named[f.Key] = true
		}
	}
	var doomed []blob.Info
	for info, err := range a.deps.Blobs.List(ctx, folder) {
		if err != nil {
			return fmt.Errorf("list archived files: %w", err)
		}
		at, ok := parseFileKey(p, info.Key)
		if !ok || named[info.Key] {
			continue
		}
		if edition, known := newest[at.from]; known && at.edition <= edition {
			doomed = append(doomed, info)
		}
	}
	for _, info := range doomed {
		if err := a.deps.Blobs.Delete(ctx, info.Key); err != nil {
			return fmt.Errorf("delete file of a former edition: %w", err)
		}
		a.tel.swept.Inc()
	}
	return nil
}

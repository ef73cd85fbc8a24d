// Reader: what the archive holds, as its entries tell.
package archive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"tidemark/internal/blob"
	"tidemark/internal/event"
)

// parallel is how many objects are asked for at once.
const parallel = 16

// Reader reads an archive.
type Reader struct{ blobs blob.Store }

// NewReader returns one over the objects of an archive.
func NewReader(blobs blob.Store) *Reader { return &Reader{blobs} }

// ranges are the editions of each range of a property, by its beginning; the newest is last.
type ranges map[event.Time][]place

// list returns what entries there are, of all properties or of one.
func (r *Reader) list(ctx context.Context, prefix string) (map[event.PropertyID]ranges, error) {
	out := map[event.PropertyID]ranges{}
	for info, err := range r.blobs.List(ctx, prefix) {
		if err != nil {
			return nil, fmt.Errorf("list entries of the archive: %w", err)
		}
		at, ok := parseEntryKey(info.Key)
		if !ok {
			continue // not ours: a note that somebody put there
		}
		if out[at.property] == nil {
			out[at.property] = ranges{}
		}
		out[at.property][at.from] = append(out[at.property][at.from], at)
	}
	return out, nil
}

// Properties returns those that have entries, in order.
func (r *Reader) Properties(ctx context.Context) ([]event.PropertyID, error) {
	all, err := r.list(ctx, entriesPrefix)
	if err != nil {
		return nil, err
	}
	ids := make([]event.PropertyID, 0, len(all))
	for id := range all {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids, nil
}

// Entries returns the newest entry of each range of a property, in order of time.
func (r *Reader) Entries(ctx context.Context, p event.PropertyID) ([]Entry, error) {
	entries, _, err := r.load(ctx, p)
	return entries, err
}

// load returns the newest entries and the places of older ones.
func (r *Reader) load(ctx context.Context, p event.PropertyID) (newest []Entry, older []place, err error) {
	// Between list and get another archiver may have replaced an edition.
	for try := 0; ; try++ {
		newest, older, err = r.loadOnce(ctx, p)
		if !errors.Is(err, blob.ErrNotFound) || try == 3 {
			return newest, older, err
		}
	}
}

func (r *Reader) loadOnce(ctx context.Context, p event.PropertyID) (newest []Entry, older []place, err error) {
	all, err := r.list(ctx, entriesPrefix+propertyFolder(p))
	if err != nil {
		return nil, nil, err
	}
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for _, editions := range all[p] {
		slices.SortFunc(editions, func(a, b place) int { return cmp.Compare(a.edition, b.edition) })
		last := len(editions) - 1
		older = append(older, editions[:last]...)
		group.Go(func() error {
			e, err := r.entry(ctx, editions[last])
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			newest = append(newest, *e)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	slices.SortFunc(newest, func(a, b Entry) int { return cmp.Compare(a.From, b.From) })
	return newest, older, nil
}

func (r *Reader) entry(ctx context.Context, at place) (*Entry, error) {
	b, err := blob.Read(ctx, r.blobs, at.key(), maxEntry)
	if err != nil {
		return nil, fmt.Errorf("read entry: %w", err)
	}
	e, err := decodeEntry(b, at)
	if err != nil {
		return nil, fmt.Errorf("read entry %s: %w", at.key(), err)
	}
	return e, nil
}

// Gap is time of which a property has no entry although it has earlier and later ones.
type Gap struct{ From, To event.Time }

// Gaps returns them; entries are in order.
func Gaps(entries []Entry) (gaps []Gap) {
	at := event.Time(0)
	for i := range entries {
		if entries[i].From > at {
			gaps = append(gaps, Gap{at, entries[i].From})
		}
		at = max(at, entries[i].To)
	}
	return gaps
}

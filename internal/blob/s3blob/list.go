// Lists, page by page.
package s3blob

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/minio/minio-go/v7"

	"tidemark/internal/blob"
)

// pageKeys is what services give at most in one answer.
const pageKeys = 1000

// List implements blob.Store. A page begins behind the last key of the one
// before, not at the service's token: then one that is asked for again is the same
// page, whatever connection or server it comes from.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[blob.Info, error] {
	return func(yield func(blob.Info, error) bool) {
		if err := blob.CheckPrefix(prefix); err != nil {
			yield(blob.Info{}, fmt.Errorf("list objects: %w", err))
			return
		}
		for last := ""; ; {
			page, err := s.page(ctx, prefix, last)
			if err != nil {
				yield(blob.Info{}, err)
				return
			}
			for _, o := range page {
				if o.Key <= last {
					yield(blob.Info{}, fmt.Errorf("list objects %s: the service does not list in the order of keys, "+
						"%s is behind %s: %w", prefix, o.Key, last, blob.ErrRefused))
					return
				}
				last = o.Key
				key := strings.TrimPrefix(o.Key, s.cfg.Prefix)
				if blob.CheckKey(key) != nil {
					continue // somebody else's: a placeholder of a folder, say
				}
				if !yield(blob.Info{Key: key, Size: o.Size}, nil) {
					return
				}
			}
			if len(page) < pageKeys {
				return
			}
		}
	}
}

// page returns the first keys behind last, all if they are fewer than pageKeys.
func (s *Store) page(ctx context.Context, prefix, last string) (page []minio.ObjectInfo, err error) {
	err = s.call(ctx, "list", prefix, func(ctx context.Context, progress func()) error {
		page = page[:0]
		// The client would ask for page after page; ending its context stops it.
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		for o := range s.client.Client.ListObjects(ctx, s.cfg.Bucket, minio.ListObjectsOptions{
			Prefix: s.cfg.Prefix + prefix, Recursive: true, StartAfter: last, MaxKeys: pageKeys,
		}) {
			if o.Err != nil {
				return o.Err
			}
			progress()
			if page = append(page, o); len(page) == pageKeys {
				return nil
			}
		}
		return ctx.Err()
	})
	return page, err
}

// State: the documents that count at one moment, read once and kept until there is a
// later commit.
package clickstore

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"sync"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// state is what one commit left: the documents of its Keeper up to it. It is not changed.
type state struct {
	version
	root rootDocument
	docs map[event.PropertyID]*document

	manifest func() store.Manifest // made when first asked for
}

func newState(v version, root rootDocument, docs map[event.PropertyID]*document) *state {
	st := &state{version: v, root: root, docs: docs}
	st.manifest = sync.OnceValue(st.makeManifest)
	return st
}

// doc returns the document of a property, an empty one if there is none.
func (st *state) doc(p event.PropertyID) *document {
	if d := st.docs[p]; d != nil {
		return d
	}
	return &document{}
}

// makeManifest renders the documents as others know them.
func (st *state) makeManifest() store.Manifest {
	m := (&store.Manifest{}).Clone()
	for p, d := range st.docs {
		d.fill(&m, p)
	}
	return m
}

// manifestCopy returns a manifest whose maps are the caller's.
func (st *state) manifestCopy() store.Manifest {
	m := st.manifest()
	return m.Clone()
}

// current returns the state of the last commit. Whoever reads progress as well does so
// afterwards: final rows are of batches that were published when they were made, and
// what is published is never less later (T1).
func (s *Store) current(ctx context.Context) (*state, error) {
	v, err := s.lastCommit(ctx, nil)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	known := s.known
	s.mu.Unlock()
	if known != nil && !known.olderThan(v) {
		return known, nil
	}
	st, err := s.load(ctx, v, known)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil || s.known.olderThan(v) {
		s.known = st
	}
	return st, nil
}

// lastCommit returns the version of the last commit, of Keepers before another one if that is
// given; zeros if there is none.
func (s *Store) lastCommit(ctx context.Context, before *version) (version, error) {
	where := "n > 0"
	if before != nil {
		where += fmt.Sprintf(" AND (term, keeper) < (%d, %d)", before.term, before.keeper)
	}
	var v version
	err := s.query(ctx, "SELECT term, keeper, max(n)\nFROM documents\nWHERE "+where+
		"\nGROUP BY term, keeper\nORDER BY term DESC, keeper DESC\nLIMIT 1", func(d *decoder) {
		v = version{d.uint64(), d.uint64(), d.uint64()}
	})
	if err != nil {
		return v, fmt.Errorf("find last commit: %w", queryError(err))
	}
	return v, nil
}

// load reads the documents of v. What is known of the same Keeper is not read again.
func (s *Store) load(ctx context.Context, v version, known *state) (*state, error) {
	docs, root, since := map[event.PropertyID]*document{}, rootDocument{}, uint64(0)
	if known != nil && known.term == v.term && known.keeper == v.keeper && known.n < v.n {
		docs, root, since = maps.Clone(known.docs), known.root, known.n
	}
	if v.n == 0 {
		return newState(v, root, docs), nil
	}
	sql := fmt.Sprintf("SELECT kind, property, body\nFROM documents\nWHERE term = %d AND keeper = %d AND n > %d AND n <= %d\nORDER BY n",
		v.term, v.keeper, since, v.n)
	var broken error
	err := s.query(ctx, sql, func(d *decoder) {
		kind, p, body := d.read(1)[0], event.PropertyID(d.uint64()), d.text()
		if d.err != nil || broken != nil {
			return
		}
		if kind == rootKind {
			root = rootDocument{}
			broken = json.Unmarshal([]byte(body), &root)
			return
		}
		docs[p] = &document{}
		broken = json.Unmarshal([]byte(body), docs[p])
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("read documents: %w", queryError(err))
	case broken != nil:
		return nil, fmt.Errorf("%w: a document of commit %+v: %w", store.ErrCorrupt, v, broken)
	case len(docs) != root.Properties:
		return nil, fmt.Errorf("%w: commit %+v has %d documents, and %d are there", store.ErrCorrupt, v, root.Properties, len(docs))
	}
	return newState(v, root, docs), nil
}

// Keeper: one term of upkeep, and the commits by which its work counts (U5, U6).
//
// A Keeper writes documents under a version of its own, which no other has: its term, and a number that
// each call of Keep takes anew. It begins with a claim. From then on a Keeper of before finds, when
// it looks at the claims after a commit, that it is over, and harms nothing. Then it writes
// everything that counts once more under its own version, so that whatever one of before
// writes late is never the highest.
package clickstore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

var _ store.Keeper = (*keeper)(nil)

// keepTimeout ends a statement of upkeep, which may write or rewrite a day of a large property.
const keepTimeout = 30 * time.Minute

type keeper struct {
	s   *Store
	own version // n is that of the last commit that was tried
	at  *state  // what was committed
	// unsure: it is not known whether the last commit came. It may come later, so nothing may be
	// committed after it under this version.
	unsure bool
	// garbage is what no answer needs, and since when (tidy.go).
	garbage garbage
	// cleaned is the commit up to which replaced documents were removed.
	cleaned uint64
}

// Keep implements store.Shared.
func (s *Store) Keep(ctx context.Context, term uint64) (store.Keeper, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	if term == 0 {
		return nil, errors.New("keep the store: terms begin with 1")
	}
	k := &keeper{s: s, own: version{term: term}, at: newState(version{}, rootDocument{}, nil), garbage: newGarbage()}
	if err := k.begin(ctx); err != nil {
		return nil, fmt.Errorf("keep the store: %w", err)
	}
	return k, nil
}

// begin takes a new number within the term, and takes over what counts.
func (k *keeper) begin(ctx context.Context) error {
	last, err := k.lastClaim(ctx)
	if err != nil {
		return err
	}
	if last.term > k.own.term {
		return store.ErrTermOver
	}
	number := uint64(1)
	if last.term == k.own.term {
		number = last.keeper>>32 + 1
	}
	// Two that read the same last claim must not be one.
	own := version{term: k.own.term, keeper: number<<32 | uint64(rand.Uint32())}
	row, err := appendDocument(nil, own, claimKind, 0, nil)
	if err == nil {
		err = k.s.insertDocuments(ctx, row)
	}
	if err != nil {
		return fmt.Errorf("claim: %w", err)
	}
	for {
		v, err := k.s.lastCommit(ctx, &own)
		if err != nil {
			return err
		}
		st, err := k.s.load(ctx, v, nil)
		if err != nil {
			return err
		}
		own.n++
		if err := k.write(ctx, own, st.docs, len(st.docs)); err != nil {
			return fmt.Errorf("take over: %w", err)
		}
		// One of before may have committed in between, not knowing of the claim.
		again, err := k.s.lastCommit(ctx, &own)
		if err != nil {
			return err
		}
		if again == v {
			k.at = newState(own, rootDocument{Properties: len(st.docs)}, st.docs)
			break
		}
	}
	k.own, k.unsure, k.cleaned = own, false, 0
	return k.checkTerm(ctx)
}

// lastClaim returns the version of the Keeper that began last.
func (k *keeper) lastClaim(ctx context.Context) (version, error) {
	var v version
	err := k.s.query(ctx, "SELECT term, max(keeper)\nFROM documents\nGROUP BY term\nORDER BY term DESC\nLIMIT 1", func(d *decoder) {
		v = version{term: d.uint64(), keeper: d.uint64()}
	})
	if err != nil {
		return v, fmt.Errorf("find the Keeper: %w", queryError(err))
	}
	return v, nil
}

// checkTerm says whether somebody else keeps the store.
func (k *keeper) checkTerm(ctx context.Context) error {
	last, err := k.lastClaim(ctx)
	if err == nil && k.own.before(last) {
		return store.ErrTermOver
	}
	return err
}

// ready is called at the beginning of each method.
func (k *keeper) ready(ctx context.Context) error {
	if err := k.s.check(); err != nil {
		return err
	}
	if k.unsure {
		return k.begin(ctx)
	}
	return k.checkTerm(ctx)
}

// commit makes documents count, all in one step. After it returned nil no Keeper of before
// or later can lose them: who claims from now on reads them.
func (k *keeper) commit(ctx context.Context, changed map[event.PropertyID]*document) error {
	if err := k.checkTerm(ctx); err != nil {
		return err
	}
	docs := maps.Clone(k.at.docs)
	if docs == nil {
		docs = map[event.PropertyID]*document{}
	}
	maps.Copy(docs, changed)
	k.own.n++
	if err := k.write(ctx, k.own, changed, len(docs)); err != nil {
		k.unsure = true
		return fmt.Errorf("commit: %w", err)
	}
	if err := k.checkTerm(ctx); err != nil {
		k.unsure = true
		return err
	}
	k.at = newState(k.own, rootDocument{Properties: len(docs)}, docs)
	return nil
}

// write inserts documents as one block.
func (k *keeper) write(ctx context.Context, v version, docs map[event.PropertyID]*document, all int) error {
	rows, err := appendDocument(nil, v, rootKind, 0, rootDocument{Properties: all})
	if err != nil {
		return err
	}
	for _, p := range slices.Sorted(maps.Keys(docs)) {
		if rows, err = appendDocument(rows, v, propertyKind, p, docs[p]); err != nil {
			return err
		}
	}
	return k.s.insertDocuments(ctx, rows)
}

func (s *Store) insertDocuments(ctx context.Context, rows []byte) error {
	return s.insertPlain(ctx, documentsTable, rows)
}

// insertPlain inserts rows of which nobody minds if they are there twice, and which must never be
// dropped as repeated.
func (s *Store) insertPlain(ctx context.Context, table string, rows []byte) error {
	set := s.insertSettings()
	set["insert_deduplicate"] = "0"
	return s.client.do(ctx, request{sql: "INSERT INTO " + table + " (" + columnsOf(table) + ") FORMAT RowBinary", rows: rows,
		settings: set, timeout: s.cfg.InsertTimeout}, nil)
}

// Manifest implements store.Keeper.
func (k *keeper) Manifest() store.Manifest { return k.at.manifestCopy() }

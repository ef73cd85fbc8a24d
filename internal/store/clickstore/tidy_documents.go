// Tidying of documents, and of erasures that documents have noted.
package clickstore

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tidemark/internal/event"
)

// cleanEvery is after how many commits what they replaced is removed.
const cleanEvery = 50

// removeErasures forgets the erasures that were carried out.
func (k *keeper) removeErasures(ctx context.Context) error {
	var done []string
	changed := map[event.PropertyID]*document{}
	for _, p := range slices.Sorted(maps.Keys(k.at.docs)) {
		was := k.at.docs[p]
		for _, e := range was.Done {
			done = append(done, fmt.Sprintf("(%d, %s, %d)", uint64(e.Property), quote(e.ClientID), uint64(e.Before)))
		}
		if len(was.Done) > 0 {
			d := was.clone()
			d.Done = nil
			changed[p] = d
		}
	}
	if len(done) == 0 {
		return nil
	}
	seen, err := k.s.visible(ctx)
	if err != nil {
		return err
	}
	if err := k.s.alter(ctx, erasuresTable, "DELETE WHERE (property, client_id, before) IN ("+strings.Join(done, ", ")+") AND "+seen.condition("")); err != nil {
		return err
	}
	return k.commit(ctx, changed)
}

// removeDocuments removes what Keepers of before wrote, and what this one has written again.
func (k *keeper) removeDocuments(ctx context.Context) error {
	before := fmt.Sprintf("(term, keeper) < (%d, %d)", k.own.term, k.own.keeper)
	n, err := k.s.number(ctx, "SELECT count() FROM documents WHERE "+before)
	if err != nil {
		return fmt.Errorf("find documents: %w", queryError(err))
	}
	if due := k.due("keepers/", []string{fmt.Sprint(k.own.keeper)}); n > 0 && len(due) > 0 {
		if err := k.s.alter(ctx, documentsTable, "DELETE WHERE "+before); err != nil {
			return err
		}
	}
	// A reader that is on its way to a commit reads what is before it.
	var safe uint64
	for name := range k.due("commit/", k.commits()) {
		var at uint64
		if _, err := fmt.Sscan(name, &at); err != nil {
			return fmt.Errorf("read commit %q: %w", name, err)
		}
		safe = max(safe, at)
	}
	if safe < k.cleaned+cleanEvery {
		return nil
	}
	own := fmt.Sprintf("term = %d AND keeper = %d AND n > 0 AND n <= %d", k.own.term, k.own.keeper, safe)
	var last []string
	err = k.s.query(ctx, "SELECT toUInt64(kind), property, max(n)\nFROM documents\nWHERE "+own+"\nGROUP BY kind, property", func(d *decoder) {
		last = append(last, fmt.Sprintf("(%d, %d, %d)", d.uint64(), d.uint64(), d.uint64()))
	})
	if err != nil {
		return fmt.Errorf("find documents: %w", queryError(err))
	}
	if err := k.s.alter(ctx, documentsTable, "DELETE WHERE "+own+" AND (toUInt64(kind), property, n) NOT IN ("+strings.Join(last, ", ")+")"); err != nil {
		return err
	}
	k.cleaned = safe
	return nil
}

// commits returns the commits of this Keeper that may become old enough.
func (k *keeper) commits() []string {
	var out []string
	for n := k.cleaned + 1; n <= k.own.n; n++ {
		out = append(out, fmt.Sprint(n))
	}
	return out
}

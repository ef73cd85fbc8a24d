// The suite's part that a person can follow: one rule at a time.
package intenttest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/intent"
)

func emptyAtFirst(t *testing.T, h *harness) {
	h.wantProgress(t, intent.Progress{})
	if all, err := h.History(t.Context(), 1); err != nil || len(all) != 0 {
		t.Errorf("history is %v, %v", all, err)
	}
	wantErr(t, "begin without an owner", h.Begin(t.Context(), batch(1, 1, 0, 5)), intent.ErrFenced)
	wantErr(t, "save without an owner", h.Save(t.Context(), 1, 1, 1), intent.ErrFenced)
	wantErr(t, "done without an owner", h.Done(t.Context(), 1, 1, 1), intent.ErrFenced)
}

func epochsGrow(t *testing.T, h *harness) {
	other := h.open(t)
	var last uint64
	for _, r := range []intent.Registry{h, other, h, h, other} {
		epoch, err := r.Acquire(t.Context(), 1, "a")
		ok(t, "acquire", err)
		if epoch <= last {
			t.Errorf("epoch %d after %d", epoch, last)
		}
		last = epoch
	}
	h.wantProgress(t, intent.Progress{Owner: "a", Epoch: last})
}

func oldEpochIsFenced(t *testing.T, h *harness) {
	old := h.acquire(t, "a")
	h.finish(t, batch(old, 1, 0, 5))
	ok(t, "begin", h.Begin(t.Context(), batch(old, 2, 5, 9)))
	epoch := h.acquire(t, "b")
	open := batch(old, 2, 5, 9)
	want := intent.Progress{Owner: "b", Epoch: epoch, Last: done(batch(old, 1, 0, 5)), Open: &open}
	for what, err := range map[string]error{
		"begin the open one again": h.Begin(t.Context(), batch(old, 2, 5, 9)),
		"begin another":            h.Begin(t.Context(), batch(old, 2, 5, 100)),
		"begin the next":           h.Begin(t.Context(), batch(old, 3, 9, 12)),
		"save":                     h.Save(t.Context(), 1, old, 2),
		"done":                     h.Done(t.Context(), 1, old, 2),
		"done with what was done":  h.Done(t.Context(), 1, old, 1),
		"an epoch of the future":   h.Begin(t.Context(), batch(epoch+1, 2, 5, 9)),
	} {
		wantErr(t, what, err, intent.ErrFenced)
	}
	h.wantProgress(t, want)
}

// done is what an intent looks like at its end.
func done(i intent.Intent) intent.Intent {
	i.Saved, i.Done = true, true
	return i
}

func takenOver(t *testing.T, h *harness) {
	old := h.acquire(t, "a")
	ok(t, "begin", h.Begin(t.Context(), batch(old, 1, 0, 5)))
	epoch := h.acquire(t, "b")
	for what, i := range map[string]intent.Intent{
		"fewer offsets": batch(epoch, 1, 0, 4), "more offsets": batch(epoch, 1, 0, 6),
		"other offsets": batch(epoch, 1, 1, 5), "the next": batch(epoch, 2, 5, 9),
	} {
		wantErr(t, what, h.Begin(t.Context(), i), intent.ErrConflict)
	}
	wantErr(t, "save before it is taken over", h.Save(t.Context(), 1, epoch, 1), intent.ErrConflict)
	wantErr(t, "done before it is taken over", h.Done(t.Context(), 1, epoch, 1), intent.ErrConflict)
	same := batch(epoch, 1, 0, 5)
	ok(t, "take over", h.Begin(t.Context(), same))
	h.wantProgress(t, intent.Progress{Owner: "b", Epoch: epoch, Open: &same})
	h.finish(t, same)
	h.wantProgress(t, intent.Progress{Owner: "b", Epoch: epoch, Last: done(same)})
}

func savedUnderItsName(t *testing.T, h *harness) {
	old := h.acquire(t, "a")
	first := batch(old, 1, 0, 5)
	ok(t, "begin", h.Begin(t.Context(), first))
	ok(t, "save", h.Save(t.Context(), 1, old, 1))
	// The new owner goes on with what was saved, and has only to finish.
	epoch := h.acquire(t, "b")
	same := first
	same.Epoch = epoch
	ok(t, "take over with the saved state", h.Begin(t.Context(), same))
	same.Saved = true
	h.wantProgress(t, intent.Progress{Owner: "b", Epoch: epoch, Open: &same})
	// Another does it all again under a name of its own: nothing is saved there yet.
	third := h.acquire(t, "c")
	again := batch(third, 1, 0, 5)
	ok(t, "take over anew", h.Begin(t.Context(), again))
	h.wantProgress(t, intent.Progress{Owner: "c", Epoch: third, Open: &again})
	wantErr(t, "done before it is saved anew", h.Done(t.Context(), 1, third, 1), intent.ErrConflict)
}

func followEachOther(t *testing.T, h *harness) {
	epoch := h.acquire(t, "a")
	wantErr(t, "first is not 1", h.Begin(t.Context(), batch(epoch, 2, 0, 5)), intent.ErrConflict)
	h.finish(t, batch(epoch, 1, 7, 10)) // a log may begin anywhere
	for what, i := range map[string]intent.Intent{
		"seq skipped": batch(epoch, 3, 10, 12), "seq again": batch(epoch, 1, 10, 12),
		"gap": batch(epoch, 2, 11, 12), "overlap": batch(epoch, 2, 9, 12),
	} {
		wantErr(t, what, h.Begin(t.Context(), i), intent.ErrConflict)
	}
	h.finish(t, batch(epoch, 2, 10, 12))
	all, err := h.History(t.Context(), 1)
	ok(t, "history", err)
	want := []intent.Intent{done(batch(epoch, 1, 7, 10)), done(batch(epoch, 2, 10, 12))}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
}

func doneAfterSaved(t *testing.T, h *harness) {
	epoch := h.acquire(t, "a")
	wantErr(t, "save what was not begun", h.Save(t.Context(), 1, epoch, 1), intent.ErrConflict)
	open := batch(epoch, 1, 0, 5)
	ok(t, "begin", h.Begin(t.Context(), open))
	wantErr(t, "done before saved", h.Done(t.Context(), 1, epoch, 1), intent.ErrConflict)
	h.wantProgress(t, intent.Progress{Owner: "a", Epoch: epoch, Open: &open})
}

func repeats(t *testing.T, h *harness) {
	epoch := h.acquire(t, "a")
	i := batch(epoch, 1, 0, 5)
	for range 2 {
		ok(t, "begin", h.Begin(t.Context(), i))
	}
	for range 2 {
		ok(t, "save", h.Save(t.Context(), 1, epoch, 1))
	}
	ok(t, "begin after save", h.Begin(t.Context(), i))
	saved := i
	saved.Saved = true
	h.wantProgress(t, intent.Progress{Owner: "a", Epoch: epoch, Open: &saved})
	for range 2 {
		ok(t, "done", h.Done(t.Context(), 1, epoch, 1))
	}
	ok(t, "begin after done", h.Begin(t.Context(), i))
	ok(t, "save after done", h.Save(t.Context(), 1, epoch, 1))
	h.wantProgress(t, intent.Progress{Owner: "a", Epoch: epoch, Last: done(i)})
}

func partitionsApart(t *testing.T, h *harness) {
	epoch := h.acquire(t, "a")
	h.finish(t, batch(epoch, 1, 0, 5))
	_, err := h.Acquire(t.Context(), 2, "b")
	ok(t, "acquire", err)
	h.finish(t, batch(epoch, 2, 5, 9)) // not fenced by the other partition's owner
	p, err := h.Progress(t.Context(), 2)
	ok(t, "progress", err)
	if diff := cmp.Diff(intent.Progress{Owner: "b", Epoch: p.Epoch}, p); diff != "" {
		t.Errorf("progress of the other partition (-want +got):\n%s", diff)
	}
}

func historyBounded(t *testing.T, h *harness) {
	epoch := h.acquire(t, "a")
	const more = 7
	for seq := uint64(1); seq <= intent.Kept+more; seq++ {
		h.finish(t, batch(epoch, seq, seq, seq+1))
	}
	all, err := h.History(t.Context(), 1)
	ok(t, "history", err)
	if len(all) != intent.Kept || all[0].Seq != more+1 {
		t.Errorf("history has %d intents from seq %d, want %d from %d", len(all), all[0].Seq, intent.Kept, more+1)
	}
}

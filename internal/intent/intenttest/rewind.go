// The suite's part about partitions that begin again (I8).
package intenttest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/intent"
)

// again is what partition 1 begins again with.
func again(epoch, seq, at uint64) intent.Intent { return batch(epoch, seq, at, at) }

// wantAll: these intents are recorded, and no others.
func (h *harness) wantAll(t *testing.T, want ...intent.Intent) {
	t.Helper()
	all, err := h.History(t.Context(), 1)
	ok(t, "history", err)
	if diff := cmp.Diff(want, all); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
}

func beginsAgain(t *testing.T, h *harness) {
	old := h.acquire(t, "a")
	h.finish(t, batch(old, 1, 0, 5))
	h.finish(t, batch(old, 2, 5, 9))
	ok(t, "begin", h.Begin(t.Context(), batch(old, 3, 9, 12)))
	epoch := h.acquire(t, "b")
	for range 2 { // I6
		ok(t, "rewind", h.Rewind(t.Context(), again(epoch, 4, 7)))
		h.wantProgress(t, intent.Progress{Owner: "b", Epoch: epoch, Last: done(again(epoch, 4, 7))})
		h.wantAll(t, done(again(epoch, 4, 7)))
	}
	for what, err := range map[string]error{
		"rewind by who was fenced": h.Rewind(t.Context(), again(old, 5, 0)),
		"done of before":           h.Done(t.Context(), 1, old, 3),
	} {
		wantErr(t, what, err, intent.ErrFenced)
	}
	for what, err := range map[string]error{
		"the batch that was open":   h.Begin(t.Context(), batch(epoch, 3, 9, 12)),
		"behind the end of before":  h.Begin(t.Context(), batch(epoch, 5, 9, 12)),
		"a number that was given":   h.Begin(t.Context(), batch(epoch, 4, 7, 8)),
		"rewind to the same number": h.Rewind(t.Context(), again(epoch, 4, 0)),
		"rewind to a lower number":  h.Rewind(t.Context(), again(epoch, 1, 7)),
	} {
		wantErr(t, what, err, intent.ErrConflict)
	}
	h.finish(t, batch(epoch, 5, 7, 9)) // other offsets under another number
	h.wantAll(t, done(again(epoch, 4, 7)), done(batch(epoch, 5, 7, 9)))
	ok(t, "rewind once more", h.Rewind(t.Context(), again(epoch, 6, 0)))
	h.finish(t, batch(epoch, 7, 0, 1))
	h.wantProgress(t, intent.Progress{Owner: "b", Epoch: epoch, Last: done(batch(epoch, 7, 0, 1))})
}

// A number that was given to a batch that was never done is not given again either.
func openNumberIsGone(t *testing.T, h *harness) {
	epoch := h.acquire(t, "a")
	ok(t, "begin", h.Begin(t.Context(), batch(epoch, 1, 0, 5)))
	wantErr(t, "rewind to the open number", h.Rewind(t.Context(), again(epoch, 1, 0)), intent.ErrConflict)
	open := batch(epoch, 1, 0, 5)
	h.wantProgress(t, intent.Progress{Owner: "a", Epoch: epoch, Open: &open})
	ok(t, "rewind", h.Rewind(t.Context(), again(epoch, 2, 0)))
	h.wantProgress(t, intent.Progress{Owner: "a", Epoch: epoch, Last: done(again(epoch, 2, 0))})
	// Another partition is as it was.
	if _, err := h.Acquire(t.Context(), 2, "b"); err != nil {
		t.Fatal(err)
	}
	h.finish(t, intent.Intent{Partition: 2, Epoch: 1, Seq: 1, To: 5, State: intent.StateName(2, 1, 1)})
	ok(t, "rewind", h.Rewind(t.Context(), again(epoch, 3, 4)))
	p, err := h.Progress(t.Context(), 2)
	ok(t, "progress", err)
	if p.Last.Seq != 1 || p.Last.To != 5 {
		t.Errorf("partition 2 is at %+v", p.Last)
	}
}

func rewindRefuses(t *testing.T, h *harness) {
	wantErr(t, "rewind without an owner", h.Rewind(t.Context(), again(1, 1, 0)), intent.ErrFenced)
	epoch := h.acquire(t, "a")
	for name, change := range map[string]func(i *intent.Intent){
		"with records": func(i *intent.Intent) { i.To++ },
		"no seq":       func(i *intent.Intent) { i.Seq = 0 },
		"no state":     func(i *intent.Intent) { i.State = "" },
	} {
		i := again(epoch, 1, 5)
		change(&i)
		wantErr(t, name, h.Rewind(t.Context(), i), intent.ErrInvalid)
	}
	h.wantProgress(t, intent.Progress{Owner: "a", Epoch: epoch})
}

// Any interleaving of owners, drawn at random: some know that they were fenced,
// some do not, some repeat, some make mistakes. What is recorded must keep the rules.
package intenttest

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tidemark/internal/intent"
)

// owner is what one node believes.
type owner struct {
	epoch uint64
	next  intent.Intent
}

// world is the registry beside what the suite knows of it: the epoch that counts
// and, for each sequence number, the offsets that were acknowledged.
type world struct {
	h         *harness
	t         *testing.T
	partition int
	owners    []*owner
	epoch     uint64
	batches   map[uint64]intent.Intent
	given     uint64 // the largest sequence number that ever was
}

func interleavings(t *testing.T, h *harness) {
	partition := 100
	rapid.Check(t, func(rt *rapid.T) {
		partition++ // each draw begins with an empty one
		w := &world{h: h, t: t, partition: partition, batches: map[uint64]intent.Intent{}}
		for range 3 {
			w.owners = append(w.owners, &owner{})
		}
		for range rapid.IntRange(5, 30).Draw(rt, "steps") {
			w.step(rt)
		}
	})
}

func (w *world) step(rt *rapid.T) {
	o := w.owners[rapid.IntRange(0, len(w.owners)-1).Draw(rt, "owner")]
	what := rapid.SampledFrom([]string{"acquire", "plan", "begin", "begin", "save", "save", "done", "done", "rewind"}).Draw(rt, "what")
	before := w.look(rt)
	var err error
	ctx := w.t.Context()
	switch what {
	case "acquire":
		epoch, err := w.h.Acquire(ctx, w.partition, "node")
		if err != nil || epoch <= w.epoch {
			rt.Fatalf("I1: acquired epoch %d after %d, %v", epoch, w.epoch, err)
		}
		o.epoch, w.epoch = epoch, epoch
		return
	case "plan":
		o.next = w.plan(rt, before, o.epoch)
		return
	case "begin":
		if err = w.h.Begin(ctx, o.next); err == nil {
			w.begun(rt, o.next)
		}
	case "rewind":
		o.next = w.planRewind(rt, o.epoch)
		if err = w.h.Rewind(ctx, o.next); err == nil {
			w.rewound(rt, o.next, before)
		}
	case "save":
		err = w.h.Save(ctx, w.partition, o.next.Epoch, o.next.Seq)
	case "done":
		err = w.h.Done(ctx, w.partition, o.next.Epoch, o.next.Seq)
	}
	w.judge(rt, what, o.next, before, err)
}

// plan is mostly what a good owner would do next, and sometimes not.
func (w *world) plan(rt *rapid.T, at intent.Progress, epoch uint64) intent.Intent {
	i := intent.Intent{Partition: w.partition, Seq: at.Last.Seq + 1, From: at.Last.To, To: at.Last.To + 3}
	if at.Open != nil {
		i = *at.Open
	}
	i.Epoch = epoch
	i.State = intent.StateName(w.partition, epoch, i.Seq)
	switch rapid.IntRange(0, 9).Draw(rt, "mistake") {
	case 0:
		i.To++
	case 1:
		i.From++
	case 2:
		i.Seq++
	case 3:
		i.State = "given by hand"
	}
	return i
}

// planRewind is behind all numbers, mostly.
func (w *world) planRewind(rt *rapid.T, epoch uint64) intent.Intent {
	at := rapid.Uint64Range(0, 5).Draw(rt, "offset")
	i := intent.Intent{Partition: w.partition, Epoch: epoch, Seq: w.given + 1, From: at, To: at}
	if rapid.IntRange(0, 5).Draw(rt, "mistake") == 0 {
		i.Seq = max(1, w.given)
	}
	i.State = intent.StateName(w.partition, epoch, i.Seq)
	return i
}

// rewound: I8, no number is given twice, and nothing of before is left.
func (w *world) rewound(rt *rapid.T, i intent.Intent, before intent.Progress) {
	if repeated := before.Open == nil && before.Last.Seq == i.Seq && before.Last.IsRewind(); i.Seq <= w.given && !repeated {
		rt.Fatalf("I8: rewound to %+v, and %d was given", i, w.given)
	}
	w.batches, w.given = map[uint64]intent.Intent{i.Seq: i}, i.Seq
}

// begun: I3, offsets of a sequence number never change.
func (w *world) begun(rt *rapid.T, i intent.Intent) {
	if former, known := w.batches[i.Seq]; known && !former.SameBatch(i) {
		rt.Fatalf("I3: begun %+v, which was %+v", i, former)
	}
	w.batches[i.Seq], w.given = i, max(w.given, i.Seq)
}

// judge checks what a call changed against what it may have.
func (w *world) judge(rt *rapid.T, what string, i intent.Intent, before intent.Progress, err error) {
	after := w.look(rt)
	if err != nil {
		if diff := cmp.Diff(before, after); diff != "" {
			rt.Fatalf("%s of %+v failed (%v) and changed (-before +after):\n%s", what, i, err, diff)
		}
		if !errors.Is(err, intent.ErrFenced) && !errors.Is(err, intent.ErrConflict) && !errors.Is(err, intent.ErrInvalid) {
			rt.Fatalf("%s of %+v: %v", what, i, err)
		}
		return
	}
	if i.Epoch != w.epoch {
		rt.Fatalf("I2: %s of %+v under epoch %d, the owner has %d", what, i, i.Epoch, w.epoch)
	}
	if what == "done" && (after.Open != nil && after.Open.Seq == i.Seq || after.Last.Seq < i.Seq) {
		rt.Fatalf("done of %+v left %+v", i, after)
	}
}

// look reads all that is recorded and checks what must hold at every moment.
func (w *world) look(rt *rapid.T) intent.Progress {
	at, err := w.h.Progress(w.t.Context(), w.partition)
	if err != nil {
		rt.Fatal(err)
	}
	all, err := w.h.History(w.t.Context(), w.partition)
	if err != nil {
		rt.Fatal(err)
	}
	open := 0
	for n, i := range all {
		if n == 0 && i.Seq != 1 && !i.IsRewind() || n > 0 && (i.Seq != all[n-1].Seq+1 || i.From != all[n-1].To) {
			rt.Fatalf("I4: intent %d is %+v after %+v", n, i, all[:n])
		}
		if i.Done && !i.Saved {
			rt.Fatalf("I5: %+v", i)
		}
		if !i.Done {
			open++
		}
		if begun, known := w.batches[i.Seq]; !known || !begun.SameBatch(i) {
			rt.Fatalf("I3: recorded is %+v, acknowledged was %+v", i, begun)
		}
	}
	if open > 1 || at.Epoch != w.epoch || len(all) != len(w.batches) {
		rt.Fatalf("I3: %d open, epoch %d of %d, %d intents of %d: %+v", open, at.Epoch, w.epoch, len(all), len(w.batches), all)
	}
	return at
}

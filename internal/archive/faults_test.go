// Whatever fails, wherever an archiver ends, and whoever else archives at the same time: each row is
// archived once, and what was erased is gone (AR1 to AR4).
package archive

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"tidemark/internal/blob"
	"tidemark/internal/blob/blobtest"
)

// life is what the archive goes through in each of these tests. archive is called after each change
// of the source.
func life(s *source, archive func()) {
	archive()
	s.erase(1, "anna")
	archive()
	s.drop(1, today+2*day)
	s.erase(7, "emma")
	archive()
	s.rows[1] = append(s.rows[1], row{s.finals[1].Until + hour, 0, "last"})
	s.change(1, func(f *Final) { f.Until += day })
	archive()
}

func TestACrashBetweenAnyTwoCallsLosesAndDoublesNothingAR1AR2(t *testing.T) {
	for _, fault := range []blobtest.Fault{blobtest.Before, blobtest.After} {
		for n := 1; ; n++ {
			if crashed := crashAt(t, n, fault); !crashed {
				t.Logf("%d calls", n-1)
				break
			}
		}
	}
}

func crashAt(t *testing.T, n int, fault blobtest.Fault) (crashed bool) {
	t.Helper()
	blobs, s := newBlobs(t), newSource(3)
	dying := calling(blobs, func(c blobtest.Call) blobtest.Fault {
		switch {
		case c.N < n:
			return blobtest.None
		case c.N == n:
			return fault
		}
		return blobtest.Before
	})
	a := newArchiver(t, dying, s, nil)
	life(s, func() {
		if !crashed && a.Round(t.Context()) != nil {
			crashed = true
			mustHold(t, blobs, 1)
			mustHold(t, blobs, 7)
			a = newArchiver(t, blobs, s, nil) // started again
		}
		if crashed {
			mustRound(t, a)
		}
		mustEqual(t, blobs, s)
	})
	return crashed
}

func TestAFaultOfAnyCallIsMadeGoodByTheNextRound(t *testing.T) {
	for _, fault := range []blobtest.Fault{blobtest.Before, blobtest.After, blobtest.Short, blobtest.Flip} {
		for n, more := 1, true; more; n++ {
			blobs, s := newBlobs(t), newSource(3)
			flaky := calling(blobs, func(c blobtest.Call) blobtest.Fault {
				if c.N == n {
					return fault
				}
				return blobtest.None
			})
			a := newArchiver(t, flaky, s, nil)
			life(s, func() {
				if err := a.Round(t.Context()); err != nil {
					mustHold(t, blobs, 1)
					mustRound(t, a)
				}
				mustEqual(t, blobs, s)
			})
			more = flaky.Calls() >= n
		}
	}
}

// One archiver does all of its round at each moment of another's; each with a source that is as new, or
// knows of an erasure that the other does not.
func TestAnotherArchiverAtAnyMomentDoublesNothingAR2(t *testing.T) {
	for _, newer := range []bool{false, true} {
		for n, more := 1, true; more; n++ {
			t.Run(fmt.Sprint(newer, n), func(t *testing.T) { more = meetAt(t, n, newer) })
		}
	}
}

func meetAt(t *testing.T, n int, newer bool) (met bool) {
	blobs, s := newBlobs(t), newSource(3)
	other := newArchiver(t, blobs, s, nil)
	first := s.clone() // what the interrupted one reads
	slow := calling(blobs, func(c blobtest.Call) blobtest.Fault {
		if c.N == n {
			met = true
			if newer {
				s.erase(1, "anna")
			}
			mustRound(t, other)
			if newer { // it finds out in its next look
				*first = *s.clone()
			}
		}
		return blobtest.None
	})
	a := newArchiver(t, slow, first, nil)
	if err := a.Round(t.Context()); err != nil && !errors.Is(err, errBehind) && !errors.Is(err, ErrSourceIsOlder) {
		t.Fatal(err)
	}
	mustHold(t, blobs, 1)
	*first = *s.clone()
	mustRound(t, a)
	mustRound(t, other)
	// An archiver that starts sweeps what the slower one left.
	mustRound(t, newArchiver(t, blobs, s, nil))
	mustEqual(t, blobs, s)
	if newer && met && strings.Contains(everything(t, blobs), "anna") {
		t.Error("erased rows are still there")
	}
	return met
}

// Several at once, with calls that fail at random.
func TestManyArchiversAtOnceDoubleNothingAR2(t *testing.T) {
	for seed := range uint64(20) {
		blobs, s := newBlobs(t), newSource(4)
		archivers := make([]*Archiver, 3)
		for i := range archivers {
			archivers[i] = newArchiver(t, &unreliable{Store: blobs, rng: rand.New(rand.NewPCG(seed, uint64(i)))}, s, nil)
		}
		life(s, func() {
			var group sync.WaitGroup
			for _, a := range archivers {
				copied := *a
				copied.deps.Source = s.clone()
				group.Go(func() { _ = copied.Round(t.Context()) }) // it may fail, and is called again
			}
			group.Wait()
			mustHold(t, blobs, 1)
			mustHold(t, blobs, 7)
			mustRound(t, newArchiver(t, blobs, s, nil))
			mustEqual(t, blobs, s)
		})
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// unreliable fails some calls before or after they take effect. Each archiver has its own.
type unreliable struct {
	blob.Store
	rng *rand.Rand
}

func (u *unreliable) try(do func() error) error {
	fault := u.rng.IntN(20)
	if fault == 0 {
		return blob.ErrAway
	}
	if err := do(); err != nil || fault != 1 {
		return err
	}
	return blob.ErrAway
}

// Put implements blob.Store.
func (u *unreliable) Put(ctx context.Context, key string, c blob.Content) error {
	return u.try(func() error { return u.Store.Put(ctx, key, c) })
}

// Create implements blob.Store.
func (u *unreliable) Create(ctx context.Context, key string, c blob.Content) error {
	return u.try(func() error { return u.Store.Create(ctx, key, c) })
}

// Delete implements blob.Store.
func (u *unreliable) Delete(ctx context.Context, key string) error {
	return u.try(func() error { return u.Store.Delete(ctx, key) })
}

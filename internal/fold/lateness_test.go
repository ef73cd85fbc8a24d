// Tests of the claim of completeness: it is as often wrong as it says.
package fold

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"tidemark/internal/ledger"
)

func TestBucketsOfLatenessLieSideBySide(t *testing.T) {
	for i := range latenessBuckets - 1 {
		end := endOf(i)
		if at, before := bucketOf(end), bucketOf(end-time.Millisecond); at != i+1 || before != i {
			t.Errorf("bucket %d ends at %v, which is in bucket %d; a millisecond before in %d", i, end, at, before)
		}
	}
	if got := bucketOf(math.MaxInt64); got != latenessBuckets-1 {
		t.Errorf("the longest lateness is in bucket %d", got)
	}
	if got := bucketOf(-time.Hour); got != 0 {
		t.Errorf("an event of the future is in bucket %d", got)
	}
}

// contradicted adds n events and returns the share that contradicted the claim.
func contradicted(h *Lateness, n int, late func() time.Duration) float64 {
	wrong := 0
	for range n {
		if h.add(late()) {
			wrong++
		}
	}
	return float64(wrong) / float64(n)
}

func TestS27ClaimIsContradictedAsOftenAsItSays(t *testing.T) {
	const seed = 3
	rng := rand.New(rand.NewPCG(seed, seed))
	for name, late := range map[string]func() time.Duration{
		"exponential": func() time.Duration { return time.Duration(rng.ExpFloat64() * float64(2*time.Second)) },
		"log-normal": func() time.Duration {
			return time.Duration(math.Exp(3*rng.NormFloat64()) * float64(500*time.Millisecond))
		},
		"one in fifty an hour late": func() time.Duration {
			if rng.IntN(50) == 0 {
				return time.Hour + time.Duration(rng.ExpFloat64()*float64(time.Hour))
			}
			return time.Second
		},
	} {
		h := &Lateness{}
		contradicted(h, 20_000, late)
		got := contradicted(h, 200_000, late)
		// A claim is the end of its bucket, so it may be contradicted less often.
		if got > 1.2*(1-ledger.CompleteShare) || got < 0.2*(1-ledger.CompleteShare) {
			t.Errorf("seed %d, %s: %.4f of events contradict a claim of %.2f", seed, name, got, ledger.CompleteShare)
		}
	}
}

func TestS27ClaimFollowsTheTraffic(t *testing.T) {
	h := &Lateness{}
	soon := func() time.Duration { return 200 * time.Millisecond }
	queued := func() time.Duration { return time.Hour }
	contradicted(h, 100_000, soon)
	if h.Claim > time.Second {
		t.Fatalf("events come within 0.2 s, the claim is %v", h.Claim)
	}
	if got := contradicted(h, 200_000, queued); got > 0.01 {
		t.Errorf("%.4f of events contradict before the claim follows, over 200,000 events", got)
	}
	if h.Claim < time.Hour {
		t.Errorf("all events come after an hour, the claim is %v", h.Claim)
	}
	contradicted(h, 600_000, soon)
	if h.Claim > time.Second {
		t.Errorf("events come within 0.2 s again, the claim is %v", h.Claim)
	}
}

func TestFirstEventContradictsNothing(t *testing.T) {
	h := &Lateness{}
	if h.add(time.Hour) {
		t.Error("there was no claim to contradict")
	}
}

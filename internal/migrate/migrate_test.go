// MG1 to MG5: whatever happened, wherever the mover was killed, both sides answer like the oracle, and
// only one of them takes events.
package migrate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/testkit/oracle"
	"tidemark/internal/testkit/spec"
)

var errKilled = errors.New("killed")

// life is one move with traffic.
type life struct {
	t       rapid.TB
	ctx     context.Context
	traffic spec.Traffic
	origin  *origin
	cluster *cluster
	loaded  []*event.Record
	left    []*event.Record
	rng     *rand.Rand
	crashed map[string]int
	quiet   bool // no events come while the mover works
}

func newLife(t testing.TB, rt rapid.TB, dir string, traffic spec.Traffic, rng *rand.Rand) *life {
	l := &life{t: rt, ctx: t.Context(), traffic: traffic, origin: newOrigin(t, dir), cluster: newCluster(t, rng), left: traffic.Records(), rng: rng, crashed: map[string]int{}}
	l.origin.properties = traffic.Properties
	return l
}

func (l *life) close() {
	l.cluster.close()
	l.must("close the installation", l.origin.close())
}

func (l *life) must(what string, err error) {
	if err != nil {
		l.t.Fatalf("%s: %v", what, err)
	}
}

// take gives the installation the next n records, as senders would.
func (l *life) take(n int) {
	n = min(n, len(l.left))
	if n == 0 || l.origin.stage != Taking {
		return
	}
	l.must("load", l.origin.product.Load(l.ctx, l.left[:n]))
	l.loaded, l.left = append(l.loaded, l.left[:n]...), l.left[n:]
}

// final has so many days pass. After 8 all days until now are final, after fewer only the first ones can be, and segments of
// young rows still hold rows of final days.
func (l *life) final(days int) {
	at := l.traffic.End().Add(time.Duration(days) * 24 * time.Hour)
	for _, p := range l.traffic.Properties {
		l.left = append(l.left, &event.Record{Kind: &event.Record_Event{Event: &event.Event{Property: uint64(p.ID), Name: "page_view",
			ClientId: "client0", Key: "later", EventTime: int64(at), IngestTime: int64(at), Trusted: true}}})
	}
	tick := &event.Record{Kind: &event.Record_Tick{Tick: &event.Tick{IngestTime: int64(at)}}}
	l.must("tick", l.origin.product.Load(l.ctx, []*event.Record{tick}))
	l.loaded = append(l.loaded, tick)
	l.must("settle", l.origin.product.Settle(l.ctx))
}

// run moves once. kill says before which steps the mover dies.
func (l *life) run(o Order, kill func(step string) bool) error {
	steps := 0
	var said bytes.Buffer
	return New(Config{RowsAtOnce: 5, ReadBytes: 300, Partitions: 1, SwitchWait: 20 * time.Second, Pause: time.Millisecond}, Deps{Origin: l.origin, Notes: l.cluster,
		OpenTarget: l.cluster.open, Logger: slog.New(slog.NewTextHandler(&said, nil)), Step: func(name string) error {
			if steps++; steps > 5000 {
				return fmt.Errorf("the move comes to no end: %s", said.String()[max(0, said.Len()-1000):])
			}
			if !l.quiet {
				l.take(l.rng.IntN(3))
			}
			if l.origin.stage == Taking && l.cluster.noted && l.cluster.note.Stage == Complete {
				return errors.New("MG3: both sides take events")
			}
			if kill(name) {
				l.crashed[name]++
				return errKilled
			}
			return nil
		}}).Run(l.ctx, o)
}

func never(string) bool { return false }

// check asks both sides, and the oracle.
func (l *life) check() {
	want := oracle.New()
	want.Fold(l.loaded)
	target, err := l.cluster.open(l.ctx, l.cluster.base, nil)
	l.must("open", err)
	for p := range testPartitions {
		if a, b := l.origin.product.Log.End(event.Partition(p)), l.cluster.log.End(event.Partition(p)); a != b {
			l.t.Fatalf("partition %d ends at %d and at %d", p, a, b)
		}
	}
	theirs, err := l.origin.Counts(l.ctx)
	l.must("count", err)
	ours, err := l.cluster.log.Counts(l.ctx)
	l.must("count", err)
	isNone := func(_ countKey, n int64) bool { return n == 0 }
	a, b := sumsOf(theirs), sumsOf(ours)
	maps.DeleteFunc(a, isNone)
	maps.DeleteFunc(b, isNone)
	if !maps.Equal(a, b) {
		l.t.Fatalf("counts by day are %v in the installation and %v in the cluster", a, b)
	}
	for _, q := range spec.StandardQueries(l.traffic) {
		expected, err := want.Answer(q)
		l.must("ask the oracle", err)
		got, err := target.Reports(l.ctx, q)
		l.must("ask the cluster", err)
		if diff := spec.Diff(expected, got); diff != "" {
			l.t.Fatalf("%v by %v: (- oracle, + cluster)\n%s", q.Metrics, q.Dimensions, diff)
		}
		if a, b := want.Ledger(q.Property.ID), got.Meta.Ledger; !b.Balanced() || a.Stored != b.Stored || a.Accepted != b.Accepted || a.Duplicate != b.Duplicate {
			l.t.Fatalf("the ledger is %+v, of the oracle %+v", b, a)
		}
	}
}

// balances asks for the account of the cluster while it follows (MG5).
func (l *life) balances() {
	target, err := l.cluster.open(l.ctx, l.cluster.base, nil)
	l.must("open", err)
	for _, q := range spec.StandardQueries(l.traffic) {
		got, err := target.Reports(l.ctx, q)
		l.must("ask the cluster", err)
		if !got.Meta.Ledger.Balanced() {
			l.t.Fatalf("before the switch the ledger does not balance: %+v", got.Meta.Ledger)
		}
	}
}

func TestBothSidesAnswerLikeOneFoldOfAllRecords(t *testing.T) {
	root, finals := t.TempDir(), 0
	crashed := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(root, "life")
		if err != nil {
			rt.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		l := newLife(t, rt, dir, spec.RandomTraffic(rt).Duplicate(rt), rng)
		defer l.close()
		if rapid.Bool().Draw(rt, "final") {
			l.take(len(l.left))
			l.final(rapid.IntRange(1, 8).Draw(rt, "days that pass"))
			finals++
		} else {
			l.take(rapid.IntRange(0, len(l.left)).Draw(rt, "before the move"))
		}
		l.cluster.appends.rate = 0.2
		for range rapid.IntRange(0, 8).Draw(rt, "kills") {
			n := rapid.IntRange(1, 20).Draw(rt, "kill before step")
			err := l.run(Order{Switch: rapid.Bool().Draw(rt, "switch"), Once: true}, func(string) bool { n--; return n == 0 })
			if err != nil && !errors.Is(err, errKilled) {
				rt.Fatal(err)
			}
		}
		l.must("move", l.run(Order{Once: true}, never))
		l.balances()
		l.take(len(l.left))
		l.cluster.appends.rate = 0
		l.must("switch", l.run(Order{Switch: true}, never))
		if l.origin.stage != Gone {
			rt.Fatalf("after the switch the installation is %s", l.origin.stage)
		}
		l.check()
		for name, n := range l.crashed {
			crashed[name] += n
		}
	})
	t.Logf("killed before: %v; days were final in %d lives", crashed, finals)
}

// Every step is the one before which the mover dies, once.
func TestAMoveThatDiesBeforeEachOfItsStepsComesToItsEnd(t *testing.T) {
	l := newLife(t, t, t.TempDir(), rapid.Custom(func(rt *rapid.T) spec.Traffic { return spec.RandomTraffic(rt) }).Example(3), rand.New(rand.NewPCG(1, 1)))
	defer l.close()
	l.take(len(l.left) / 2)
	var died []string
	for {
		err := l.run(Order{Switch: true}, func(step string) bool {
			if slices.Contains(died, step) {
				return false
			}
			died = append(died, step)
			return true
		})
		if err == nil {
			break
		}
		if !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
	}
	for _, step := range []string{"copy commit point", "note importing", "open target", "import registry", "append counts", "insert rows", "publish rows",
		"adopt: acquire", "adopt: open state", "adopt: save state", "adopt: begin", "adopt: record save", "adopt: publish", "adopt: done",
		"note following", "stop", "compare", "note complete", "leave"} {
		if !slices.Contains(died, step) {
			t.Fatalf("the mover never came to %q: %v", step, died)
		}
	}
	l.check()
}

func TestForeignRecordsEndTheMove(t *testing.T) {
	l := newLife(t, t, t.TempDir(), rapid.Custom(func(rt *rapid.T) spec.Traffic { return spec.RandomTraffic(rt) }).Example(1), rand.New(rand.NewPCG(1, 1)))
	defer l.close()
	l.quiet = true
	l.take(len(l.left) / 2)
	l.must("move", l.run(Order{Once: true}, never))
	l.take(len(l.left))
	err := l.run(Order{Once: true}, func(step string) bool {
		if step == "append records" {
			l.must("append", l.cluster.log.Append(t.Context(), &eventlog.Batch{Records: []eventlog.Record{{Partition: 0, Payload: []byte("x")},
				{Partition: 1, Payload: []byte("x")}, {Partition: 2, Payload: []byte("x")}}}))
		}
		return false
	})
	if !errors.Is(err, ErrForeign) {
		t.Errorf("records of somebody else: %v, want ErrForeign", err)
	}
}

func TestAbortLeavesTheInstallationAsItWas(t *testing.T) {
	l := newLife(t, t, t.TempDir(), rapid.Custom(func(rt *rapid.T) spec.Traffic { return spec.RandomTraffic(rt) }).Example(2), rand.New(rand.NewPCG(1, 1)))
	defer l.close()
	l.take(len(l.left) / 2)
	err := l.run(Order{Switch: true}, func(step string) bool { return step == "compare" })
	if !errors.Is(err, errKilled) || l.origin.stage != Stopped {
		t.Fatalf("killed within the switch: %v, the installation is %s", err, l.origin.stage)
	}
	m := New(DefaultConfig(), Deps{Origin: l.origin, Notes: l.cluster, Logger: slog.New(slog.DiscardHandler)})
	l.must("abort", m.Abort(t.Context()))
	if l.origin.stage != Taking || l.origin.copied {
		t.Errorf("after the move was given up the installation is %s", l.origin.stage)
	}
	l.cluster.note.Stage = Complete
	if err := m.Abort(t.Context()); !errors.Is(err, ErrRefused) {
		t.Errorf("abort after the switch: %v, want ErrRefused", err)
	}
}

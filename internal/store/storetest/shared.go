// RunShared: the conformance suite of shared stores.
package storetest

import (
	"context"
	"errors"
	"math/rand/v2"
	"path"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/datadriven"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// SharedKit is how the suite gets at an adapter.
type SharedKit interface {
	// Open opens the store that the name stands for, for a log. The same name is the same rows;
	// it may be open several times, as by several processes. With faults, requests fail as these
	// say. The suite closes what it opens.
	Open(t testing.TB, name, log string, faults *Faults) store.Shared
	// Crash ends the servers in the middle of whatever they do and starts them again on
	// what is left. An adapter without servers does nothing.
	Crash(t testing.TB)
}

// Fault is what becomes of a request.
type Fault uint8

// Faults of a request. Cut breaks the connection while the request is sent.
const (
	NoFault Fault = iota
	FailBefore
	Cut
	FailAfter
)

// ErrFault is what a request fails with.
var ErrFault = errors.New("injected fault")

// Faults says what becomes of requests. Drawn ones: half of them fail.
type Faults struct {
	mu   sync.Mutex
	rand *rand.Rand // nil: all go well but the one for which Arm was called
	left int        // requests until that one
	then func() Fault
}

// NewFaults returns faults of a seed.
func NewFaults(seed uint64) *Faults { return &Faults{rand: rand.New(rand.NewPCG(seed, 0))} }

// Arm has the n-th request from now, from 1, become what then returns, once; all others go well. It is called
// before the request is sent, which waits for it.
func (f *Faults) Arm(n int, then func() Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left, f.then = n, then
}

// Armed tells whether that request is still to come.
func (f *Faults) Armed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.left > 0
}

// Draw says what becomes of the next request. It may be called from any goroutine, and by nil.
func (f *Faults) Draw() Fault {
	if f == nil {
		return NoFault
	}
	f.mu.Lock()
	if f.rand == nil {
		f.left--
		due := f.left == 0
		then := f.then
		f.mu.Unlock()
		if !due {
			return NoFault
		}
		return then()
	}
	defer f.mu.Unlock()
	return [...]Fault{NoFault, NoFault, NoFault, FailBefore, Cut, FailAfter}[f.rand.IntN(6)]
}

// sharedLog is the log of the suite's batches.
const sharedLog = "suite-1"

// RunShared holds the store of kit to the contract of shared stores.
func RunShared(t *testing.T, kit SharedKit) {
	t.Helper()
	for _, name := range []string{"relations", "filters", "revisions", "zones", "straddle", "users", "final_tombstone"} {
		t.Run("script/"+name, func(t *testing.T) {
			text, err := scripts.ReadFile(path.Join("testdata", name))
			if err != nil {
				t.Fatal(err)
			}
			w := newSharedWorld(t, kit)
			datadriven.RunTestFromString(t, youngScript(string(text)), w.command)
		})
	}
	for name, test := range map[string]func(*testing.T, SharedKit){
		"T1_U2_batch_is_visible_as_a_whole_once_published": testPublishedBatchIsVisible,
		"T1_batch_is_visible_as_a_whole_under_writes":      testSharedBatchIsVisibleAsAWhole,
		"T2_snapshot_never_changes":                        testSharedSnapshotNeverChanges,
		"T2_snapshot_never_changes_under_writes":           testSharedSnapshotUnderWrites,
		"T7_D9_plans_read_one_property":                    testSharedPropertiesAreApart,
		"U1_insert_again_changes_nothing":                  testInsertAgain,
		"U1_insert_by_many_at_once":                        testInsertByMany,
		"U1_insert_with_faults":                            testInsertWithFaults,
		"U1_U4_insert_while_servers_crash":                 testInsertWhileServersCrash,
		"U3_publish_never_takes_back":                      testPublishNeverTakesBack,
		"logs_are_told_apart":                              testLogsAreToldApart,
		"outcomes_are_of_published_batches":                testSharedOutcomes,
		"clients_of_a_user":                                testSharedClientsOf,
		"any_history_gives_the_same_answers":               testAnySharedHistory,
		"invalid_batches_are_refused":                      testInvalidBatches,
		"closed_store_answers_errors":                      testClosedShared,
		"hostile_texts_are_inert": func(t *testing.T, kit SharedKit) {
			hostileTextsAreInert(t, newSharedWorld(t, kit))
		},
		"S36_case_insensitive_is_simple_folding": func(t *testing.T, kit SharedKit) {
			foldingIsSimple(t, newSharedWorld(t, kit))
		},
	} {
		t.Run(name, func(t *testing.T) { test(t, kit) })
	}
}

// youngScript is the part of a script that a shared store can play: what was not checkpointed
// is not lost there when it is opened again.
func youngScript(text string) string {
	young, _, _ := strings.Cut(text, "\nreopen\n")
	return young
}

// sharedWorld is a shared store whose batches are inserted and published at once.
type sharedWorld struct {
	t      testing.TB
	kit    SharedKit
	name   string
	store  store.Shared
	next   map[event.Partition]uint64
	keeper store.Keeper // of the last term; nil: the suite is that of stores without upkeep
	term   uint64
}

func newSharedWorld(t testing.TB, kit SharedKit) *sharedWorld {
	t.Helper()
	w := &sharedWorld{t: t, kit: kit, name: t.Name(), next: map[event.Partition]uint64{}}
	w.store = w.another(nil)
	return w
}

// another opens the store once more.
func (w *sharedWorld) another(f *Faults) store.Shared { return w.ofLog(sharedLog, f) }

func (w *sharedWorld) ofLog(log string, f *Faults) store.Shared {
	w.t.Helper()
	s := w.kit.Open(w.t, w.name, log, f)
	w.t.Cleanup(func() {
		if err := s.Close(); err != nil {
			w.t.Errorf("close: %v", err)
		}
	})
	return s
}

// batchID names the next batch of a partition.
func (w *sharedWorld) batchID(p event.Partition) store.BatchID {
	w.next[p]++
	return store.BatchID{Log: sharedLog, Partition: p, Seq: w.next[p]}
}

func (w *sharedWorld) insert(s store.Shared, id store.BatchID, b *store.Batch) {
	w.t.Helper()
	if err := s.Insert(context.Background(), id, &store.SharedBatch{Batch: *b}); err != nil {
		w.t.Fatalf("insert %+v: %v", id, err)
	}
}

func (w *sharedWorld) publish(s store.Shared, id store.BatchID) {
	w.t.Helper()
	if err := s.Publish(context.Background(), progressAt(id)); err != nil {
		w.t.Fatalf("publish %+v: %v", id, err)
	}
}

// progressAt is a progress that tells its batch.
func progressAt(id store.BatchID) store.Progress {
	return store.Progress{Partition: id.Partition, Seq: id.Seq, Next: event.Offset(id.Seq * 10), Clock: event.Time(id.Seq * 1000),
		Claim: 7}
}

// appendTo inserts and publishes the next batch of a partition.
func (w *sharedWorld) appendTo(p event.Partition, b *store.Batch) {
	w.t.Helper()
	id := w.batchID(p)
	w.insert(w.store, id, b)
	w.publish(w.store, id)
}

func (w *sharedWorld) append(b *store.Batch) {
	w.t.Helper()
	w.appendTo(3, b)
}

func (w *sharedWorld) checkpoint() {}

func (w *sharedWorld) snapshot() store.Snapshot {
	w.t.Helper()
	return snapshotOf(w.t, w.store)
}

func snapshotOf(t testing.TB, s store.Reader) store.Snapshot {
	t.Helper()
	sn, err := s.Snapshot(context.Background())
	if err != nil {
		t.Fatalf("snapshot: %v", err)
	}
	return sn
}

// command executes one command of a script. Without a keeper nothing becomes final, and
// final days change no answer.
func (w *sharedWorld) command(t *testing.T, d *datadriven.TestData) string {
	t.Helper()
	switch d.Cmd {
	case "append":
		b, err := parseBatch(d.Input)
		if err != nil {
			d.Fatalf(t, "%v", err)
		}
		w.append(b)
	case "checkpoint":
	case "compact":
		if w.keeper != nil {
			w.compact()
		}
	case "finalize":
		if w.keeper != nil {
			w.finalize(parseUntil(t, d))
		}
	case "reopen":
		w.reopen()
	case "open_sessions":
		return printOpen(t, d, w.keeper.OpenSessions)
	case "run":
		p, err := parsePlan(d)
		if err != nil {
			d.Fatalf(t, "%v", err)
		}
		return print(w.run(p))
	default:
		d.Fatalf(t, "there is no command %q", d.Cmd)
	}
	return ""
}

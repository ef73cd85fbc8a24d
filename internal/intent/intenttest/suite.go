// The suite's entry and its small parts.
package intenttest

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/intent"
)

// Storage is one place where intents are kept. Open opens a further handle on
// it, as another process would; the suite closes it.
type Storage interface {
	Open(t *testing.T) intent.Registry
}

// Run holds an adapter to the contract. newStorage returns empty storage.
func Run(t *testing.T, newStorage func(t *testing.T) Storage) {
	cases := []struct {
		name string
		run  func(t *testing.T, h *harness)
	}{
		{"NothingIsRecordedAtFirst", emptyAtFirst},
		{"I1_EpochsGrow", epochsGrow},
		{"I2_OldEpochChangesNothing", oldEpochIsFenced},
		{"I3_OpenIntentIsTakenOverAsItIs", takenOver},
		{"I3_SavedStateIsKeptUnderItsNameOnly", savedUnderItsName},
		{"I4_IntentsFollowEachOther", followEachOther},
		{"I5_DoneOnlyAfterSaved", doneAfterSaved},
		{"I6_RepeatsAreNoError", repeats},
		{"I8_PartitionBeginsAgain", beginsAgain},
		{"I8_NumberOfAnOpenIntentIsNotGivenAgain", openNumberIsGone},
		{"I8_RewindRefusesWhatIsNoRewind", rewindRefuses},
		{"PartitionsAreApart", partitionsApart},
		{"BeginRefusesWhatIsNoIntent", beginRefuses},
		{"HistoryIsBounded", historyBounded},
		{"AnyInterleavingOfOwnersKeepsTheRules", interleavings},
		{"OwnersThatRaceInsertEachOffsetOnce", func(t *testing.T, h *harness) {
			var handles []intent.Registry
			for range 4 {
				handles = append(handles, h.open(t))
			}
			Play(t, handles, 1, 12)
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := &harness{storage: newStorage(t)}
			h.Registry = h.open(t)
			c.run(t, h)
		})
	}
}

// harness is the registry under test and the means to open it again.
type harness struct {
	intent.Registry
	storage Storage
}

func (h *harness) open(t *testing.T) intent.Registry {
	t.Helper()
	r := h.storage.Open(t)
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("close intents: %v", err)
		}
	})
	return r
}

func (h *harness) acquire(t *testing.T, node string) uint64 {
	t.Helper()
	epoch, err := h.Acquire(t.Context(), 1, node)
	if err != nil {
		t.Fatal(err)
	}
	return epoch
}

// batch is an intent of partition 1 with the name that its owner gives.
func batch(epoch, seq, from, to uint64) intent.Intent {
	return intent.Intent{Partition: 1, Epoch: epoch, Seq: seq, From: from, To: to, State: intent.StateName(1, epoch, seq)}
}

// finish does a whole batch.
func (h *harness) finish(t *testing.T, i intent.Intent) {
	t.Helper()
	ok(t, "begin", h.Begin(t.Context(), i))
	ok(t, "save", h.Save(t.Context(), i.Partition, i.Epoch, i.Seq))
	ok(t, "done", h.Done(t.Context(), i.Partition, i.Epoch, i.Seq))
}

func (h *harness) wantProgress(t *testing.T, want intent.Progress) {
	t.Helper()
	got, err := h.Progress(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
}

func ok(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

func wantErr(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got error %v, want %v", what, got, want)
	}
}

func beginRefuses(t *testing.T, h *harness) {
	epoch := h.acquire(t, "a")
	for name, change := range map[string]func(i *intent.Intent){
		"negative partition": func(i *intent.Intent) { i.Partition = -1 },
		"no epoch":           func(i *intent.Intent) { i.Epoch = 0 },
		"no seq":             func(i *intent.Intent) { i.Seq = 0 },
		"no offsets":         func(i *intent.Intent) { i.To = i.From },
		"offsets backwards":  func(i *intent.Intent) { i.From, i.To = i.To, i.From },
		"offset too large":   func(i *intent.Intent) { i.To = 1 << 63 },
		"no state":           func(i *intent.Intent) { i.State = "" },
		"long state":         func(i *intent.Intent) { i.State = strings.Repeat("x", 513) },
		"state of no text":   func(i *intent.Intent) { i.State = "a\xff" },
		"state with zero":    func(i *intent.Intent) { i.State = "a\x00" },
	} {
		i := batch(epoch, 1, 5, 10)
		change(&i)
		wantErr(t, name, h.Begin(t.Context(), i), intent.ErrInvalid)
	}
	h.wantProgress(t, intent.Progress{Owner: "a", Epoch: epoch})
}

// What a fold knows that begins again, and when its accounts are those of before.
package fold

import (
	"encoding/json"
	"fmt"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/enrich"
	"tidemark/internal/event"
	"tidemark/internal/ledger"
	"tidemark/internal/store"
)

func TestASnapshotBeginsAgainWithWhatWasBefore(t *testing.T) {
	was := &Snapshot{Clock: 900, Definitions: map[event.PropertyID][]byte{1: {1}}, Verdicts: []string{"", "bot"},
		Erased:  map[string]event.Time{"before": 90, "behind": 100},
		Ledgers: map[event.PropertyID]ledger.Outcomes{1: {Stored: 7}}}
	got := was.Again(80, 100, 50)
	want := &Snapshot{Clock: 80, Definitions: was.Definitions, Verdicts: was.Verdicts, Erased: map[string]event.Time{"before": 90},
		Settlement: &Settlement{At: 50, Ledgers: was.Ledgers}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// Where it did not come to settle, it still has to.
	got.Ledgers = map[event.PropertyID]ledger.Outcomes{1: {Stored: 3}}
	if again := got.Again(80, 100, 40); again.Settlement.At != 50 || !maps.Equal(again.Settlement.Ledgers, was.Ledgers) {
		t.Errorf("a settlement that is still to come became %+v", again.Settlement)
	}
}

// The accounts are settled before the record at the offset, or after the one before it, whichever batch they are in.
func TestAccountsAreSettledOnceWhereTheFoldHadBeen(t *testing.T) {
	tick, err := (&event.Record{Kind: &event.Record_Tick{Tick: &event.Tick{IngestTime: 5}}}).MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	const at = 13
	text, err := json.Marshal(&Snapshot{Settlement: &Settlement{At: at, Ledgers: map[event.PropertyID]ledger.Outcomes{1: {Stored: 7, Late: 2}}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		from event.Offset
		want string // after each record: what was taken, and whether more is to come
	}{
		{10, "[0 true] [0 true] [7 false] [0 false] [0 false] "},
		{12, "[7 false] [0 false] [0 false] [0 false] [0 false] "},
		{13, "[7 false] [0 false] [0 false] [0 false] [0 false] "}, // nothing lies in between
	} {
		var saved Snapshot
		if err := json.Unmarshal(text, &saved); err != nil {
			t.Fatal(err)
		}
		got := ""
		for offset := c.from; offset < c.from+5; offset++ {
			f := New(0, nil, enrich.NewDeriver(enrich.DefaultConfig())) // another owner
			if err := f.Restore(&saved); err != nil {
				t.Fatal(err)
			}
			if err := f.Apply(offset, tick, &store.Batch{}); err != nil {
				t.Fatal(err)
			}
			taken := map[event.PropertyID]ledger.Outcomes{}
			f.TakeOutcomes(taken)
			frozen, err := f.Freeze()
			if err != nil {
				t.Fatal(err)
			}
			saved = frozen.Snapshot
			got += fmt.Sprint([]any{taken[1].Stored, saved.Settlement != nil}, " ")
		}
		if got != c.want {
			t.Errorf("from %d: %s, want %s", c.from, got, c.want)
		}
		if saved.Ledgers[1].Late != 2 {
			t.Errorf("from %d: the account is %+v", c.from, saved.Ledgers[1])
		}
	}
}

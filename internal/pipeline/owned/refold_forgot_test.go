// A store that was lost while the log has forgotten its first days: those behind come back, and the whole account.
package owned

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/ledger"
	"tidemark/internal/store"
)

// truncate has the log forget the first share of each partition, and returns when the rest came.
func (l *life) truncate(share float64) (began event.Time) {
	l.t.Helper()
	for p := range event.Partition(partitions) {
		at := event.Offset(float64(l.log.End(p)) * share)
		if err := l.log.Truncate(context.Background(), p, at); err != nil {
			l.t.Fatal(err)
		}
		first, err := eventlog.IngestTimeAt(context.Background(), l.log, p, at)
		if err != nil {
			l.t.Fatal(err)
		}
		began = max(began, first)
	}
	return began
}

// The log has forgotten its first days. The days behind are as they were, clients are who they were, and the account is.
func TestALostStoreOfALogThatForgotIsFoldedAgainS33(t *testing.T) {
	compared := 0
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			l, source := traffickedLife(t, seed+2000)
			l.play(source, 60)
			l.faults.heal()
			l.waitFolded()
			want, sums := l.byOneFold().without(l.gone()), l.outcomes()
			began := l.truncate(0.2 + 0.1*rand.New(rand.NewPCG(seed, 9)).Float64())
			l.faults.rate = 0.05
			l.loseStore()
			out, _ := l.refold(0.3)
			for p, r := range out {
				if !r.Forgot || r.From != l.log.Start(event.Partition(p)) || r.Began == 0 || r.Began > began {
					t.Errorf("partition %d begins again at %+v", p, r)
				}
			}
			l.faults.heal()
			l.waitFolded()
			if diff := cmp.Diff(sums, l.outcomes()); diff != "" {
				t.Errorf("account (-never lost +folded again):\n%s", diff)
			}
			// A session lasts four days at most, and what a client sent twice is known for three (S7, S12).
			since := began.Add(4 * 24 * time.Hour)
			had, has := want.since(since), l.inStore().since(since).without(l.gone())
			compared += len(had.Events)
			if diff := cmp.Diff(had, has); diff != "" {
				t.Errorf("rows since %v (-never lost +folded again):\n%s", since, diff)
			}
			// It goes on from there, and a second loss knows the account of the first.
			l.play(source, 10)
			l.faults.heal()
			l.loseStore()
			l.refold(0)
			l.waitFolded()
			now := l.outcomes()
			l.loseStore()
			l.refold(0)
			l.waitFolded()
			if diff := cmp.Diff(now, l.outcomes()); diff != "" {
				t.Errorf("account when it was lost again:\n%s", diff)
			}
			l.isBalanced()
		})
	}
	if compared < 1000 {
		t.Errorf("only %d events were compared", compared)
	}
}

// outcomes are the sums of what was folded, by property, erasures that the store carried out apart.
func (l *life) outcomes() map[event.PropertyID]ledger.Outcomes {
	return l.inStore().Outcomes
}

// isBalanced: every event that was received is in the account once (D6).
func (l *life) isBalanced() {
	l.t.Helper()
	f := &Freshness{Log: l.log, Store: l.store, Clock: time.Now}
	for id := range l.inStore().Outcomes {
		is, err := f.Freshness(context.Background(), id)
		if err != nil {
			l.t.Fatal(err)
		}
		if !is.Ledger.Balanced() || is.Ledger.Pending != 0 {
			l.t.Errorf("property %d: %+v", id, is.Ledger)
		}
	}
}

// since is what is of a time behind, without what a client's past before the log has part in: its last own source.
func (w *told) since(t event.Time) *told {
	out := newTold()
	for key, e := range w.Events {
		if e.EventTime >= t {
			out.Events[key] = e
		}
	}
	for id, s := range w.Sessions {
		if s.Start >= t {
			s.Source, s.Medium, s.Campaign, s.Channel = "", "", "", ""
			out.Sessions[id] = s
		}
	}
	return out
}

// without leaves out what erasures take out of answers. Who was erased is not in the state any more, so a log that forgot
// its beginning gives that client another number until then.
func (w *told) without(gone map[event.RowID]bool) *told {
	maps.DeleteFunc(w.Sessions, func(_ event.RowID, s store.SessionRow) bool { return gone[s.Client] })
	maps.DeleteFunc(w.Events, func(_ [2]uint64, e store.EventRow) bool { return gone[e.Client] })
	return w
}

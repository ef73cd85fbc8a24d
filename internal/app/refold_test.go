// A refold on what a cluster has: states in Pebble, saved in an object store.
package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"tidemark/internal/blob/dirblob"
	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/eventlog/memlog"
	"tidemark/internal/fold"
	"tidemark/internal/intent"
	"tidemark/internal/intent/memintent"
	"tidemark/internal/ledger"
	"tidemark/internal/pipeline/owned"
	"tidemark/internal/state"
	"tidemark/internal/state/remote"
	"tidemark/internal/store/storetest"
)

// manyClients are more than are committed together.
const manyClients = 45_000

func TestARefoldedStateHasItsClientsAsTheyWere(t *testing.T) {
	ctx := t.Context()
	objects, err := dirblob.Open(dirblob.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	saves, err := remote.New(remote.Config{Parallel: 2}, remote.Deps{Store: objects})
	if err != nil {
		t.Fatal(err)
	}
	states := func() *nodeStates {
		return &nodeStates{saves: saves, dir: t.TempDir(), logger: slog.New(slog.DiscardHandler)}
	}
	cfg := owned.DefaultConfig()
	cfg.Node, cfg.LogName = "refold", "log"
	intents := memintent.NewStorage().Open()
	saveClients(t, states(), intents, owned.Generation("log"))

	deps := owned.Deps{Log: truncatedLog(t), Intents: intents, States: states(), Logger: slog.New(slog.DiscardHandler),
		Store: storetest.NewMemShared(storetest.NewSharedRows(), "log", nil)}
	r, err := owned.Refold(ctx, cfg, deps, 0)
	if err != nil || !r.Forgot || r.From != 30 || r.To != 90 || r.Began != 3000 {
		t.Fatalf("refolded %+v, %v", r, err)
	}
	progress, err := intents.Progress(ctx, 0)
	if err != nil || !progress.Last.IsRewind() || progress.Last.Seq != 2 {
		t.Fatalf("progress %+v, %v", progress, err)
	}
	is := openAsOwner(t, states(), progress.Epoch+1, progress.Last.State)
	meta, err := is.Load(ctx)
	if err != nil || meta.Sequence != 2 || meta.Partitions[0].Next != 30 || len(meta.Marks) != 0 {
		t.Fatalf("meta %+v, %v", meta, err)
	}
	var snapshot fold.Snapshot
	if err := json.Unmarshal(meta.Partitions[0].Fold, &snapshot); err != nil {
		t.Fatal(err)
	}
	if snapshot.Clock != 2900 || snapshot.Settlement == nil || snapshot.Settlement.At != 90 || snapshot.Settlement.Ledgers[1].Stored != 55 {
		t.Errorf("the fold begins with %+v", snapshot)
	}
	n := 0
	err = is.(state.Lister).Clients(ctx, 0, func(_, value []byte) error {
		var c fold.ClientRecord
		if err := c.UnmarshalVT(value); err != nil {
			return err
		}
		if n++; event.RowID(c.Number).Offset() >= 30 || len(c.Parts) > 0 {
			return fmt.Errorf("a client of before the log is %v", &c)
		}
		return nil
	})
	if err != nil || n != manyClients/3 {
		t.Errorf("%d clients of before the log, want %d, %v", n, manyClients/3, err)
	}
}

func openAsOwner(t *testing.T, states *nodeStates, epoch uint64, name string) state.State {
	t.Helper()
	o, err := states.Owner(0, epoch)
	if err != nil {
		t.Fatal(err)
	}
	s, err := o.Open(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// saveClients ends a first batch of the offsets 0 to 90. A third of the clients came before offset 30.
func saveClients(t *testing.T, states *nodeStates, intents intent.Registry, generation uint64) {
	t.Helper()
	ctx := context.Background()
	epoch, err := intents.Acquire(ctx, 0, "a")
	if err != nil {
		t.Fatal(err)
	}
	o, err := states.Owner(0, epoch)
	if err != nil {
		t.Fatal(err)
	}
	s, err := o.Open(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	c := s.Begin()
	for i := range manyClients {
		number := event.MakeRowID(0, event.Offset(i%90))
		value, err := (&fold.ClientRecord{Number: uint64(number), ClientId: fmt.Sprint(i), Parts: []*fold.Part{{Id: uint64(number)}}}).MarshalVT()
		if err == nil {
			err = c.Client(0, fold.ClientKey(nil, 1, "", fmt.Sprint(i)), value)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	snapshot, err := json.Marshal(&fold.Snapshot{Clock: 9000, Ledgers: map[event.PropertyID]ledger.Outcomes{1: {Stored: 55}}})
	if err != nil {
		t.Fatal(err)
	}
	i := intent.Intent{Epoch: epoch, Seq: 1, To: 90, State: intent.StateName(0, epoch, 1)}
	meta := &state.Meta{Sequence: 1, Generation: generation, Partitions: []state.Partition{{Next: 90, Fold: snapshot}},
		Marks: []state.Mark{{IngestTime: 2900, Next: []event.Offset{30}}, {IngestTime: 5000, Next: []event.Offset{50}}}}
	for _, step := range []func() error{
		func() error { return c.Finish(ctx, meta) },
		func() error { c.Abandon(); return o.Save(ctx, i.State, s) },
		s.Close,
		func() error { return intents.Begin(ctx, i) },
		func() error { return intents.Save(ctx, 0, epoch, 1) },
		func() error { return intents.Done(ctx, 0, epoch, 1) },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
}

// truncatedLog has ticks at the offsets 30 to 99; each came at a hundred times its offset.
func truncatedLog(t *testing.T) *memlog.Log {
	t.Helper()
	log := memlog.New(memlog.Config{Partitions: 1})
	b := &eventlog.Batch{}
	for i := range 100 {
		payload, err := (&event.Record{Kind: &event.Record_Tick{Tick: &event.Tick{IngestTime: int64(i) * 100}}}).MarshalVT()
		if err != nil {
			t.Fatal(err)
		}
		b.Records = append(b.Records, eventlog.Record{Payload: payload})
	}
	if err := log.Append(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if err := log.Truncate(t.Context(), 0, 30); err != nil {
		t.Fatal(err)
	}
	return log
}

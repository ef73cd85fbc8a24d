// Readers beside upkeep (T1).
package storetest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// testReadersBesideUpkeep: whatever snapshot is taken, nobody is missing or there twice.
func testReadersBesideUpkeep(t *testing.T, kit SharedKit) {
	const days, people = 6, 5
	w := newKeptWorld(t, kit)
	reader := w.another(nil)
	for day := range days {
		b := &store.Batch{}
		for i := range people {
			p := person(event.RowID(1000*(day+1)+10*i), fmt.Sprintf("%d-%d", day, i), "", firstDay+event.Time(day)*dayMicros+event.Time(i)*hourMicros)
			b.Events, b.Sessions = append(b.Events, p.Events...), append(b.Sessions, p.Sessions...)
		}
		w.append(b)
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	defer wg.Wait() // also where a reader fails
	wg.Go(func() {
		defer close(stop)
		ctx := context.Background()
		until := func(day int) event.Time { return firstDay + event.Time(day)*dayMicros }
		for day := 1; day <= days-1; day++ {
			err := w.keeper.Finalize(ctx, map[event.PropertyID]event.Time{1: until(day)})
			if err == nil {
				err = rollUpBy(w.keeper, 1, until(day-1), until(day), utc.name, utc.steps)
			}
			if err == nil && day > 2 {
				err = w.keeper.DropRows(ctx, []store.RollupSpan{{Property: 1, From: until(0), To: until(day - 2), Zone: utc.steps}})
			}
			if err == nil {
				_, err = w.keeper.Erase(ctx, []store.Erasure{{Property: 1, ClientID: fmt.Sprintf("%d-0", day), Before: 1 << 40}}, 5, utc.around)
			}
			if err == nil {
				err = w.keeper.Tidy(ctx)
			}
			if err != nil {
				t.Errorf("upkeep of day %d: %v", day, err)
				return
			}
		}
	})
	ask := func(r store.Relation) (*store.Rows, error) {
		sn := snapshotOf(t, reader)
		defer sn.Release()
		p := byPath(r)
		p.From, p.To, p.Zone, p.ZoneName = firstDay, firstDay+20*dayMicros, utc.steps, utc.name
		return sn.Run(context.Background(), p)
	}
	deadline := time.Now().Add(within)
	for running := true; running; {
		select {
		case <-stop:
			running = false
		default:
		}
		for r, each := range map[store.Relation]int64{store.Events: 3, store.Sessions: 1} {
			rows, err := ask(r)
			for err != nil { // a snapshot may lose what was erased or tidied up; the next one has it
				if time.Now().After(deadline) {
					t.Fatalf("still failing: %v", err)
				}
				rows, err = ask(r)
			}
			there := 0
			for i, d := range rows.Dimensions {
				if rows.Aggregates[i][0] != each {
					t.Fatalf("relation %d: %q has %d rows, want %d", r, d, rows.Aggregates[i][0], each)
				}
				if !strings.HasSuffix(d[0], "-0") {
					there++
				}
			}
			if there != days*(people-1) {
				t.Fatalf("relation %d: %d people of %d:\n%s", r, there, days*(people-1), print(rows, nil))
			}
		}
	}
}

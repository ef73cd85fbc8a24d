// S30: power is cut at every step of an erasure. Once the erasure was acknowledged by
// the log it is carried out, whatever happens: after a restart nothing of the client is
// left, and the account says so.
package product_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/internal/event"
	"tidemark/internal/report"
	"tidemark/internal/testkit/product"
	"tidemark/internal/testkit/spec"
)

func TestPowerCutDuringAnErasureDoesNotBringAnybodyBackS30(t *testing.T) {
	mem, dir := vfs.NewCrashableMem(), t.TempDir()
	var moments []replayMoment
	erasing := false
	p, err := product.Open(product.Options{Dir: dir, FS: mem, Partitions: 2, Step: func(name string) {
		if erasing {
			m := replayMoment{step: name, dir: filepath.Join(t.TempDir(), "cut"),
				fs: mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rand.New(rand.NewPCG(2, uint64(len(moments))))})}
			copyFiles(t, filepath.Join(dir, "segments"), filepath.Join(m.dir, "segments"))
			moments = append(moments, m)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	records := []*event.Record{spec.DefinitionRecord(crashProperty, crashStart)}
	gone := crashEvent(0)
	for n := range settleAfter {
		records = append(records, &event.Record{Kind: &event.Record_Event{Event: crashEvent(n)}})
	}
	lost := 0
	for _, r := range records[1:] {
		if r.GetEvent().ClientId == gone.ClientId {
			lost++
		}
	}
	records = append(records, tick(crashStart+daysLater))
	erasure := &event.Record{Kind: &event.Record_Erasure{Erasure: &event.Erasure{
		Property: gone.Property, ClientId: gone.ClientId, IngestTime: int64(crashStart + daysLater)}}}
	for _, do := range []func() error{
		func() error { return p.Load(t.Context(), records) }, func() error { return p.Settle(t.Context()) },
		func() error { return p.Load(t.Context(), []*event.Record{erasure}) },
		func() error { erasing = true; return p.Settle(t.Context()) },
	} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
	}
	erasing = false
	if err := p.Crash(); err != nil {
		t.Fatal(err)
	}
	steps := map[string]bool{}
	for _, m := range moments {
		steps[m.step] = true
		if err := checkErased(m, settleAfter-lost, lost); err != nil {
			t.Errorf("power cut at step %q: %v", m.step, err)
		}
	}
	for _, step := range []string{"erase rows", "commit", "install", "installed"} {
		if !steps[step] {
			t.Errorf("there was no step %q", step)
		}
	}
}

func checkErased(m replayMoment, left, lost int) (err error) {
	ctx := context.Background()
	p, err := product.Open(product.Options{Dir: m.dir, FS: m.fs, Partitions: 2})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Crash()) }()
	for _, do := range []func() error{func() error { return p.Load(ctx, nil) }, func() error { return p.Settle(ctx) }} {
		if err := do(); err != nil {
			return err
		}
	}
	r, err := p.Answer(ctx, &report.Query{Property: crashProperty, Metrics: []report.MetricRef{{Name: "eventCount"}},
		Ranges: []report.DateRange{{Start: report.Day{Year: 2026, Month: 3, Day: 1}, End: report.Day{Year: 2026, Month: 3, Day: 9}}}})
	if err != nil {
		return err
	}
	l, err := p.Ledger(ctx, crashProperty.ID)
	if err != nil {
		return err
	}
	if got := int(r.Rows[0].Metrics[0]); got != left || int(l.Stored) != left || int(l.Erased) != lost || !l.Balanced() {
		return fmt.Errorf("%v events, want %d; ledger %+v, want %d erased", r.Rows[0].Metrics, left, l, lost)
	}
	return nil
}

// RP1: power is cut at every step of the switch to replayed days. Afterwards all of
// them are as before, or all of them are replayed.
package product_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/internal/event"
	"tidemark/internal/pipeline"
	"tidemark/internal/property"
	"tidemark/internal/replay"
	"tidemark/internal/report"
	"tidemark/internal/testkit/product"
	"tidemark/internal/testkit/spec"
)

// replayMoment is what a power cut leaves.
type replayMoment struct {
	step string
	fs   *vfs.MemFS
	dir  string
}

func TestPowerCutDuringASwitchLeavesAllOrNothingRP1(t *testing.T) {
	mem, dir := vfs.NewCrashableMem(), t.TempDir()
	var moments []replayMoment
	switching := false
	options := product.Options{Dir: dir, FS: mem, Partitions: 2, Step: func(name string) {
		if switching {
			m := replayMoment{step: name, dir: filepath.Join(t.TempDir(), "cut"),
				fs: mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rand.New(rand.NewPCG(1, uint64(len(moments))))})}
			copyFiles(t, filepath.Join(dir, "segments"), filepath.Join(m.dir, "segments"))
			moments = append(moments, m)
		}
	}}
	p, err := product.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	records := []*event.Record{spec.DefinitionRecord(crashProperty, crashStart)}
	for n := range settleAfter {
		records = append(records, &event.Record{Kind: &event.Record_Event{Event: crashEvent(n)}})
	}
	records = append(records, tick(crashStart+daysLater))
	for _, do := range []error{p.Load(t.Context(), records), p.Settle(t.Context())} {
		if do != nil {
			t.Fatal(do)
		}
	}
	before := keyEventsOf(t, p)
	now := crashProperty
	now.KeyEvents = []string{"page_view"}
	result := replayAll(t, p, crashProperty, now)
	switching = true
	if err := result.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	switching = false
	after := keyEventsOf(t, p)
	if before != 0 || after != settleAfter {
		t.Fatalf("%v key events before and %v after, want none and %d", before, after, settleAfter)
	}
	if err := p.Crash(); err != nil {
		t.Fatal(err)
	}
	checkMoments(t, moments, before, after)
}

func checkMoments(t *testing.T, moments []replayMoment, before, after float64) {
	steps := map[string]float64{}
	for _, m := range moments {
		got, err := keyEventsAfter(t, m)
		if err != nil {
			t.Errorf("power cut at step %q: %v", m.step, err)
		}
		steps[m.step] = got
		if got != before && got != after {
			t.Errorf("power cut at step %q: %v key events, want %v or %v", m.step, got, before, after)
		}
	}
	for step, want := range map[string]float64{"replace final rows": before, "commit": before, "install": after, "installed": after} {
		if got, cut := steps[step]; !cut || got != want {
			t.Errorf("power cut at step %q (%v): %v key events, want %v", step, cut, got, want)
		}
	}
}

func keyEventsAfter(t *testing.T, m replayMoment) (n float64, err error) {
	p, err := product.Open(product.Options{Dir: m.dir, FS: m.fs, Partitions: 2})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, p.Crash()) }()
	return keyEventsOf(t, p), nil
}

func keyEventsOf(t *testing.T, p *product.Product) float64 {
	t.Helper()
	r, err := p.Answer(context.Background(), &report.Query{Property: crashProperty, KeepEmptyRows: true,
		Metrics: []report.MetricRef{{Name: "keyEvents"}},
		Ranges:  []report.DateRange{{Start: report.Day{Year: 2026, Month: 3, Day: 1}, End: report.Day{Year: 2026, Month: 3, Day: 9}}}})
	if err != nil {
		t.Fatal(err)
	}
	return r.Rows[0].Metrics[0]
}

func replayAll(t *testing.T, p *product.Product, was, now property.Property) *replay.Result {
	t.Helper()
	engine, err := p.Replays(true)
	if err != nil {
		t.Fatal(err)
	}
	result, err := engine.Run(t.Context(), replay.Order{Was: was, Now: now,
		From: report.Day{Year: 2026, Month: 3, Day: 1}, To: report.Day{Year: 2026, Month: 3, Day: 9}})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// RP4: what was restated meanwhile, by an erasure for example, is not undone.
func TestReplayIsRefusedWhenDaysWereRestatedMeanwhileRP4(t *testing.T) {
	p, err := product.Open(product.Options{Dir: t.TempDir(), FS: vfs.NewMem(), Partitions: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}()
	records := []*event.Record{spec.DefinitionRecord(crashProperty, crashStart)}
	for n := range settleAfter {
		records = append(records, &event.Record{Kind: &event.Record_Event{Event: crashEvent(n)}})
	}
	for _, do := range []error{p.Load(t.Context(), append(records, tick(crashStart+daysLater))), p.Settle(t.Context())} {
		if do != nil {
			t.Fatal(do)
		}
	}
	changed := crashProperty
	changed.KeyEvents = []string{"page_view"}
	stale := replayAll(t, p, crashProperty, changed)
	if err := replayAllAgain(t, p); err != nil {
		t.Fatal(err)
	}
	if err := stale.Apply(t.Context()); !errors.Is(err, pipeline.ErrRestated) {
		t.Errorf("Apply = %v, want ErrRestated", err)
	}
	if n := keyEventsOf(t, p); n != 0 {
		t.Errorf("%v key events, want none: the refused replay changed something", n)
	}
	if notes := p.Processor.Restatements(1); len(notes) != 1 || notes[0].Why != "replay" {
		t.Errorf("restatements are %+v, want one", notes)
	}
}

func replayAllAgain(t *testing.T, p *product.Product) error {
	return replayAll(t, p, crashProperty, crashProperty).Apply(t.Context())
}

// D7, RP1 to RP3: replaying final days under the same definition changes no answer,
// and under another one gives the answers of the oracle that was told so from the start.
package product_test

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"tidemark/internal/event"
	"tidemark/internal/pipeline"
	"tidemark/internal/property"
	"tidemark/internal/replay"
	"tidemark/internal/report"
	"tidemark/internal/store"
	"tidemark/internal/store/storetest"
	"tidemark/internal/testkit/oracle"
	"tidemark/internal/testkit/product"
	"tidemark/internal/testkit/spec"
)

func TestReplayUnderTheSameDefinitionChangesNothingRP2(t *testing.T) {
	checks(t, 2, 1)
	checkReplays(t, func(o *product.Options) {}, sameDefinition)
}

func TestReplayInMemoryUnderTheSameDefinitionChangesNothingRP2(t *testing.T) {
	checks(t, 60, 20)
	checkReplays(t, inMemory, sameDefinition)
}

func TestReplayUnderAnotherDefinitionEqualsTheOracle(t *testing.T) {
	checks(t, 2, 1)
	checkReplays(t, func(o *product.Options) {}, otherDefinition)
}

func TestReplayInMemoryUnderAnotherDefinitionEqualsTheOracle(t *testing.T) {
	checks(t, 60, 20)
	checkReplays(t, inMemory, otherDefinition)
}

func sameDefinition(_ *rapid.T, p property.Property, _ bool) property.Property { return p }

func inMemory(o *product.Options) {
	disk := storetest.NewDisk()
	o.OpenStore = func(m store.Manifest) (store.Store, error) { return storetest.OpenMem(disk, m) }
}

// otherDefinition changes what a replay can change.
func otherDefinition(rt *rapid.T, p property.Property, withLog bool) property.Property {
	p.Version++
	changes := []string{"timeout", "key events", "channels", "zone", "all"}
	if withLog { // only what can be derived anew
		changes = append(changes, "referrers", "referrers")
	}
	switch rapid.SampledFrom(changes).Draw(rt, "change") {
	case "referrers":
		p.IgnoredReferrers = []string{"birds.example.org"}
	case "timeout":
		p.SessionTimeout = rapid.SampledFrom([]time.Duration{time.Minute, 2 * time.Hour, 7 * time.Hour}).Draw(rt, "timeout")
	case "key events":
		p.KeyEvents = []string{"page_view", "first_visit"}
	case "channels":
		p.ChannelRules = "default@1"
	case "zone":
		p.TimeZone = rapid.SampledFrom([]string{"UTC", "Asia/Tokyo", "America/New_York"}).Draw(rt, "zone")
	default:
		p.SessionTimeout, p.KeyEvents, p.ChannelRules, p.TimeZone = 3*time.Hour, nil, "default@1", "America/Los_Angeles"
	}
	return p
}

// checkReplays folds random traffic, makes its days final, replays all of them, and
// compares with an oracle to which the new definition was told first.
func checkReplays(t *testing.T, adjust func(*product.Options), change func(*rapid.T, property.Property, bool) property.Property) {
	root := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(root, "run")
		if err != nil {
			rt.Fatal(err)
		}
		traffic := spec.RandomTraffic(rt)
		run := &run{rt: rt, options: product.Options{Dir: dir, FS: vfs.NewMem(), Partitions: 3,
			Adjust: func(c *pipeline.Config) { c.LogRetention = 10 * 366 * 24 * time.Hour }}} // so that the log can be asked
		adjust(&run.options)
		run.open()
		defer func() { run.do("close", run.product.Close()) }()
		later := laterEvents(traffic)
		run.do("load", run.product.Load(run.ctx(), append(traffic.Records(), later...)))
		run.do("settle", run.product.Settle(run.ctx()))

		changed := traffic
		changed.Properties = nil
		withLog := rapid.Bool().Draw(rt, "with log")
		for _, p := range traffic.Properties {
			now := change(rt, p, withLog)
			changed.Properties = append(changed.Properties, now)
			if run.product.Processor.Manifest().FinalUntil[p.ID] != 0 {
				run.replay(p, now, withLog, traffic)
			}
		}
		want := oracle.New()
		want.Fold(append(changed.Records(), later...))
		run.compare(want, changed, spec.StandardQueries(changed), "after a replay")
	})
}

// laterEvents let the days of the traffic end before those that are final, in any
// zone: an event of each property some days later, and time going on.
func laterEvents(traffic spec.Traffic) []*event.Record {
	at := traffic.End().Add(8 * 24 * time.Hour)
	var out []*event.Record
	for _, p := range traffic.Properties {
		out = append(out, &event.Record{Kind: &event.Record_Event{Event: &event.Event{Property: uint64(p.ID), Name: "page_view",
			ClientId: "later", Key: "later", EventTime: int64(at), IngestTime: int64(at), Trusted: true}}})
	}
	return append(out, tick(at.Add(10*24*time.Hour)))
}

func tick(at event.Time) *event.Record {
	return &event.Record{Kind: &event.Record_Tick{Tick: &event.Tick{IngestTime: int64(at)}}}
}

// replay counts all days again, or under the same definition some of them.
func (r *run) replay(was, now property.Property, withLog bool, traffic spec.Traffic) {
	engine, err := r.product.Replays(withLog)
	r.do("make engine", err)
	order := replay.Order{Was: was, Now: now, From: report.Day{Year: 2000, Month: 1, Day: 1}, To: report.Day{Year: 2100, Month: 1, Day: 1}}
	some := was.Version == now.Version && rapid.Bool().Draw(r.rt, "some days")
	if some {
		order.From, order.To = r.someDay(traffic), r.someDay(traffic)
		if order.To.Before(order.From) {
			order.From, order.To = order.To, order.From
		}
	}
	result, err := engine.Run(r.ctx(), order)
	if errors.Is(err, replay.ErrNotFinal) && some {
		return // days before the property's first, as a wrong clock told them
	}
	r.do("replay", err)
	if (result.Derived > 0 && !withLog) || (result.Kept > 0 && withLog) {
		r.rt.Fatalf("with the log %v, %d events were derived anew and %d kept", withLog, result.Derived, result.Kept)
	}
	if d := result.Difference; was.Version == now.Version && len(d.Days)+len(d.Groups) > 0 {
		r.rt.Fatalf("a replay under the same definition differs: %+v", d)
	}
	r.do("apply", result.Apply(r.ctx()))
}

// someDay draws a day on which something happened.
func (r *run) someDay(traffic spec.Traffic) report.Day {
	y, m, d := event.Time(rapid.SampledFrom(traffic.Arrivals).Draw(r.rt, "day of").EventTime).Std().Date()
	return report.Day{Year: y, Month: m, Day: d}
}

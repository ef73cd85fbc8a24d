// Skew: traffic as uneven as it is in the field, against the same number of events
// dealt out evenly in the same run. What must not suffer is told by a property that
// gets none of the load.
package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// skewSize is how much is done for skew.
type skewSize struct {
	passes     int           // of all cases
	length     time.Duration // of a run
	properties int           // of the case with many
	sessions   int           // open at once
	paths      int           // of one property on one day
}

func skewSizes() map[string]skewSize {
	return map[string]skewSize{
		"tiny":  {passes: 1, length: 3 * time.Second, properties: 400, sessions: 80_000, paths: 80_000},
		"small": {passes: 1, length: 5 * time.Second, properties: 10_000, sessions: 1_000_000, paths: 1_000_000},
		"full":  {passes: 3, length: 15 * time.Second, properties: 10_000, sessions: 1_000_000, paths: 1_000_000},
	}
}

const (
	skewRate       = 50_000.0 // events a second offered
	evenProperties = 16
)

func measureSkew(ctx context.Context, b *bench) error {
	k := &skew{bench: b, size: skewSizes()[b.sizeName], seen: map[string][]compared{}}
	if err := k.prepare(ctx); err != nil {
		return err
	}
	for pass := range k.size.passes {
		if err := k.pass(ctx, pass); err != nil {
			return err
		}
	}
	k.report()
	if k.wants("backlog") {
		if err := k.backlog(ctx); err != nil {
			return err
		}
	}
	k.results = append(k.results, k.hungryLines...)
	return nil
}

// wants tells whether a case is to be run: all are unless some were asked for.
func (b *bench) wants(name string) bool {
	return len(b.skewCases) == 0 || slices.Contains(b.skewCases, name)
}

// skew is one run of the measure.
type skew struct {
	*bench
	size                                    skewSize
	few, many                               *village
	even, half, one, crowd, sessions, paths *skewCase
	evens                                   []*skewRun
	seen                                    map[string][]compared
	hungryLines                             []result
}

func (k *skew) uneven() []*skewCase {
	return slices.DeleteFunc([]*skewCase{k.half, k.one, k.crowd, k.sessions, k.paths},
		func(c *skewCase) bool { return !k.wants(c.name) })
}

// compared is a run of a case with the even runs next to it.
type compared struct {
	run  *skewRun
	even []*skewRun
}

func (k *skew) prepare(ctx context.Context) (err error) {
	if k.few, err = k.newVillage(ctx, evenProperties); err != nil {
		return err
	}
	size := k.size.properties
	if !k.wants("crowd") {
		size = evenProperties // the requests of the case are made, and not sent
	}
	if k.many, err = k.newVillage(ctx, size); err != nil {
		return err
	}
	k.progress.say("making traffic")
	return k.cases()
}

// pass runs all cases, each between two even runs.
func (k *skew) pass(ctx context.Context, pass int) error {
	even, err := k.once(ctx, k.even, fmt.Sprint("even-", pass), nil)
	if err != nil {
		return err
	}
	k.evens = append(k.evens, even)
	for i, c := range k.uneven() {
		var after func(s *server) error
		if c == k.paths && pass == k.size.passes-1 && k.wants("hungry") {
			after = func(s *server) error { return k.hungry(ctx, s) }
		}
		run, err := k.once(ctx, c, c.name+"-"+strconv.Itoa(pass), after)
		if err != nil {
			return err
		}
		next, err := k.once(ctx, k.even, fmt.Sprintf("even-%d-%d", pass, i), nil)
		if err != nil {
			return err
		}
		k.evens = append(k.evens, next)
		k.seen[c.name] = append(k.seen[c.name], compared{run, []*skewRun{even, next}})
		even = next
	}
	return nil
}

func (k *skew) once(ctx context.Context, c *skewCase, name string, after func(s *server) error) (*skewRun, error) {
	return k.runSkew(ctx, c, "skew-"+name, after)
}

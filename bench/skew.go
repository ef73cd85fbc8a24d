// Skew: traffic as uneven as it is in the field, against the same number of events
// dealt out evenly in the same run. What must not suffer is told by a property that
// gets none of the load.
package main

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// skewSize is how much is done for skew.
type skewSize struct {
	passes     int           // of all cases
	length     time.Duration // of a short run
	properties int           // of the case with many
	sessions   int           // open at once
	paths      int           // of one property on one day
}

func skewSizes() map[string]skewSize {
	return map[string]skewSize{
		"tiny":  {passes: 1, length: 3 * time.Second, properties: 400, sessions: 80_000, paths: 80_000},
		"small": {passes: 1, length: 6 * time.Second, properties: 10_000, sessions: 1_000_000, paths: 1_000_000},
		"full":  {passes: 3, length: 15 * time.Second, properties: 10_000, sessions: 1_000_000, paths: 1_000_000},
	}
}

const (
	skewRate       = 50_000.0 // events a second offered
	evenProperties = 16
)

func measureSkew(ctx context.Context, b *bench) error {
	k := &skew{bench: b, size: skewSizes()[b.sizeName], evens: map[string][]*skewRun{}, seen: map[string][]compared{}}
	if err := k.prepare(ctx); err != nil {
		return err
	}
	for pass := range k.size.passes {
		if err := k.short(ctx, pass); err != nil {
			return err
		}
		var after func(s *server) error
		if pass == k.size.passes-1 {
			after = func(s *server) error { return k.hungry(ctx, s) }
		}
		if err := k.long(ctx, pass, after); err != nil {
			return err
		}
	}
	k.report()
	if err := k.backlog(ctx); err != nil {
		return err
	}
	k.results = append(k.results, k.hungryLines...)
	return nil
}

// skew is one run of the measure.
type skew struct {
	*bench
	size                                    skewSize
	few, many                               *village
	even, half, one, crowd, sessions, paths *skewCase
	evens                                   map[string][]*skewRun // "short" and "long"
	seen                                    map[string][]compared
	hungryLines                             []result
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
	if k.many, err = k.newVillage(ctx, k.size.properties); err != nil {
		return err
	}
	k.progress.say("making traffic")
	return k.cases()
}

// short runs the cases that need no long time, each between two even runs.
func (k *skew) short(ctx context.Context, pass int) error {
	even, err := k.once(ctx, k.even, fmt.Sprint("even-", pass), nil)
	if err != nil {
		return err
	}
	k.evens["short"] = append(k.evens["short"], even)
	for i, c := range []*skewCase{k.half, k.one, k.crowd} {
		run, err := k.once(ctx, c, c.name+"-"+strconv.Itoa(pass), nil)
		if err != nil {
			return err
		}
		next, err := k.once(ctx, k.even, fmt.Sprintf("even-%d-%d", pass, i), nil)
		if err != nil {
			return err
		}
		k.evens["short"] = append(k.evens["short"], next)
		k.seen[c.name] = append(k.seen[c.name], compared{run, []*skewRun{even, next}})
		even = next
	}
	return nil
}

// long runs the cases that need a time to get where they go, about one even run.
func (k *skew) long(ctx context.Context, pass int, after func(s *server) error) error {
	paths, err := k.once(ctx, k.paths, fmt.Sprint("paths-", pass), after)
	if err != nil {
		return err
	}
	longer := *k.even
	longer.length = k.sessions.length
	even, err := k.once(ctx, &longer, fmt.Sprint("evenlong-", pass), nil)
	if err != nil {
		return err
	}
	sessions, err := k.once(ctx, k.sessions, fmt.Sprint("sessions-", pass), nil)
	if err != nil {
		return err
	}
	k.evens["long"] = append(k.evens["long"], even)
	k.seen[k.paths.name] = append(k.seen[k.paths.name], compared{paths, []*skewRun{even}})
	k.seen[k.sessions.name] = append(k.seen[k.sessions.name], compared{sessions, []*skewRun{even}})
	return nil
}

func (k *skew) once(ctx context.Context, c *skewCase, name string, after func(s *server) error) (*skewRun, error) {
	return k.runSkew(ctx, c, "skew-"+name, after)
}

// The cases of the skew measure: who sends how much, of what.
package main

import (
	"errors"
	"fmt"

	"tidemark/internal/testkit/traffic"
)

// errNoCase tells that made-up traffic did not come to what a case needs.
var errNoCase = errors.New("BUG: too few requests were made")

// cases makes the requests of all cases before any clock runs.
func (k *skew) cases() error {
	receivers, err := k.few.receivers(0, nil)
	if err != nil {
		return err
	}
	half, err := k.few.receivers(0.5, nil)
	if err != nil {
		return err
	}
	crowd, err := k.many.receivers(0, fewPages(20))
	if err != nil {
		return err
	}
	host := receivers[0].Host
	for _, c := range []struct {
		to **skewCase
		c  skewCase
		d  dealt
	}{
		{&k.even, skewCase{name: "even", what: "uniform: 16 properties"}, dealt{receivers: receivers}},
		{&k.half, skewCase{name: "half", what: "one property has half"}, dealt{receivers: half}},
		{&k.one, skewCase{name: "one", what: "one client has 1 %"},
			dealt{receivers: receivers, change: hot(receivers[0].ID, evenProperties)}},
		{&k.crowd, skewCase{name: "crowd", what: count(float64(k.size.properties)) + " properties", village: k.many, meet: true},
			dealt{receivers: crowd, events: k.size.properties * 60, once: true}},
		{&k.sessions, skewCase{name: "sessions", what: count(float64(k.size.sessions)) + " sessions open", before: k.size.sessions,
			traffic: recent(receivers, k.size.sessions), begin: cameBefore(receivers),
			change: numbered(`"client_id":"`, len(newClientID)-10, 0, k.size.sessions, receivers)},
			dealt{receivers: receivers, change: newcomer}},
		{&k.paths, skewCase{name: "paths", what: count(float64(k.size.paths)) + " paths in one property", before: k.size.paths,
			traffic: recent(receivers[:1], k.size.paths), begin: seen(host),
			change: numbered(`"url":"https://`+host, len(newPath)-10, k.size.paths, 100*k.size.paths, receivers[:1])},
			dealt{receivers: receivers[:1], change: unseen(host)}},
	} {
		made := c.c
		if made.village == nil {
			made.village = k.few
		}
		made.length = k.size.length
		if c.d.events == 0 {
			c.d.events = preparedEvents
		}
		if made.requests, err = deal(c.d); err != nil {
			return err
		}
		if len(made.requests) < skewConnections || made.meet && len(made.requests) < len(c.d.receivers)*9/10 {
			return fmt.Errorf("%s: %w", made.name, errNoCase)
		}
		*c.to = &made
	}
	return nil
}

func fewPages(n int) []traffic.Page {
	var few []traffic.Page
	for i := range n {
		few = append(few, traffic.Page{Path: fmt.Sprintf("/page-%d", i), Title: fmt.Sprintf("Page %d", i)})
	}
	return few
}

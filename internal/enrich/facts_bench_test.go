// What deriving costs: nothing on the heap for what is known, and not much
// for what is not.
package enrich

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"tidemark/internal/event"
)

func commonEvents() []*event.Event {
	agents := []string{
		chromeOnWindows,
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
		"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36",
	}
	referrers := []string{"", "https://www.google.com/", "https://www.shop.example/cart", "https://l.facebook.com/", "https://blog.example.org/x"}
	queries := []string{"", "?color=red", "?utm_source=newsletter&utm_medium=email&utm_campaign=spring", "?gclid=abc"}
	var events []*event.Event
	for i := range 60 {
		events = append(events, &event.Event{
			Url:       fmt.Sprintf("https://www.shop.example/lamps/lamp-%d%s", i, queries[i%len(queries)]),
			Referrer:  referrers[i%len(referrers)],
			UserAgent: agents[i%len(agents)],
		})
	}
	return events
}

func TestDeriveAllocatesNothingForWhatIsKnown(t *testing.T) {
	d, events, def := NewDeriver(DefaultConfig()), commonEvents(), &event.Definition{IgnoredReferrers: []string{"pay.example"}}
	var f Facts
	i := 0
	derive := func() {
		d.Derive(events[i%len(events)], def, &f)
		Channel("ga4@2026", f.Source, f.Medium, f.Campaign)
		i++
	}
	for range events {
		derive()
	}
	if n := testing.AllocsPerRun(1000, derive); n != 0 {
		t.Errorf("Derive allocates %v times an event, want 0", n)
	}
}

func TestDeriverServesManyGoroutines(t *testing.T) {
	d, events := NewDeriver(Config{Agents: 8, Hosts: 8}), commonEvents()
	want := make([]Facts, len(events))
	for i, e := range events {
		NewDeriver(DefaultConfig()).Derive(e, nil, &want[i])
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 20 {
				for i, e := range events {
					var f Facts
					if d.Derive(e, nil, &f); f != want[i] {
						t.Errorf("event %d: got %+v, want %+v", i, f, want[i])
					}
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkDeriveWarm(b *testing.B) {
	d, events, def := NewDeriver(DefaultConfig()), commonEvents(), &event.Definition{}
	var f Facts
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		d.Derive(events[i%len(events)], def, &f)
	}
}

// A flood of user agents that nobody ever sent before.
func BenchmarkDeriveColdAgents(b *testing.B) {
	rnd := rand.New(rand.NewPCG(1, 2))
	noise := func(n int) string {
		p := make([]byte, n)
		for i := range p {
			p[i] = byte(' ' + rnd.IntN(95))
		}
		return string(p)
	}
	for name, agent := range map[string]func() string{
		"noise":   func() string { return noise(120) },
		"browser": func() string { return fmt.Sprintf("%s X%d/1.0", chromeOnWindows, rnd.Uint32()) },
		"version": func() string {
			return fmt.Sprintf("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:%d.0) Gecko/20100101 Firefox/%d.0", rnd.Uint32(), rnd.Uint32())
		},
		"app": func() string {
			return fmt.Sprintf("App%d/%d.1 (Linux; Android 13; %s)", rnd.Uint32(), rnd.IntN(9), noise(20))
		},
	} {
		b.Run(name, func(b *testing.B) {
			loadTail()
			d := NewDeriver(DefaultConfig())
			e, f := &event.Event{Url: "https://www.shop.example/"}, Facts{}
			b.ReportAllocs()
			for b.Loop() {
				e.UserAgent = agent()
				d.Derive(e, nil, &f)
			}
		})
	}
}

func BenchmarkDeriveColdHosts(b *testing.B) {
	d := NewDeriver(DefaultConfig())
	e, f := &event.Event{Url: "https://www.shop.example/", UserAgent: chromeOnWindows}, Facts{}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		e.Referrer = fmt.Sprintf("https://host-%d.example.co.uk/x", i)
		d.Derive(e, nil, &f)
	}
}

func BenchmarkChannel(b *testing.B) {
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%2 == 0 {
			Channel("ga4@2026", "google", "organic", "(organic)")
		} else {
			Channel("ga4@2026", "blog.example.org", "referral", "(referral)")
		}
	}
}

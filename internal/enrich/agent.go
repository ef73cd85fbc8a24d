// User agents: device category, browser, operating system and verdict.
package enrich

import (
	"strings"

	"github.com/maypok86/otter/v2"

	"tidemark/internal/event"
)

// agentFacts is what a user agent says.
type agentFacts struct {
	category, browser, os, osMajor string
	verdict                        string
}

type agentCache struct{ cache *otter.Cache[string, *agentFacts] }

func newAgentCache(size int) *agentCache {
	if size <= 0 {
		size = DefaultConfig().Agents
	}
	return &agentCache{cache: otter.Must(&otter.Options[string, *agentFacts]{
		MaximumSize: size,
		Executor:    func(fn func()) { fn() },
	})}
}

// get returns the facts of a user agent. Fast path: no allocation.
func (c *agentCache) get(agent string) *agentFacts {
	if a, ok := c.cache.GetIfPresent(agent); ok {
		return a
	}
	agent = strings.Clone(agent)
	a := parseAgent(agent)
	c.cache.Set(agent, a)
	return a
}

func (d *Deriver) deriveAgent(e *event.Event, f *Facts) {
	a := d.agents.get(e.UserAgent)
	f.Category, f.Browser, f.OS, f.OSMajor = a.category, a.browser, a.os, a.osMajor
	f.Verdict = a.verdict
	if e.AddressVerdict != "" {
		f.Verdict = e.AddressVerdict
	}
}

func parseAgent(agent string) *agentFacts {
	a := &agentFacts{category: notSet, browser: notSet, os: notSet, osMajor: notSet}
	switch {
	case agent == "":
		return a
	case strings.Contains(agent, "bot"):
		a.verdict = "bot_crawler@1"
	}
	for _, b := range []struct{ mark, name string }{
		{"Edg", "Edge"}, {"Firefox", "Firefox"}, {"Chrome", "Chrome"}, {"Safari", "Safari"},
	} {
		if strings.Contains(agent, b.mark) {
			a.browser = b.name
			break
		}
	}
	for _, o := range []struct{ mark, name string }{
		{"Windows", "Windows"}, {"iPhone", "iOS"}, {"Mac OS X", "Macintosh"},
		{"Android", "Android"}, {"CrOS", "Chrome OS"}, {"Linux", "Linux"},
	} {
		if strings.Contains(agent, o.mark) {
			a.os = o.name
			break
		}
	}
	a.category = "desktop"
	if strings.Contains(agent, "Mobile") {
		a.category = "mobile"
	}
	return a
}

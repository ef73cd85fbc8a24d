// User agents: device category, browser, operating system and verdict.
package enrich

import (
	"strings"
	"unicode/utf8"

	"github.com/maypok86/otter/v2"

	"tidemark/internal/event"
)

// agentFacts is what a user agent says.
type agentFacts struct {
	category, browser, os, osMajor string
	verdict                        *botVerdict // nil for people
}

// agentCache remembers facts by user agent. It resists scans, so a flood of
// invented user agents does not push out the real ones.
type agentCache struct {
	cache *otter.Cache[string, *agentFacts]
}

func newAgentCache(size int) *agentCache {
	if size <= 0 {
		size = DefaultConfig().Agents
	}
	return &agentCache{cache: otter.Must(&otter.Options[string, *agentFacts]{
		MaximumSize: size,
		Executor:    func(fn func()) { fn() }, // no goroutines of its own
	})}
}

// get returns the facts of a user agent. Fast path: no allocation.
func (c *agentCache) get(agent string) *agentFacts {
	agent = cutAgent(agent)
	if a, ok := c.cache.GetIfPresent(agent); ok {
		return a
	}
	agent = strings.Clone(agent) // the cache must not keep the event's memory
	a := parseAgent(agent)
	c.cache.Set(agent, a)
	return a
}

// cutAgent keeps what the log keeps of a user agent.
func cutAgent(agent string) string {
	if cut := event.MaxUserAgent; len(agent) > cut {
		for cut > 0 && !utf8.RuneStart(agent[cut]) {
			cut--
		}
		agent = agent[:cut]
	}
	return trimSpace(agent)
}

// deriveAgent fills the device facts and the verdict. What the sender says
// outside its user agent wins, and so does the verdict on its address (S39).
func (d *Deriver) deriveAgent(e *event.Event, f *Facts) {
	a := d.agents.get(e.UserAgent)
	f.Category, f.Browser, f.OS, f.OSMajor = a.category, a.browser, a.os, a.osMajor
	f.Verdict = verdictOf(e, a)
	if e.Device != nil {
		overrideDevice(e.Device, f)
	}
}

func verdictOf(e *event.Event, a *agentFacts) string {
	switch v := a.verdict; {
	case e.AddressVerdict != "":
		return e.AddressVerdict
	case v == nil, v.browserOnly && e.Trusted:
		return ""
	case e.UserAgent == "" && e.Screen == "":
		return "" // nothing claims that there was a browser
	default:
		return v.text
	}
}

func overrideDevice(dev *event.Device, f *Facts) {
	if dev.Category != "" {
		f.Category = lowerASCII(dev.Category)
	}
	if dev.Browser != "" {
		f.Browser = browserName(dev.Browser)
	}
	if dev.OperatingSystem != "" {
		// The version in the user agent belongs to the system it names.
		if name := systemName(dev.OperatingSystem); name != f.OS {
			f.OS, f.OSMajor = name, notSet
		}
	}
	if v := dev.OperatingSystemVersion; v != "" {
		if major := majorVersion(v); major != notSet {
			v = major
		}
		f.OSMajor = v
	}
}

// parseAgent reads a user agent. Slow path: once per cached user agent.
func parseAgent(agent string) *agentFacts {
	lower := lowerASCII(agent)
	a := &agentFacts{verdict: loadBotRules().find(lower)}
	if !commonAgent(agent, a) {
		*a = agentFacts{browser: notSet, os: notSet, osMajor: notSet, verdict: a.verdict}
		// A program's user agent is not worth the patterns: it is in no report
		// unless asked for, and those who invent user agents write such.
		if a.verdict == nil && worthPatterns(agent) {
			rareAgent(agent, lower, a)
		}
	}
	a.category = deviceCategory(lower, a.os)
	return a
}

// worthPatterns tells whether a text can be the user agent of a browser or
// an app: a name and a version.
func worthPatterns(agent string) bool {
	return len(agent) >= 8 && strings.ContainsAny(agent, "/ ") && strings.ContainsAny(agent, "0123456789")
}

// rareAgent asks the patterns of ua-parser.
func rareAgent(agent, lower string, a *agentFacts) {
	t := loadTail()
	a.browser = browserName(t.browser(agent, lower))
	family, major, minor := t.system(agent, lower)
	a.os = systemName(family)
	a.osMajor = systemVersion(a.os, major, minor)
	if family == "" || a.os == notSet {
		a.osMajor = notSet
	}
	inAppBrowser(agent, a)
}

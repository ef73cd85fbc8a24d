// Facts: what an event says once its texts are understood.
package enrich

import "tidemark/internal/event"

// notSet stands where a fact is missing (S36).
const notSet = "(not set)"

// Facts are derived from one event. Missing text is "(not set)" except where
// said otherwise.
type Facts struct {
	Host  string // of the URL, lower case, without port
	Path  string // as sent, "/" if the URL has none
	Query string // as sent, without "?"; "" if there is none

	Category string // desktop, mobile, tablet, smart tv
	Browser  string // as GA4 names it: Chrome, Samsung Internet, ...
	OS       string // as GA4 names it: Windows, Macintosh, Chrome OS, ...
	OSMajor  string // first part of the operating system's version

	// The event's own source: what it says about where the visit came from.
	// All three are "(not set)" if HasSource is false (S17).
	Source    string
	Medium    string
	Campaign  string
	HasSource bool

	// Verdict is "" for people, else the rule that was met and its version,
	// for example "bot_crawler@1" (S23).
	Verdict string
}

// Config bounds the memory of a Deriver.
type Config struct {
	// Agents is how many user agents are remembered. Too few and common
	// ones are parsed again and again; each takes about half a kilobyte.
	Agents int
	// Hosts is how many host names are remembered, of pages and referrers.
	Hosts int
}

// DefaultConfig fits a few million events an hour into about 30 MB.
func DefaultConfig() Config { return Config{Agents: 32 << 10, Hosts: 64 << 10} }

// Deriver derives Facts. It may be used by many goroutines at once.
type Deriver struct {
	agents *agentCache
	hosts  *hostCache
}

// NewDeriver returns a Deriver with empty caches.
func NewDeriver(cfg Config) *Deriver {
	return &Deriver{agents: newAgentCache(cfg.Agents), hosts: newHostCache(cfg.Hosts)}
}

// Derive fills f from e and from the property's definition, which may be nil.
// It overwrites all of f.
func (d *Deriver) Derive(e *event.Event, def *event.Definition, f *Facts) {
	page := splitURL(e.Url)
	f.Host, f.Path, f.Query = notSet, notSet, page.query
	var host hostFacts
	if page.host != "" {
		host = d.hosts.get(page.host)
		f.Host = orNotSet(host.name)
	}
	if page.path != "" {
		f.Path = page.path
	}
	d.deriveAgent(e, f)
	d.deriveSource(e, def, page, host, f)
}

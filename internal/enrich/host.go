// Hosts: the lower-case name, the registrable domain and what kind of site it
// is, remembered per host because looking them up costs more than the rest.
package enrich

import (
	"net/netip"
	"strings"

	"github.com/maypok86/otter/v2"
	"golang.org/x/net/publicsuffix"
)

// hostFacts is what is known of a host.
type hostFacts struct {
	name        string      // lower case
	registrable string      // "example.co.uk" of "www.example.co.uk"; the name itself if it has none
	known       knownSource // what kind of source it is
}

// hostCache remembers facts by host as sent. It resists scans: names that
// are seen once do not push out those seen often.
type hostCache struct {
	cache *otter.Cache[string, hostFacts]
}

func newHostCache(size int) *hostCache {
	if size <= 0 {
		size = DefaultConfig().Hosts
	}
	return &hostCache{cache: otter.Must(&otter.Options[string, hostFacts]{
		MaximumSize: size,
		Executor:    func(fn func()) { fn() }, // no goroutines of its own
	})}
}

// get returns the facts of a host. Fast path: no allocation.
func (c *hostCache) get(host string) hostFacts {
	if h, ok := c.cache.GetIfPresent(host); ok {
		return h
	}
	host = strings.Clone(host) // the cache must not keep the event's memory
	h := lookUpHost(host)
	c.cache.Set(host, h)
	return h
}

func lookUpHost(host string) hostFacts {
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	known, _ := loadKnown().find(name)
	return hostFacts{name: name, registrable: registrableDomain(name), known: known}
}

// registrableDomain returns the part of a host that someone registered, or
// the host itself: an address, "localhost", a public suffix.
func registrableDomain(name string) string {
	if _, err := netip.ParseAddr(name); err == nil {
		return name
	}
	domain, err := publicsuffix.EffectiveTLDPlusOne(name)
	if err != nil {
		return name
	}
	return domain
}

// endsInKnownSuffix tells whether a host ends in a suffix of the public list.
func endsInKnownSuffix(host string) bool {
	suffix, icann := publicsuffix.PublicSuffix(strings.ToLower(host))
	return icann || strings.Contains(suffix, ".")
}

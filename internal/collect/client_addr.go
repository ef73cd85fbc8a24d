// ClientAddr: whose connection it is, for others that serve beside the collector.
package collect

import (
	"net/http"
	"net/netip"
)

// ClientAddr returns the client's address as the collector sees it: the
// connection's, or what trusted proxies say. It must not be stored or logged (D10).
func (c *Collector) ClientAddr(r *http.Request) netip.Addr { return c.addresses.read(r) }

// The client's address: whom to believe about it.
package collect

import (
	"net/http"
	"net/netip"
	"strings"
)

// addressReader finds the client's address in a request.
type addressReader struct {
	proxies []netip.Prefix
	header  string
}

// read returns the client's address, or the zero Addr if the connection has
// none, as on a Unix socket.
func (a *addressReader) read(r *http.Request) netip.Addr {
	connection, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr := connection.Addr().Unmap().WithZone("")
	if len(a.proxies) == 0 || !a.trusted(addr) {
		return addr
	}
	return a.behind(addr, r.Header[a.header])
}

func (a *addressReader) trusted(addr netip.Addr) bool {
	for _, network := range a.proxies {
		if network.Contains(addr) {
			return true
		}
	}
	return false
}

// behind walks the list from the nearest to the farthest. Everything left of
// the first untrusted address was written by that one and may be invented. A
// list that cannot be read ends the walk where it was.
func (a *addressReader) behind(nearest netip.Addr, lines []string) netip.Addr {
	addr := nearest
	for i := len(lines) - 1; i >= 0; i-- {
		for rest := lines[i]; rest != ""; {
			var last string
			if comma := strings.LastIndexByte(rest, ','); comma >= 0 {
				rest, last = rest[:comma], rest[comma+1:]
			} else {
				rest, last = "", rest
			}
			next, ok := parseListed(strings.TrimSpace(last))
			if !ok {
				return addr
			}
			if addr = next; !a.trusted(addr) {
				return addr
			}
		}
	}
	return addr
}

// parseListed reads an address with or without a port.
func parseListed(text string) (netip.Addr, bool) {
	if addr, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return addr.Unmap().WithZone(""), true
	}
	if both, err := netip.ParseAddrPort(text); err == nil {
		return both.Addr().Unmap().WithZone(""), true
	}
	return netip.Addr{}, false
}

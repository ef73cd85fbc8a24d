// ClientAddr: whose connection it is, for others that serve beside the collector
// or without one.
package collect

import (
	"net/http"
	"net/netip"
)

// ClientAddr returns what tells the client's address as a collector with cfg sees it: the
// connection's, or what trusted proxies say. It must not be stored or logged (D10).
func ClientAddr(cfg Config) (func(*http.Request) netip.Addr, error) {
	reader, err := newAddressReader(cfg)
	if err != nil {
		return nil, err
	}
	return reader.read, nil
}

func newAddressReader(cfg Config) (addressReader, error) {
	proxies, err := parseNetworks(cfg.TrustedProxies)
	if err != nil {
		return addressReader{}, err
	}
	return addressReader{proxies: proxies, header: http.CanonicalHeaderKey(cfg.ClientIPHeader)}, nil
}

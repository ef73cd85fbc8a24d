// Config: what an operator may choose.
package collect

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// Config bounds what strangers may ask of the collector and says whom to
// believe about addresses.
type Config struct {
	// TrustedProxies are the networks (CIDR or single addresses) of the proxies in
	// front of the collector. Empty: the connection's address is the client's. Too
	// wide: clients can claim any address.
	TrustedProxies []string `yaml:"trusted_proxies"`
	// ClientIPHeader is the header in which trusted proxies name the client: a list
	// of addresses, the nearest last. Only read from trusted proxies.
	ClientIPHeader string `yaml:"client_ip_header"`
	// MaxBody bounds a body as sent, in bytes. Too small refuses honest batches;
	// too large lets few requests take all memory.
	MaxBody int `yaml:"max_body"`
	// MaxDecompressed bounds a body after decompression, in bytes.
	MaxDecompressed int `yaml:"max_decompressed"`
	// MaxInFlight bounds the memory of all requests under way, in bytes. Beyond it
	// the answer is 503.
	MaxInFlight int `yaml:"max_in_flight"`
	// MaxEvents bounds the events of one request; the rest is refused.
	MaxEvents int `yaml:"max_events"`
	// MaxDepth bounds how deep JSON may nest.
	MaxDepth int `yaml:"max_depth"`
	// BodyTimeout is how long a client may take to send a body.
	BodyTimeout time.Duration `yaml:"body_timeout"`
	// TickInterval is how long a partition may go without a record before a Tick
	// moves its clock. Too long delays what waits for the clock: final days.
	TickInterval time.Duration `yaml:"tick_interval"`
	// DeniedConsent says what becomes of events whose sender denies analytics
	// storage: "cookieless" counts them without the identity they bring, "refuse"
	// refuses them.
	DeniedConsent string `yaml:"denied_consent"`
}

// Values of DeniedConsent.
const (
	ConsentCookieless = "cookieless"
	ConsentRefuse     = "refuse"
)

// DefaultConfig suits one machine that faces the internet directly.
func DefaultConfig() Config {
	return Config{
		ClientIPHeader:  "X-Forwarded-For",
		MaxBody:         4 << 20,
		MaxDecompressed: 16 << 20,
		MaxInFlight:     256 << 20,
		MaxEvents:       10_000,
		MaxDepth:        32,
		BodyTimeout:     10 * time.Second,
		TickInterval:    5 * time.Second,
		DeniedConsent:   ConsentCookieless,
	}
}

// Validate tells everything that is wrong.
func (c Config) Validate() error {
	var errs []error
	atLeast := func(key string, got, least int) {
		if got < least {
			errs = append(errs, fmt.Errorf("%s: %d is less than %d", key, got, least))
		}
	}
	atLeast("max_body", c.MaxBody, 1024)
	atLeast("max_decompressed", c.MaxDecompressed, c.MaxBody)
	// The largest body, twice, and the window of a decompressor must fit.
	atLeast("max_in_flight", c.MaxInFlight, 4*c.MaxDecompressed)
	atLeast("max_events", c.MaxEvents, 1)
	atLeast("max_depth", c.MaxDepth, 4)
	if c.MaxDepth > 1000 {
		errs = append(errs, fmt.Errorf("max_depth: %d is more than 1000", c.MaxDepth))
	}
	if c.BodyTimeout <= 0 {
		errs = append(errs, errors.New("body_timeout: must be positive"))
	}
	if c.TickInterval <= 0 {
		errs = append(errs, errors.New("tick_interval: must be positive"))
	}
	if c.DeniedConsent != ConsentCookieless && c.DeniedConsent != ConsentRefuse {
		errs = append(errs, fmt.Errorf("denied_consent: %q is neither %q nor %q",
			c.DeniedConsent, ConsentCookieless, ConsentRefuse))
	}
	if _, err := parseNetworks(c.TrustedProxies); err != nil {
		errs = append(errs, err)
	}
	if len(c.TrustedProxies) > 0 && c.ClientIPHeader == "" {
		errs = append(errs, errors.New("client_ip_header: trusted_proxies need one"))
	}
	return errors.Join(errs...)
}

func parseNetworks(texts []string) ([]netip.Prefix, error) {
	networks := make([]netip.Prefix, 0, len(texts))
	for _, text := range texts {
		if !strings.Contains(text, "/") {
			addr, err := netip.ParseAddr(text)
			if err != nil {
				return nil, fmt.Errorf("trusted_proxies: %q is no address", text)
			}
			networks = append(networks, netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()))
			continue
		}
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("trusted_proxies: %q is no network", text)
		}
		networks = append(networks, network.Masked())
	}
	return networks, nil
}

// Config: the defaults are valid and each mistake is told.
package collect

import (
	"strings"
	"testing"
	"time"
)

func TestDefaultConfigIsValid(t *testing.T) {
	if err := DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
}

func TestEachMistakeInTheConfigIsTold(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"max_body":                   func(c *Config) { c.MaxBody = 0 },
		"max_decompressed":           func(c *Config) { c.MaxDecompressed = c.MaxBody - 1 },
		"max_in_flight":              func(c *Config) { c.MaxInFlight = c.MaxDecompressed },
		"max_events":                 func(c *Config) { c.MaxEvents = 0 },
		"max_depth: 1 ":              func(c *Config) { c.MaxDepth = 1 },
		"max_depth: 9999":            func(c *Config) { c.MaxDepth = 9999 },
		"body_timeout":               func(c *Config) { c.BodyTimeout = -time.Second },
		"tick_interval":              func(c *Config) { c.TickInterval = 0 },
		"denied_consent":             func(c *Config) { c.DeniedConsent = "perhaps" },
		`"proxy.example" is no addr`: func(c *Config) { c.TrustedProxies = []string{"proxy.example"} },
		`"10.0.0.0/99" is no netw`:   func(c *Config) { c.TrustedProxies = []string{"10.0.0.0/99"} },
		"client_ip_header":           func(c *Config) { c.TrustedProxies, c.ClientIPHeader = []string{"10.0.0.1"}, "" },
	} {
		cfg := DefaultConfig()
		change(&cfg)
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to speak of %s", err, want)
		}
	}
}

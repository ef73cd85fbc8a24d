// Verdicts on addresses.
package geo

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func writeRanges(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ranges.txt")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestS23NarrowestRangeGivesTheVerdict(t *testing.T) {
	r, err := OpenRanges(writeRanges(t, `# ranges
203.0.113.0/24 datacenter
203.0.113.64/26 office   # inside the one above
version 3
2001:db8::/32
`))
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]string{
		"203.0.113.1":        "address_datacenter@1",
		"::ffff:203.0.113.1": "address_datacenter@1",
		"203.0.113.65":       "address_office@1",
		"2001:db8:ffff::1":   "address_range@3",
		"198.51.100.1":       "",
		"2001:db9::1":        "",
	} {
		if got := r.Verdict(netip.MustParseAddr(addr)); got != want {
			t.Errorf("Verdict(%s) = %q, want %q", addr, got, want)
		}
	}
	if got := new(Ranges).Verdict(netip.MustParseAddr("203.0.113.1")); got != "" {
		t.Errorf("Verdict without ranges = %q, want none", got)
	}
}

func TestOpenRangesNamesTheBadLine(t *testing.T) {
	for text, want := range map[string]string{
		"203.0.113.0/24\nnonsense\n": "line 2",
		"version x\n":                "line 1",
		"203.0.113.0/40\n":           "line 1",
	} {
		if _, err := OpenRanges(writeRanges(t, text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("OpenRanges(%q) = %v, want an error that names %s", text, err, want)
		}
	}
}

// Ranges: addresses that no person browses from, such as data centres.
package geo

import (
	"bufio"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Ranges gives addresses a verdict (S23). The zero value gives none.
type Ranges struct {
	verdicts map[netip.Prefix]string
	bits     []int // prefix lengths in use, longest first
}

// OpenRanges reads a file with one range a line, "203.0.113.0/24 datacenter".
// The second word is the rule; without it the rule is "range". A line
// "version N" sets the version that verdicts carry from there on; it begins
// with 1. What follows # is a comment.
func OpenRanges(path string) (*Ranges, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open address ranges: %w", err)
	}
	defer f.Close()
	r := &Ranges{verdicts: map[netip.Prefix]string{}}
	version := "1"
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		words := strings.Fields(text)
		if len(words) == 2 && words[0] == "version" {
			version = words[1]
			words = nil
			if _, err := strconv.ParseUint(version, 10, 32); err != nil {
				return nil, fmt.Errorf("read address ranges %s: line %d: version is no number", path, n)
			}
		}
		if err := r.add(words, version); err != nil {
			return nil, fmt.Errorf("read address ranges %s: line %d: %w", path, n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read address ranges %s: %w", path, err)
	}
	slices.SortFunc(r.bits, func(a, b int) int { return b - a })
	return r, nil
}

func (r *Ranges) add(words []string, version string) error {
	if len(words) == 0 {
		return nil
	}
	prefix, err := netip.ParsePrefix(words[0])
	if err != nil {
		return err
	}
	rule := "range"
	if len(words) > 1 {
		rule = words[1]
	}
	if !slices.Contains(r.bits, prefix.Bits()) {
		r.bits = append(r.bits, prefix.Bits())
	}
	r.verdicts[prefix.Masked()] = "address_" + rule + "@" + version
	return nil
}

// Verdict returns the rule of the narrowest range that holds the address and
// its version, "" if there is none.
func (r *Ranges) Verdict(addr netip.Addr) string {
	addr = addr.Unmap().WithZone("")
	for _, bits := range r.bits {
		prefix, err := addr.Prefix(bits)
		if err != nil {
			continue // the length is one of IPv6, the address is not
		}
		if v, ok := r.verdicts[prefix]; ok {
			return v
		}
	}
	return ""
}

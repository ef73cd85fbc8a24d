// Sizes in bytes and secrets, as an operator writes and reads them.
package config

import (
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes: "64 MiB", "2GB", "1048576".
type Size int64

type unit struct {
	name  string
	bytes int64
}

// units lists the binary ones first in each size, for String.
func units() []unit {
	return []unit{
		{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
		{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"KB", 1e3}, {"B", 1},
	}
}

// ParseSize reads what String prints, and decimal units.
func ParseSize(s string) (Size, error) {
	number, factor := s, int64(1)
	for _, u := range units() {
		if strings.HasSuffix(s, u.name) {
			number, factor = strings.TrimSpace(strings.TrimSuffix(s, u.name)), u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/factor {
		return 0, fmt.Errorf("%q is not a size such as 64 MiB", s)
	}
	return Size(n * factor), nil
}

// String uses the largest binary unit that leaves a whole number.
func (s Size) String() string {
	for _, u := range units()[:4] {
		if s != 0 && int64(s)%u.bytes == 0 {
			return strconv.FormatInt(int64(s)/u.bytes, 10) + " " + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10) + " B"
}

// Secret is a text that must not be seen. Reveal is the only way to it.
type Secret string

const redacted = "(secret)"

// Reveal returns the text.
func (s Secret) Reveal() string { return string(s) }

// String implements fmt.Stringer; %v, %s and %q show that there is one, or not.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// GoString keeps it out of %#v.
func (s Secret) GoString() string { return strconv.Quote(s.String()) }

// LogValue keeps it out of logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText keeps it out of JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Money: from decimal text to millionths without a float between, so that 0.1
// stays 0.1 (S35).
package wire

import (
	"math"
	"strconv"
	"strings"
)

// maxMicros bounds one value: sums of a thousand such still fit int64.
const maxMicros = 9_000_000_000_000_000

// Micros reads a decimal number as millionths, rounded half away from zero.
func Micros(text string) (int64, bool) {
	if strings.ContainsAny(text, "eE") {
		return microsOfFloat(text)
	}
	digits, negative := strings.CutPrefix(text, "-")
	if !negative {
		digits, _ = strings.CutPrefix(text, "+")
	}
	whole, fraction, _ := strings.Cut(digits, ".")
	if whole == "" && fraction == "" || len(whole) > 18 {
		return 0, false
	}
	var n int64
	for _, c := range []byte(whole) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	if n > maxMicros/1_000_000 {
		return 0, false
	}
	n *= 1_000_000
	scale := int64(100_000)
	for i, c := range []byte(fraction) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n += scale * int64(c-'0')
		if i == 6 && c >= '5' {
			n++
		}
		scale /= 10
	}
	if negative {
		n = -n
	}
	return n, true
}

func microsOfFloat(text string) (int64, bool) {
	f, err := strconv.ParseFloat(text, 64)
	micros := math.Round(f * 1e6)
	if err != nil || math.IsNaN(micros) || math.Abs(micros) > maxMicros {
		return 0, false
	}
	return int64(micros), true
}

// IsCurrency tells whether text has the form of an ISO 4217 code.
func IsCurrency(text string) bool {
	if len(text) != 3 {
		return false
	}
	for _, c := range []byte(text) {
		if c |= 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return true
}

// Query strings: pairs in their order, decoded only where something is encoded.
package wire

import "strings"

// Pair is a key and its value.
type Pair struct{ Key, Value string }

// NextPair cuts the first pair off query. What is not an escape stays as it is.
func NextPair(query string) (p Pair, rest string) {
	part, rest, _ := strings.Cut(query, "&")
	p.Key, p.Value, _ = strings.Cut(part, "=")
	p.Key, p.Value = unescape(p.Key), unescape(p.Value)
	return p, rest
}

func unescape(text string) string {
	// Fast path: nothing to do, no copy.
	i := 0
	for i < len(text) && text[i] != '%' && text[i] != '+' {
		i++
	}
	if i == len(text) {
		return text
	}
	out := make([]byte, i, len(text))
	copy(out, text)
	for ; i < len(text); i++ {
		switch c := text[i]; {
		case c == '+':
			out = append(out, ' ')
		case c == '%' && i+2 < len(text) && hexDigit(text[i+1]) >= 0 && hexDigit(text[i+2]) >= 0:
			out = append(out, byte(hexDigit(text[i+1])<<4|hexDigit(text[i+2])))
			i += 2
		default:
			out = append(out, c)
		}
	}
	return string(out)
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

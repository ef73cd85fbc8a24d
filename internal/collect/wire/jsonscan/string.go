// Strings: a slice of the text where nothing is escaped, a copy where it is.
package jsonscan

import (
	"unicode/utf16"
	"unicode/utf8"
)

// String reads the string that is next.
func (s *Scanner) String() (string, error) {
	if s.Next() != String {
		return "", ErrSyntax
	}
	// Fast path: no escape, no copy.
	start := s.pos + 1
	for i := start; i < len(s.text); i++ {
		c := s.text[i]
		if c == '"' {
			s.pos = i + 1
			return s.text[start:i], nil
		}
		if c == '\\' {
			return s.unescape(start, i)
		}
		if c < ' ' {
			break
		}
	}
	return "", ErrSyntax
}

// unescape copies the string that began at start, whose first escape is at i.
func (s *Scanner) unescape(start, i int) (string, error) {
	out := make([]byte, 0, i-start+32)
	out = append(out, s.text[start:i]...)
	for i < len(s.text) {
		c := s.text[i]
		switch {
		case c == '"':
			s.pos = i + 1
			return string(out), nil
		case c < ' ':
			return "", ErrSyntax
		case c != '\\':
			out = append(out, c)
			i++
			continue
		}
		var n int
		if out, n = appendEscape(out, s.text[i:]); n == 0 {
			return "", ErrSyntax
		}
		i += n
	}
	return "", ErrSyntax
}

// appendEscape appends what the escape at the start of text stands for and
// returns its length, or 0 if it is none.
func appendEscape(out []byte, text string) ([]byte, int) {
	if len(text) < 2 {
		return out, 0
	}
	switch c := text[1]; c {
	case '"', '\\', '/':
		return append(out, c), 2
	case 'b':
		return append(out, '\b'), 2
	case 'f':
		return append(out, '\f'), 2
	case 'n':
		return append(out, '\n'), 2
	case 'r':
		return append(out, '\r'), 2
	case 't':
		return append(out, '\t'), 2
	case 'u':
		return appendUnicode(out, text)
	}
	return out, 0
}

func appendUnicode(out []byte, text string) ([]byte, int) {
	r := hex4(text)
	if r < 0 {
		return out, 0
	}
	if !utf16.IsSurrogate(r) {
		return utf8.AppendRune(out, r), 6
	}
	if pair := utf16.DecodeRune(r, hex4(text[6:])); pair != utf8.RuneError {
		return utf8.AppendRune(out, pair), 12
	}
	return utf8.AppendRune(out, utf8.RuneError), 6
}

// hex4 reads "\uXXXX", or returns -1.
func hex4(text string) rune {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return -1
	}
	var r rune
	for _, c := range []byte(text[2:6]) {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}

// skipString moves behind the string that is next.
func (s *Scanner) skipString() error {
	i := s.pos + 1
	for i < len(s.text) {
		switch c := s.text[i]; {
		case c == '"':
			s.pos = i + 1
			return nil
		case c < ' ':
			return ErrSyntax
		case c != '\\':
			i++
		case i+1 < len(s.text) && s.text[i+1] == 'u':
			if hex4(s.text[i:]) < 0 {
				return ErrSyntax
			}
			i += 6
		default:
			if !plainEscape(s.text[i:]) {
				return ErrSyntax
			}
			i += 2
		}
	}
	return ErrSyntax
}

func plainEscape(text string) bool {
	if len(text) < 2 {
		return false
	}
	switch text[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	}
	return false
}

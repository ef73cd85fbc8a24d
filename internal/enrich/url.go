// URL splitting: host, path and query of what senders call a URL. It takes
// anything, allocates nothing and agrees with net/url on ordinary URLs.
package enrich

import "strings"

// maxHost is the longest host name there can be (RFC 1035).
const maxHost = 255

// urlParts are slices of the URL they came from. An empty host or path means
// that the URL has none; only an http-like URL always has a path.
type urlParts struct {
	host  string // without user and port, case as sent
	path  string
	query string // without "?"
}

// splitURL takes a URL apart. Of a URL with a scheme but no host ("about:blank",
// "mailto:a@b.example") nothing is kept.
func splitURL(s string) urlParts {
	s = trimSpace(s)
	if s == "" {
		return urlParts{}
	}
	if colon := schemeEnd(s); colon > 0 {
		rest := s[colon+1:]
		switch {
		case strings.HasPrefix(rest, "//"):
			return splitAuthority(rest[2:])
		case startsWithPort(rest): // "localhost:8080/x" is no scheme
			return splitAuthority(s)
		}
		return urlParts{}
	}
	switch {
	case strings.HasPrefix(s, "//"):
		return splitAuthority(s[2:])
	case s[0] != '/' && looksLikeHost(s):
		return splitAuthority(s)
	}
	var p urlParts
	p.path, p.query = splitPath(s)
	return p
}

// splitAuthority takes apart what follows "//".
func splitAuthority(s string) urlParts {
	end := strings.IndexAny(s, "/?#")
	if end < 0 {
		end = len(s)
	}
	var p urlParts
	p.host = hostOf(s[:end])
	p.path, p.query = splitPath(s[end:])
	return p
}

// splitPath separates path and query and drops the fragment.
func splitPath(s string) (path, query string) {
	if i := strings.IndexByte(s, '#'); i >= 0 {
		s = s[:i]
	}
	path = s
	if i := strings.IndexByte(s, '?'); i >= 0 {
		path, query = s[:i], s[i+1:]
	}
	if path == "" {
		path = "/"
	}
	return path, query
}

// hostOf returns the host of "user@host:port", "" if it cannot be one.
func hostOf(authority string) string {
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		authority = authority[i+1:]
	}
	host := authority
	if strings.HasPrefix(host, "[") { // an IPv6 address
		end := strings.IndexByte(host, ']')
		if end < 0 {
			return ""
		}
		host = host[1:end]
	} else if i := strings.IndexByte(host, ':'); i >= 0 {
		host = host[:i]
	}
	if len(host) > maxHost {
		return ""
	}
	for i := 0; i < len(host); i++ {
		if !hostByte(host[i]) {
			return ""
		}
	}
	return host
}

// hostByte tells whether c may be part of a host; bytes of other alphabets may.
func hostByte(c byte) bool {
	switch {
	case c >= 0x80, 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return strings.IndexByte("-._~:%!$&'()*+,;=", c) >= 0
}

// schemeEnd returns the index of the colon that ends a scheme, or 0.
func schemeEnd(s string) int {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
		case i > 0 && ('0' <= c && c <= '9' || c == '+' || c == '-' || c == '.'):
		case c == ':':
			return i
		default:
			return 0
		}
	}
	return 0
}

// startsWithPort tells whether s is digits up to its end or a delimiter.
func startsWithPort(s string) bool {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return n > 0 && n <= 5 && (n == len(s) || strings.IndexByte("/?#", s[n]) >= 0)
}

// looksLikeHost tells whether a text without scheme begins with a host name:
// "shop.example.com/cart" does, "cart.html" and "cart" do not.
func looksLikeHost(s string) bool {
	if i := strings.IndexAny(s, "/?#"); i >= 0 {
		s = s[:i]
	}
	host := hostOf(s)
	return strings.Contains(host, ".") && endsInKnownSuffix(host)
}

// trimSpace cuts blanks and control characters from both ends.
func trimSpace(s string) string {
	for s != "" && s[0] <= ' ' {
		s = s[1:]
	}
	for s != "" && s[len(s)-1] <= ' ' {
		s = s[:len(s)-1]
	}
	return s
}

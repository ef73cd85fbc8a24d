// Tags: the parameters of a landing page's query that name a source.
package enrich

import (
	"strings"
	"unicode/utf8"
)

// maxTag is the longest source, medium or campaign that is kept, in bytes.
// Longer ones only come from senders that fill reports with noise.
const maxTag = 256

// tags is what a query says about the source. click has a medium only if the
// click was paid for.
type tags struct{ utm, click triplet }

// readTags reads the query of a URL. It allocates only for escaped values.
func readTags(query string) tags {
	var t tags
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		name, value, _ := strings.Cut(pair, "=")
		if value == "" {
			continue
		}
		switch name {
		case "utm_source":
			setTag(&t.utm.source, value)
		case "utm_medium":
			setTag(&t.utm.medium, value)
		case "utm_campaign":
			setTag(&t.utm.campaign, value)
		default:
			if click := clickSource(name); click.source != "" && t.click.medium == "" {
				t.click = click
			}
		}
	}
	return t
}

// clickSource returns the source that an advertiser's click id stands for.
func clickSource(name string) triplet {
	switch name {
	case "gclid", "gbraid", "wbraid", "dclid":
		return triplet{source: "google", medium: "cpc"}
	case "msclkid":
		return triplet{source: "bing", medium: "cpc"}
	case "fbclid":
		return triplet{source: "facebook.com"}
	case "ttclid":
		return triplet{source: "tiktok.com"}
	case "twclid":
		return triplet{source: "twitter.com"}
	case "li_fat_id":
		return triplet{source: "linkedin.com"}
	case "igshid", "igsh":
		return triplet{source: "instagram.com"}
	}
	return triplet{}
}

// setTag keeps the first value of a parameter, as URL libraries do.
func setTag(dst *string, escaped string) {
	if *dst == "" {
		*dst = campaignText(unescape(escaped))
	}
}

// campaignText cleans what a sender calls its source. "(not set)" is how
// tags say that they are missing.
func campaignText(s string) string {
	if isClean(s) {
		if s == notSet {
			return ""
		}
		return s
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7F {
			return ' '
		}
		return r
	}, s))
	if len(s) > maxTag {
		cut := maxTag
		for !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut]
	}
	if s == notSet {
		return ""
	}
	return s
}

// isClean tells whether campaignText would keep s as it is.
func isClean(s string) bool {
	if s == "" || len(s) > maxTag || s[0] == ' ' || s[len(s)-1] == ' ' {
		return s == ""
	}
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] >= 0x7F {
			return false
		}
	}
	return true
}

// unescape undoes URL escaping in a query value; broken escapes stay as sent.
func unescape(s string) string {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '+':
			b = append(b, ' ')
		case c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			b = append(b, fromHex(s[i+1])<<4|fromHex(s[i+2]))
			i += 2
		default:
			b = append(b, c)
		}
	}
	return string(b)
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func fromHex(c byte) byte {
	switch {
	case c >= 'a':
		return c - 'a' + 10
	case c >= 'A':
		return c - 'A' + 10
	}
	return c - '0'
}

// Limits: texts are cut, identifiers are hashed, the rest is refused (V2, W2).
package wire

import (
	"encoding/hex"
	"strings"
	"unicode/utf8"

	"github.com/zeebo/xxh3"

	"tidemark/internal/event"
)

// Cut returns at most limit bytes of text, whole runes only, as valid UTF-8 and
// without NUL, which some engines take for the end of a text.
func Cut(text string, limit int) string {
	if len(text) > limit {
		end := limit
		for end > 0 && !utf8.RuneStart(text[end]) {
			end--
		}
		text = text[:end]
	}
	if utf8.ValidString(text) && strings.IndexByte(text, 0) < 0 {
		return text
	}
	text = strings.ReplaceAll(text, "\x00", "\uFFFD")
	return Cut(strings.ToValidUTF8(text, "\uFFFD"), limit)
}

// Identifier returns id, or a hash of it if it is longer than limit: an
// identifier that is cut could be taken for another.
func Identifier(id string, limit int) string {
	if len(id) > limit {
		return Hash(id)
	}
	return Cut(id, limit)
}

// Hash returns 32 characters that stand for text. It hides nothing: it is for
// length only.
func Hash(text string) string {
	sum := xxh3.HashString128(text).Bytes()
	return hex.EncodeToString(sum[:])
}

// CheckName returns why name cannot be an event's name, or "".
func CheckName(name string) event.RefuseReason {
	if name == "" {
		return event.RefuseNoName
	}
	if len(name) > event.MaxName {
		return event.RefuseBadName
	}
	for _, r := range name {
		if r < ' ' || r == 0x7f || r == utf8.RuneError {
			return event.RefuseBadName
		}
	}
	return ""
}

// Clamp brings every text of e within its limit. Params are within theirs since
// SetParam.
func Clamp(e *event.Event) {
	e.ClientId = Identifier(e.ClientId, event.MaxClientID)
	e.UserId = Identifier(e.UserId, event.MaxUserID)
	e.SessionId = Identifier(e.SessionId, event.MaxSessionID)
	e.Key = Identifier(e.Key, event.MaxKey)
	e.Url = Cut(e.Url, event.MaxURL)
	e.Referrer = Cut(e.Referrer, event.MaxURL)
	e.Title = Cut(e.Title, event.MaxTitle)
	e.UserAgent = Cut(e.UserAgent, event.MaxUserAgent)
	e.Language = Cut(e.Language, event.MaxLanguage)
	e.Screen = Cut(e.Screen, event.MaxScreen)
	e.EngagementMs = min(max(e.EngagementMs, 0), maxEngagementMS)
	if c := e.Campaign; c != nil {
		cutAll(&c.Source, &c.Medium, &c.Name, &c.Id, &c.Term, &c.Content)
	}
	if d := e.Device; d != nil {
		cutAll(&d.Category, &d.Browser, &d.BrowserVersion, &d.OperatingSystem,
			&d.OperatingSystemVersion, &d.Brand, &d.Model)
	}
	if g := e.Geo; g != nil {
		cutAll(&g.Country, &g.Region, &g.City)
	}
}

// Bounds of what event/limits.go does not name.
const (
	// maxFact is the length of a campaign, device or place name.
	maxFact = 512
	// maxEngagementMS: no one looks at a page for more than a day at a time. A
	// larger one would drown every average.
	maxEngagementMS = 24 * 60 * 60 * 1000
)

func cutAll(texts ...*string) {
	for _, t := range texts {
		*t = Cut(*t, maxFact)
	}
}

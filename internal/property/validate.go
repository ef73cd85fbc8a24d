// Checks and defaults of what people say about a property. They belong to the
// contract, so that every adapter refuses the same things with the same words.
package property

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tidemark/internal/event"
)

// Bounds of settings. Wider ones would let one property slow the fold for all.
const (
	MaxName             = 100 // characters
	MaxKeyEvents        = 100
	MaxIgnoredReferrers = 100
	MaxHost             = 253 // bytes, the limit of DNS
	MinSessionTimeout   = time.Minute
	MaxSessionTimeout   = 7*time.Hour + 55*time.Minute // as in GA4
	// MinRowDays: a day becomes final within four local days, and rows stay for
	// at least four days more, which late work on final days reads.
	MinRowDays = 8
	MaxRowDays = 36_500
)

// What a property starts with when the person does not say.
const (
	DefaultTimeZone       = "UTC"
	DefaultCurrency       = "USD"
	DefaultSessionTimeout = 30 * time.Minute
	DefaultChannelRules   = "ga4@2026"
	// DefaultKeyEvent is the one event that GA4 marks in every new property.
	DefaultKeyEvent = "purchase"
)

// FieldError says which setting is wrong and why. It is an ErrInvalid.
type FieldError struct {
	Field  string // as in JSON: "timeZone"
	Reason string
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Reason }

// Is makes errors.Is(err, ErrInvalid) true.
func (e *FieldError) Is(target error) bool { return target == ErrInvalid }

func invalid(field, format string, args ...any) error {
	return &FieldError{Field: field, Reason: fmt.Sprintf(format, args...)}
}

// Make returns the property that n asks for, with defaults and checked. The
// adapter adds ID, Streams, Version and Created.
func (n NewProperty) Make() (Property, error) {
	p := Property{
		Name: n.Name, TimeZone: n.TimeZone, Currency: n.Currency, KeyEvents: n.KeyEvents,
		SessionTimeout: DefaultSessionTimeout, ChannelRules: DefaultChannelRules, RowDays: n.RowDays,
	}
	if p.TimeZone == "" {
		p.TimeZone = DefaultTimeZone
	}
	if p.Currency == "" {
		p.Currency = DefaultCurrency
	}
	if len(p.KeyEvents) == 0 {
		p.KeyEvents = []string{DefaultKeyEvent}
	}
	return p.Normal()
}

// Normal returns p with its settings in normal form (trimmed, sorted, cased),
// or a *FieldError for the first one that cannot stand.
func (p Property) Normal() (Property, error) {
	p.Name = strings.TrimSpace(p.Name)
	p.Currency = strings.ToUpper(strings.TrimSpace(p.Currency))
	p.KeyEvents = sortedSet(p.KeyEvents, strings.TrimSpace)
	p.IgnoredReferrers = sortedSet(p.IgnoredReferrers, func(s string) string {
		return strings.ToLower(strings.TrimSpace(s))
	})
	checks := []func() error{
		func() error { return checkName(p.Name) },
		func() error { return checkTimeZone(p.TimeZone) },
		func() error { return checkCurrency(p.Currency) },
		func() error { return checkTimeout(p.SessionTimeout) },
		func() error { return checkKeyEvents(p.KeyEvents) },
		func() error { return checkReferrers(p.IgnoredReferrers) },
		func() error { return checkRules(p.ChannelRules) },
		func() error { return checkRowDays(p.RowDays) },
	}
	for _, check := range checks {
		if err := check(); err != nil {
			return Property{}, err
		}
	}
	return p, nil
}

// SameSettings tells whether two properties differ in nothing that has a Version.
func (p Property) SameSettings(q Property) bool {
	return p.Name == q.Name && p.TimeZone == q.TimeZone && p.Currency == q.Currency &&
		p.SessionTimeout == q.SessionTimeout && slices.Equal(p.KeyEvents, q.KeyEvents) &&
		p.ObservedUsers == q.ObservedUsers && p.ChannelRules == q.ChannelRules &&
		slices.Equal(p.IgnoredReferrers, q.IgnoredReferrers)
}

// sortedSet keeps an empty list nil, so that a property reads back as written.
func sortedSet(in []string, clean func(string) string) []string {
	if len(in) == 0 {
		return nil
	}
	out := make([]string, 0, len(in))
	for _, s := range in {
		out = append(out, clean(s))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func checkName(s string) error {
	switch {
	case s == "":
		return invalid("name", "must not be empty")
	case !utf8.ValidString(s):
		return invalid("name", "must be UTF-8 text")
	case utf8.RuneCountInString(s) > MaxName:
		return invalid("name", "must not be longer than %d characters", MaxName)
	case strings.ContainsFunc(s, unicode.IsControl):
		return invalid("name", "must not contain control characters")
	}
	return nil
}

// checkTimeZone wants a name of the time zone database. "Local" would mean
// another zone on each machine, and "" is only UTC by accident.
func checkTimeZone(s string) error {
	if s == "" || s == "Local" {
		return invalid("timeZone", "%q is not a time zone, use a name such as Europe/Berlin", s)
	}
	if _, err := time.LoadLocation(s); err != nil {
		return invalid("timeZone", "%q is not a time zone, use a name such as Europe/Berlin", s)
	}
	return nil
}

func checkCurrency(s string) error {
	if !IsCurrency(s) {
		return invalid("currency", "%q is not an ISO 4217 code such as EUR", s)
	}
	return nil
}

func checkTimeout(d time.Duration) error {
	if d < MinSessionTimeout || d > MaxSessionTimeout {
		return invalid("sessionTimeout", "must be between %v and %v", MinSessionTimeout, MaxSessionTimeout)
	}
	if d%time.Millisecond != 0 {
		return invalid("sessionTimeout", "must be whole milliseconds")
	}
	return nil
}

func checkKeyEvents(names []string) error {
	if len(names) > MaxKeyEvents {
		return invalid("keyEvents", "must not be more than %d", MaxKeyEvents)
	}
	for _, s := range names {
		if s == "" || len(s) > event.MaxName || !utf8.ValidString(s) {
			return invalid("keyEvents", "%q is not an event name of 1 to %d bytes", s, event.MaxName)
		}
	}
	return nil
}

func checkReferrers(hosts []string) error {
	if len(hosts) > MaxIgnoredReferrers {
		return invalid("ignoredReferrers", "must not be more than %d", MaxIgnoredReferrers)
	}
	for _, s := range hosts {
		if s == "" || len(s) > MaxHost || strings.ContainsAny(s, "/:?#@ \t\n") {
			return invalid("ignoredReferrers", "%q is not a host name such as pay.example.com", s)
		}
	}
	return nil
}

func checkRules(s string) error {
	name, version, ok := strings.Cut(s, "@")
	if !ok || name == "" || version == "" || len(s) > 64 || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return invalid("channelRules", "%q is not a name and version such as %s", s, DefaultChannelRules)
	}
	return nil
}

func checkRowDays(n int) error {
	if n != 0 && (n < MinRowDays || n > MaxRowDays) {
		return invalid("rowDays", "must be 0, for ever, or between %d and %d days", MinRowDays, MaxRowDays)
	}
	return nil
}

// Definitions: how a property shall count, where that differs from how it does.
package replay

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"tidemark/internal/enrich"
	"tidemark/internal/property"
)

// Definitions are changed settings of a property; what is nil stays.
type Definitions struct {
	TimeZone         *string   `json:"timeZone,omitempty"`
	Currency         *string   `json:"currency,omitempty"`
	SessionTimeout   *string   `json:"sessionTimeout,omitempty"` // as "30m"
	KeyEvents        *[]string `json:"keyEvents,omitempty"`
	ChannelRules     *string   `json:"channelRules,omitempty"`
	IgnoredReferrers *[]string `json:"ignoredReferrers,omitempty"`
}

// ParseDefinitions reads a JSON object; a name that is not one of the settings is an error.
func ParseDefinitions(text []byte) (Definitions, error) {
	var d Definitions
	r := json.NewDecoder(bytes.NewReader(text))
	r.DisallowUnknownFields()
	if err := r.Decode(&d); err != nil {
		return d, fmt.Errorf("read definitions: %w", err)
	}
	if r.More() {
		return d, fmt.Errorf("read definitions: something follows the object")
	}
	return d, nil
}

// Apply returns p with the changed settings, checked as the registry checks them. An
// error is a property.ErrInvalid.
func (d Definitions) Apply(p property.Property) (property.Property, error) {
	for _, s := range []struct{ from, to *string }{
		{d.TimeZone, &p.TimeZone}, {d.Currency, &p.Currency}, {d.ChannelRules, &p.ChannelRules}} {
		if s.from != nil {
			*s.to = *s.from
		}
	}
	if d.KeyEvents != nil {
		p.KeyEvents = *d.KeyEvents
	}
	if d.IgnoredReferrers != nil {
		p.IgnoredReferrers = *d.IgnoredReferrers
	}
	if d.SessionTimeout != nil {
		t, err := time.ParseDuration(*d.SessionTimeout)
		if err != nil {
			return p, &property.FieldError{Field: "sessionTimeout", Reason: fmt.Sprintf("%q is not a duration such as 30m", *d.SessionTimeout)}
		}
		p.SessionTimeout = t
	}
	if known := enrich.ChannelRules(); d.ChannelRules != nil && !slices.Contains(known, p.ChannelRules) {
		return p, &property.FieldError{Field: "channelRules",
			Reason: fmt.Sprintf("%q is not known: there are %s", p.ChannelRules, strings.Join(known, ", "))}
	}
	return p.Normal()
}

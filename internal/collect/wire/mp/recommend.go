// Recommendations: GA4's own limits. Tidemark takes more, so they are only told,
// and only to who asks with validation_behavior ENFORCE_RECOMMENDATIONS.
package mp

import (
	"unicode/utf8"

	"tidemark/internal/event"
)

// GA4's limits on one request of a standard property.
const (
	recommendedEvents     = 25
	recommendedParams     = 25
	recommendedName       = 40
	recommendedParamText  = 100
	recommendedProperty   = 24
	recommendedPropertyOf = 36
)

func (d *decoder) recommend() error {
	if d.report == nil || !d.strict {
		return nil
	}
	if n := len(d.r.Drafts) + d.r.Surplus; n > recommendedEvents {
		d.report.Add("events", TooManyEntities, "GA4 takes at most %d events in a request, not %d.", recommendedEvents, n)
	}
	d.recommendParams("user_properties", d.common.UserProperties, recommendedProperty, recommendedPropertyOf)
	for i := range d.r.Drafts {
		e := d.r.Drafts[i].Event
		if utf8.RuneCountInString(e.Name) > recommendedName {
			d.report.Add(d.eventPath(i, ".name"), NameInvalid,
				"GA4 takes at most %d characters in a name.", recommendedName)
		}
		d.recommendParams(d.eventPath(i, ".params"), e.Params, recommendedName, recommendedParamText)
	}
	return nil
}

func (d *decoder) recommendParams(path string, params []*event.Param, name, text int) {
	if len(params) > recommendedParams {
		d.report.Add(path, TooManyEntities, "GA4 takes at most %d of them, not %d.", recommendedParams, len(params))
	}
	for _, p := range params {
		switch {
		case p.Key == "items": // A list, with limits of its own.
		case !isName(p.Key) || utf8.RuneCountInString(p.Key) > name:
			d.report.Add(path+"."+p.Key, NameInvalid,
				"GA4 takes a letter, then letters, digits and underscores, at most %d.", name)
		case hasReservedPrefix(p.Key):
			d.report.Add(path+"."+p.Key, NameReserved, "GA4 keeps names with this prefix for itself.")
		case utf8.RuneCountInString(p.Text()) > text:
			d.report.Add(path+"."+p.Key, ValueOutOfBounds, "GA4 takes at most %d characters in a value.", text)
		}
	}
}

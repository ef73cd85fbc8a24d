// Dimensions: what each catalog name says of a row and of a session.
package oracle

import (
	"fmt"
	"strings"
	"time"

	"tidemark/internal/catalog"
	"tidemark/internal/event"
)

// dimension reads one text off a row, and off a session where that makes
// sense. eventScope marks those that belong to events only (S21).
type dimension struct {
	eventScope bool
	ofRow      func(*row) string
	ofSession  func(*session) string
}

// asker is what a dimension may depend on besides the row: where and when it is asked.
type asker struct {
	location *time.Location
	now      time.Time
	first    *time.Time // local time at which the range being answered begins
}

// findDimension returns the dimension of a catalog name.
func (a asker) findDimension(name string) (dimension, error) {
	if key, ok := strings.CutPrefix(name, "customEvent:"); ok && key != "" {
		return eventOnly(func(r *row) string { return param(r, key) }), nil
	}
	if layout, ok := timeLayouts()[name]; ok {
		return ofTime(func(t event.Time) string { return t.Std().In(a.location).Format(layout) }), nil
	}
	if part, ok := dateParts()[name]; ok {
		return ofTime(func(t event.Time) string { return part(t.Std().In(a.location), *a.first) }), nil
	}
	if name == "minutesAgo" {
		return ofTime(func(t event.Time) string {
			return fmt.Sprintf("%02d", event.TimeOf(a.now).Sub(t)/time.Minute)
		}), nil
	}
	for _, table := range []map[string]dimension{pageDimensions(), sessionDimensions(), sharedDimensions()} {
		if d, ok := table[name]; ok {
			return d, nil
		}
	}
	return dimension{}, fmt.Errorf("find dimension %q: not in the catalog", name)
}

func timeLayouts() map[string]string {
	return map[string]string{
		"date": "20060102", "dateHour": "2006010215", "dateHourMinute": "200601021504", "hour": "15",
		"year": "2006", "month": "01", "yearMonth": "200601", "day": "02", "dayOfWeekName": "Monday",
	}
}

func eventOnly(f func(*row) string) dimension { return dimension{eventScope: true, ofRow: f} }

// ofTime reads EventTime off rows and the start off sessions (S19, S20).
func ofTime(f func(event.Time) string) dimension {
	return dimension{
		ofRow:     func(r *row) string { return f(r.time()) },
		ofSession: func(s *session) string { return f(s.start) },
	}
}

// ofSessions reads rows through their session; a row outside sessions says (not set).
func ofSessions(f func(*session) string) dimension {
	return dimension{ofSession: f, ofRow: func(r *row) string {
		if r.session == nil {
			return notSet
		}
		return f(r.session)
	}}
}

// ofClients reads rows and sessions through their client.
func ofClients(f func(*client) string) dimension {
	return dimension{
		ofRow: func(r *row) string {
			if r.beforeFirst {
				return f(r.client.stranger)
			}
			return f(r.client)
		},
		ofSession: func(s *session) string { return f(s.client) },
	}
}

// ofBoth is the event's own on rows, the first event's on sessions.
func ofBoth(f func(*row) string) dimension {
	return dimension{ofRow: f, ofSession: func(s *session) string { return f(s.rows[0]) }}
}

func pageDimensions() map[string]dimension {
	return map[string]dimension{
		"eventName":    eventOnly(func(r *row) string { return r.name }),
		"currencyCode": eventOnly(func(r *row) string { return r.currency }),
		"hostName":     eventOnly(func(r *row) string { return r.facts.Host }),
		"pagePath":     eventOnly(func(r *row) string { return r.facts.Path }),
		"pageTitle":    eventOnly(func(r *row) string { return orNotSet(r.event.Title) }),
		"pageReferrer": eventOnly(func(r *row) string { return orNotSet(r.event.Referrer) }),
		"pagePathPlusQueryString": eventOnly(func(r *row) string {
			return withQuery(r.facts.Path, r.facts.Query)
		}),
		"fullPageUrl": eventOnly(func(r *row) string {
			page := withQuery(r.facts.Path, r.facts.Query)
			if r.facts.Host == notSet { // an app's screen, or no page at all
				return page
			}
			return r.facts.Host + page
		}),
	}
}

func sessionDimensions() map[string]dimension {
	return map[string]dimension{
		"sessionSource":              ofSessions(func(s *session) string { return s.source }),
		"sessionMedium":              ofSessions(func(s *session) string { return s.medium }),
		"sessionSourceMedium":        ofSessions(func(s *session) string { return s.source + " / " + s.medium }),
		"sessionCampaignName":        ofSessions(func(s *session) string { return s.campaign }),
		"sessionDefaultChannelGroup": ofSessions(func(s *session) string { return s.channel }),
		"newVsReturning":             ofSessions(func(s *session) string { return s.newVsReturning }),
		"landingPage":                ofSessions(landingPage),
		"firstUserSource":            ofClients(func(c *client) string { return c.source }),
		"firstUserMedium":            ofClients(func(c *client) string { return c.medium }),
		"firstUserSourceMedium":      ofClients(func(c *client) string { return c.source + " / " + c.medium }),
		"firstUserCampaignName":      ofClients(func(c *client) string { return c.campaign }),
		"firstUserDefaultChannelGroup": ofClients(func(c *client) string {
			return c.channel
		}),
		"landingPagePlusQueryString": ofSessions(func(s *session) string {
			if s.landing == nil {
				return notSet
			}
			return withQuery(s.landing.facts.Path, s.landing.facts.Query)
		}),
	}
}

func sharedDimensions() map[string]dimension {
	return map[string]dimension{
		"countryId":              ofBoth(func(r *row) string { return orNotSet(r.event.GetGeo().GetCountry()) }),
		"region":                 ofBoth(func(r *row) string { return orNotSet(r.event.GetGeo().GetRegion()) }),
		"city":                   ofBoth(func(r *row) string { return orNotSet(r.event.GetGeo().GetCity()) }),
		"language":               ofBoth(func(r *row) string { return catalog.LanguageName(orNotSet(r.event.Language)) }),
		"screenResolution":       ofBoth(func(r *row) string { return orNotSet(r.event.Screen) }),
		"deviceCategory":         ofBoth(func(r *row) string { return r.facts.Category }),
		"browser":                ofBoth(func(r *row) string { return r.facts.Browser }),
		"operatingSystem":        ofBoth(func(r *row) string { return r.facts.OS }),
		"operatingSystemVersion": ofBoth(func(r *row) string { return r.facts.OSMajor }),
		"operatingSystemWithVersion": ofBoth(func(r *row) string {
			return r.facts.OS + " " + r.facts.OSMajor
		}),
		"languageCode": ofBoth(func(r *row) string { return orNotSet(r.event.Language) }),
		"country":      ofBoth(func(r *row) string { return catalog.CountryName(r.event.GetGeo().GetCountry()) }),
		"continent":    ofBoth(func(r *row) string { return catalog.ContinentName(r.event.GetGeo().GetCountry()) }),
		"continentId":  ofBoth(func(r *row) string { return catalog.ContinentID(r.event.GetGeo().GetCountry()) }),
	}
}

func landingPage(s *session) string {
	if s.landing == nil {
		return notSet
	}
	return s.landing.facts.Path
}

func param(r *row, key string) string {
	if p := event.FindParam(r.event, key); p != nil {
		return p.Text()
	}
	return notSet
}

func withQuery(path, query string) string {
	if query == "" {
		return path
	}
	return path + "?" + query
}

func orNotSet(s string) string {
	if s == "" {
		return notSet
	}
	return s
}

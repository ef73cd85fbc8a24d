// Sources: where a visit came from, as the event itself tells (METRICS: own
// source). First rule that names one wins.
package enrich

import (
	"net/url"
	"strings"

	"tidemark/internal/event"
)

func (d *Deriver) deriveSource(e *event.Event, def *event.Definition, page urlParts, host hostFacts, f *Facts) {
	f.Source, f.Medium, f.Campaign, f.HasSource = notSet, notSet, notSet, false
	if c := e.Campaign; c != nil && c.Source != "" {
		f.Source, f.Medium, f.Campaign, f.HasSource = c.Source, orNotSet(c.Medium), orNotSet(c.Name), true
		return
	}
	if strings.Contains(page.query, "utm_") {
		if q, err := url.ParseQuery(page.query); err == nil && q.Get("utm_source") != "" {
			f.Source, f.HasSource = q.Get("utm_source"), true
			f.Medium, f.Campaign = orNotSet(q.Get("utm_medium")), orNotSet(q.Get("utm_campaign"))
			return
		}
	}
	ref := splitURL(e.Referrer)
	if ref.host == "" || e.IgnoreReferrer {
		return
	}
	from := d.hosts.get(ref.host)
	if from.registrable == host.registrable {
		return
	}
	if strings.HasPrefix(from.registrable, "google.") {
		f.Source, f.Medium, f.Campaign, f.HasSource = "google", "organic", "(organic)", true
		return
	}
	f.Source, f.Medium, f.Campaign, f.HasSource = strings.TrimPrefix(from.name, "www."), "referral", "(referral)", true
}

func orNotSet(s string) string {
	if s == "" {
		return notSet
	}
	return s
}

// Sources: where a visit came from, as the event itself tells. In this order:
// campaign given outside the URL, utm_ parameters, click id, referrer. The
// first that names a source wins; without any the event has no own source.
package enrich

import (
	"strings"

	"tidemark/internal/event"
)

// GA4's words for what is not a campaign.
const (
	organicCampaign  = "(organic)"
	referralCampaign = "(referral)"
	directSource     = "(direct)"
	noMedium         = "(none)"
)

// triplet is a source as far as it is known; empty texts are not.
type triplet struct{ source, medium, campaign string }

func (t triplet) isEmpty() bool { return t == triplet{} }

// isDirect tells whether a sender names "no source" as its source.
func (t triplet) isDirect() bool {
	return t.source == directSource && (t.medium == "" || t.medium == noMedium || t.medium == notSet)
}

// deriveSource fills the own source of an event.
func (d *Deriver) deriveSource(
	e *event.Event, def *event.Definition, page urlParts, host hostFacts, f *Facts,
) {
	f.Source, f.Medium, f.Campaign, f.HasSource = notSet, notSet, notSet, false
	t := d.ownSource(e, def, page, host)
	if t.isEmpty() || t.isDirect() {
		return
	}
	f.HasSource = true
	f.Source, f.Medium, f.Campaign = orNotSet(t.source), orNotSet(t.medium), orNotSet(t.campaign)
}

func (d *Deriver) ownSource(
	e *event.Event, def *event.Definition, page urlParts, host hostFacts,
) triplet {
	tags := readTags(page.query)
	t := tags.utm
	if c := e.Campaign; c != nil {
		given := triplet{campaignText(c.Source), campaignText(c.Medium), campaignText(c.Name)}
		if given.source == "" { // what is not given outside the URL is taken from it
			given = given.orElse(t)
		}
		t = given
	}
	if t.source != "" {
		return t
	}
	referrer := d.referrerSource(e, def, host)
	switch click := tags.click; {
	case click.medium != "": // the name of a campaign may still be given
		return t.orElse(click)
	case !t.isEmpty():
		return t
	case click.source != "" && !referrer.isSocial:
		return triplet{click.source, "referral", referralCampaign}
	}
	// Networks share click ids: Instagram sends Facebook's. A referrer that is
	// a network itself knows better.
	return referrer.triplet
}

// orElse fills what t does not say from u.
func (t triplet) orElse(u triplet) triplet {
	if t.source == "" {
		t.source = u.source
	}
	if t.medium == "" {
		t.medium = u.medium
	}
	if t.campaign == "" {
		t.campaign = u.campaign
	}
	return t
}

// referrerFacts is the source that a referrer names.
type referrerFacts struct {
	triplet
	isSocial bool
}

func (d *Deriver) referrerSource(
	e *event.Event, def *event.Definition, page hostFacts,
) referrerFacts {
	if e.Referrer == "" || e.IgnoreReferrer {
		return referrerFacts{}
	}
	referrer := splitURL(e.Referrer)
	if referrer.host == "" {
		return referrerFacts{}
	}
	from := d.hosts.get(referrer.host)
	if from.name == "" || from.registrable == page.registrable || def != nil && isIgnored(from.name, def.IgnoredReferrers) {
		return referrerFacts{}
	}
	switch {
	case from.known.kinds&kindSearch != 0:
		return referrerFacts{triplet: triplet{from.known.name, "organic", organicCampaign}}
	case from.known.kinds&kindSocial != 0:
		return referrerFacts{triplet{from.known.name, "referral", referralCampaign}, true}
	}
	return referrerFacts{triplet: triplet{strings.TrimPrefix(from.name, "www."), "referral", referralCampaign}}
}

// isIgnored tells whether a host is one of the ignored or below one.
func isIgnored(host string, ignored []string) bool {
	for _, i := range ignored {
		i = strings.TrimPrefix(i, "www.")
		tail := len(host) - len(i)
		if i == "" || tail < 0 || !strings.EqualFold(host[tail:], i) {
			continue
		}
		if tail == 0 || host[tail-1] == '.' {
			return true
		}
	}
	return false
}

func orNotSet(s string) string {
	if s == "" {
		return notSet
	}
	return s
}

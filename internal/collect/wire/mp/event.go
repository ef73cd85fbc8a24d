// One event of the body: its members, and the params that mean a field.
package mp

import (
	"slices"

	"tidemark/internal/collect/wire"
	"tidemark/internal/collect/wire/jsonscan"
	"tidemark/internal/event"
)

// eventReader is one event while it is read.
type eventReader struct {
	*decoder
	draft    wire.Draft
	n        int
	campaign event.Campaign
}

func (p *eventReader) member(name string) error {
	if name == "params" {
		isObject, err := p.each(p.param)
		if !isObject {
			p.report.Add(p.eventPath(p.n, ".params"), ValueInvalid, "params must be an object.")
			spoil(&p.draft, event.RefuseMalformed)
		}
		return err
	}
	v, present, err := wire.ReadScalar(&p.Scanner)
	if err != nil || !present {
		return err
	}
	switch name {
	case "name":
		p.draft.Event.Name = v.Text
	case "timestamp_micros":
		t, ok := wire.Microseconds(v.Text)
		if !ok {
			p.report.Add(p.eventPath(p.n, ".timestamp_micros"), ValueInvalid,
				"timestamp_micros must be microseconds since 1970.")
			spoil(&p.draft, event.RefuseBadTime)
		}
		p.draft.ClientTime = t
	}
	return nil
}

func (p *eventReader) param(key string) error {
	kind := p.Next()
	v, present, err := wire.ReadScalar(&p.Scanner)
	if err != nil || !present || p.draft.Refused != "" {
		return err
	}
	e := p.draft.Event
	if kind != jsonscan.Object && kind != jsonscan.Array && (p.field(key, v) || wire.SetMoney(e, key, v)) {
		return nil
	}
	p.checkParam(key, v)
	err = p.r.SetParam(e, key, v)
	if err == wire.ErrTooManyParams {
		p.report.Add(p.eventPath(p.n, ".params"), TooManyEntities,
			"An event may have at most %d params.", event.MaxParams)
		spoil(&p.draft, event.RefuseTooManyParams)
		return nil
	}
	return err
}

// checkParam tells the report what would be lost of a param.
func (p *eventReader) checkParam(key string, v wire.Scalar) {
	if p.report == nil {
		return
	}
	path := p.eventPath(p.n, ".params."+wire.Cut(key, 80))
	switch {
	case key == "" || len(key) > event.MaxParamKey:
		p.report.Add(path, NameInvalid, "The name of a param must have 1 to %d bytes.", event.MaxParamKey)
	case key == "currency":
		p.report.Add(path, ValueInvalid, "currency must be a code of three letters.")
	case key == "value":
		p.report.Add(path, ValueInvalid, "value must be a number.")
	case len(v.Text) > event.MaxParamText:
		p.report.Add(path, ValueOutOfBounds, "The value is cut to %d bytes.", event.MaxParamText)
	}
	if event.FindParam(p.draft.Event, key) != nil {
		p.report.Add(path, NameDuplicated, "The param is there twice; the later one is taken.")
	}
}

// field sets the field that the param means and tells whether there is one.
func (p *eventReader) field(key string, v wire.Scalar) bool {
	e := p.draft.Event
	switch key {
	case "page_location":
		e.Url = v.Text
	case "page_referrer":
		e.Referrer = v.Text
	case "page_title":
		e.Title = v.Text
	case "language":
		e.Language = v.Text
	case "screen_resolution":
		e.Screen = v.Text
	case "session_id":
		e.SessionId = v.Text
	case "event_id":
		e.Key = v.Text
	case "session_engaged":
		e.Engaged = v.Truth()
	case "ignore_referrer":
		e.IgnoreReferrer = v.Truth()
	case "engagement_time_msec":
		ms, ok := wire.Whole(v.Text)
		e.EngagementMs = ms
		return ok
	case "session_number":
		n, ok := wire.Whole(v.Text)
		if ok = ok && n > 0 && n < 1<<31; ok {
			e.SessionCount = uint32(n)
		}
		return ok
	default:
		return p.campaignParam(key, v)
	}
	return true
}

func (p *eventReader) campaignParam(key string, v wire.Scalar) bool {
	c := &p.campaign
	switch key {
	case "campaign_source":
		c.Source = v.Text
	case "campaign_medium":
		c.Medium = v.Text
	case "campaign_name":
		c.Name = v.Text
	case "campaign_id":
		c.Id = v.Text
	case "campaign_term":
		c.Term = v.Text
	case "campaign_content":
		c.Content = v.Text
	default:
		return false
	}
	return true
}

// finish settles what needs all of the event: its name may come last.
func (p *eventReader) finish() {
	e := p.draft.Event
	e.Sessionless = e.SessionId == ""
	if e.Name == "campaign_details" {
		e.Params = slices.DeleteFunc(e.Params, func(q *event.Param) bool {
			key := q.Key
			if key == "campaign" {
				key = "name"
			}
			switch key {
			case "source", "medium", "name", "term", "content":
				wire.SetCampaign(&p.campaign, key, q.Text())
				return true
			}
			return false
		})
	}
	wire.PutCampaign(e, &p.campaign)
}

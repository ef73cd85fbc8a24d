// Decode: from the body to events.
package native

import (
	"strings"

	"tidemark/internal/collect/wire"
	"tidemark/internal/collect/wire/jsonscan"
	"tidemark/internal/event"
)

// Decode adds the events of body to r. sent is the client's time of sending, 0
// if the request does not say. The error is wire.ErrUnreadable,
// wire.ErrOverBudget or nil.
func Decode(body string, sent event.Time, r *wire.Request) error {
	d := decoder{Scanner: wire.NewScanner(body, r.Limits), r: r, sent: sent}
	if d.Next() == jsonscan.Array {
		return d.array()
	}
	return d.lines()
}

type decoder struct {
	jsonscan.Scanner
	r    *wire.Request
	sent event.Time
}

func (d *decoder) array() error {
	if err := d.Enter(); err != nil {
		return wire.ErrUnreadable
	}
	for first := true; ; first = false {
		more, err := d.Element(first)
		if err != nil {
			return wire.ErrUnreadable
		}
		if !more {
			break
		}
		if err := d.element(); err != nil {
			return unreadable(err)
		}
	}
	if d.Next() != jsonscan.End {
		return wire.ErrUnreadable
	}
	return nil
}

// lines reads objects one after another. A line that cannot be read is refused
// and the next is tried, but if no line can be read there is no body.
func (d *decoder) lines() error {
	read := 0
	for d.Next() != jsonscan.End {
		known := len(d.r.Drafts)
		err := d.element()
		if err == wire.ErrOverBudget {
			return err
		}
		if err == nil {
			read++
			continue
		}
		d.r.Drafts = d.r.Drafts[:known]
		if !d.r.Full() { // Else it was counted as surplus.
			if err := d.r.Refuse(event.RefuseMalformed); err != nil {
				return err
			}
		}
		d.SkipLine()
	}
	if read == 0 {
		return wire.ErrUnreadable
	}
	return nil
}

func unreadable(err error) error {
	if err == wire.ErrOverBudget {
		return err
	}
	return wire.ErrUnreadable
}

// element reads one event.
func (d *decoder) element() error {
	if d.r.Full() {
		d.r.Surplus++
		return d.Skip()
	}
	if d.Next() != jsonscan.Object {
		if err := d.r.Refuse(event.RefuseMalformed); err != nil {
			return err
		}
		return d.Skip()
	}
	e, err := d.r.NewEvent()
	if err != nil {
		return err
	}
	draft := wire.Draft{Event: e, SentTime: d.sent}
	if err := d.event(&draft); err != nil {
		return err
	}
	if draft.Refused == "" {
		draft.Refused = wire.CheckName(e.Name)
	}
	return d.r.Add(draft)
}

func (d *decoder) event(draft *wire.Draft) error {
	if err := d.Enter(); err != nil {
		return err
	}
	for first := true; ; first = false {
		name, more, err := d.Member(first)
		if !more {
			return err
		}
		if err := d.member(name, draft); err != nil {
			return err
		}
	}
}

// member reads the value of one member of an event. What the protocol does not
// know is skipped: a newer tracker may say more.
func (d *decoder) member(name string, draft *wire.Draft) error {
	e := draft.Event
	switch name {
	case "params":
		return d.params(draft, e, true)
	case "user_properties":
		return d.params(draft, e, false)
	case "campaign":
		return d.campaign(draft)
	case "name", "event_id", "client_id", "user_id", "session_id", "time", "sent", "url",
		"referrer", "title", "language", "screen", "engagement_ms", "engaged", "interactive",
		"first_visit", "ignore_referrer":
	default:
		return d.Skip()
	}
	kind := d.Next()
	v, present, err := wire.ReadScalar(&d.Scanner)
	if err != nil || !present {
		return err
	}
	if kind == jsonscan.Object || kind == jsonscan.Array || !d.field(name, v, draft) {
		spoil(draft, event.RefuseMalformed)
	}
	return nil
}

// spoil refuses the event for the first thing that is wrong with it.
func spoil(draft *wire.Draft, why event.RefuseReason) {
	if draft.Refused == "" {
		draft.Refused = why
	}
}

// field sets one field and tells whether the value can be one.
func (d *decoder) field(name string, v wire.Scalar, draft *wire.Draft) bool {
	e := draft.Event
	switch name {
	case "name":
		e.Name = v.Text
		return v.Kind == wire.TextScalar
	case "url":
		e.Url = v.Text
		return v.Kind == wire.TextScalar
	case "referrer":
		e.Referrer = v.Text
		return v.Kind == wire.TextScalar
	case "title":
		e.Title = v.Text
	case "language":
		e.Language = v.Text
	case "screen":
		e.Screen = v.Text
	case "event_id":
		e.Key = v.Text
	case "client_id":
		e.ClientId = v.Text
	case "user_id":
		e.UserId = v.Text
	case "session_id":
		e.SessionId = v.Text
	case "time":
		draft.ClientTime = d.time(v, draft)
	case "sent":
		draft.SentTime = d.time(v, draft)
	default:
		return flag(name, v, e)
	}
	return v.Kind != wire.BooleanScalar
}

// flag sets one of the fields that are not texts.
func flag(name string, v wire.Scalar, e *event.Event) bool {
	if name == "engagement_ms" {
		ms, ok := wire.Whole(v.Text)
		e.EngagementMs, e.EngagementKnown = ms, true
		return ok && v.Kind == wire.NumberScalar
	}
	switch name {
	case "engaged":
		e.Engaged, e.EngagementKnown = v.Truth(), true
	case "interactive":
		e.Passive = !v.Truth()
	case "first_visit":
		e.FirstVisit = v.Truth()
	case "ignore_referrer":
		e.IgnoreReferrer = v.Truth()
	}
	return v.Kind == wire.BooleanScalar
}

func (d *decoder) time(v wire.Scalar, draft *wire.Draft) event.Time {
	parse := wire.RFC3339
	if v.Kind == wire.NumberScalar {
		parse = wire.Milliseconds
	}
	t, ok := parse(v.Text)
	if !ok {
		spoil(draft, event.RefuseBadTime)
	}
	return t
}

// enter steps into the object that is next. If there is none it skips what is
// there and, unless it is null, spoils the event.
func (d *decoder) enter(draft *wire.Draft) (entered bool, err error) {
	switch d.Next() {
	case jsonscan.Object:
		return true, d.Enter()
	case jsonscan.Null:
	default:
		spoil(draft, event.RefuseMalformed)
	}
	return false, d.Skip()
}

func (d *decoder) params(draft *wire.Draft, e *event.Event, own bool) error {
	entered, err := d.enter(draft)
	if !entered || err != nil {
		return err
	}
	for first := true; ; first = false {
		key, more, err := d.Member(first)
		if !more {
			return err
		}
		v, present, err := wire.ReadScalar(&d.Scanner)
		if err != nil {
			return err
		}
		if !present || draft.Refused != "" || own && wire.SetMoney(e, key, v) {
			continue
		}
		if own {
			err = d.r.SetParam(e, key, v)
		} else {
			err = d.r.SetUserProperty(e, key, v)
		}
		if err == wire.ErrTooManyParams {
			spoil(draft, event.RefuseTooManyParams)
		} else if err != nil {
			return err
		}
	}
}

func (d *decoder) campaign(draft *wire.Draft) error {
	entered, err := d.enter(draft)
	if !entered || err != nil {
		return err
	}
	var c event.Campaign
	for first := true; ; first = false {
		key, more, err := d.Member(first)
		if err != nil {
			return err
		}
		if !more {
			break
		}
		v, present, err := wire.ReadScalar(&d.Scanner)
		if err != nil {
			return err
		}
		if present {
			wire.SetCampaign(&c, key, strings.TrimSpace(v.Text))
		}
	}
	wire.PutCampaign(draft.Event, &c)
	return nil
}

// Decode: from the body to events.
package mp

import (
	"net/netip"
	"strconv"

	"tidemark/internal/collect/wire"
	"tidemark/internal/collect/wire/jsonscan"
	"tidemark/internal/event"
)

// Decode adds the events of body to r and tells report, if there is one, what is
// wrong. The error is wire.ErrUnreadable, wire.ErrOverBudget or nil.
func Decode(body string, r *wire.Request, report *Report) error {
	d := decoder{Scanner: wire.NewScanner(body, r.Limits), r: r, report: report}
	err := d.body()
	if err == nil && d.Next() != jsonscan.End {
		err = jsonscan.ErrSyntax
	}
	if err == wire.ErrOverBudget {
		return err
	}
	if err != nil {
		report.Add("", ValueInvalid, "The body cannot be read as JSON: %v at byte %d.", err, d.Pos())
		return wire.ErrUnreadable
	}
	if len(r.Drafts) == 0 {
		report.Add("events", ValueRequired, "The body needs at least one event.")
		return wire.ErrUnreadable
	}
	d.share()
	return d.recommend()
}

type decoder struct {
	jsonscan.Scanner
	r      *wire.Request
	report *Report

	// What the body says once for all its events.
	clientID, userID, userAgent string
	time                        event.Time
	badTime                     bool
	device                      *event.Device
	language, screen            string
	common                      event.Event // only its user properties
	tooManyProperties           bool
	strict                      bool
}

// each walks the object that is next; null is an empty one. It returns
// ok = false if there is something else, which it skips.
func (d *decoder) each(member func(name string) error) (ok bool, err error) {
	switch d.Next() {
	case jsonscan.Null:
		return true, d.Skip()
	case jsonscan.Object:
	case jsonscan.End, jsonscan.Invalid:
		return false, jsonscan.ErrSyntax
	default:
		return false, d.Skip()
	}
	if err := d.Enter(); err != nil {
		return true, err
	}
	for first := true; ; first = false {
		name, more, err := d.Member(first)
		if !more {
			return true, err
		}
		if err := member(name); err != nil {
			return true, err
		}
	}
}

func (d *decoder) body() error {
	if d.Next() != jsonscan.Object {
		return jsonscan.ErrSyntax
	}
	_, err := d.each(d.top)
	return err
}

// top reads one member of the body.
func (d *decoder) top(name string) error {
	switch name {
	case "events":
		return d.events()
	case "user_properties":
		return d.userProperties()
	case "user_location":
		return d.location()
	case "device":
		return d.deviceFacts()
	case "client_id", "app_instance_id", "user_id", "timestamp_micros", "ip_override",
		"user_agent", "validation_behavior":
	case "consent", "user_data", "non_personalized_ads":
		return d.Skip()
	default:
		d.report.Add(name, ValueInvalid, "The protocol has no field %q; it is ignored.", name)
		return d.Skip()
	}
	v, present, err := wire.ReadScalar(&d.Scanner)
	if err != nil || !present {
		return err
	}
	d.scalar(name, v)
	return nil
}

func (d *decoder) scalar(name string, v wire.Scalar) {
	switch name {
	case "client_id", "app_instance_id":
		d.clientID = v.Text
	case "user_id":
		d.userID = v.Text
	case "user_agent":
		d.userAgent = v.Text
	case "validation_behavior":
		d.strict = v.Text == "ENFORCE_RECOMMENDATIONS"
	case "ip_override":
		addr, err := netip.ParseAddr(v.Text)
		if err != nil {
			d.report.Add(name, ValueInvalid, "ip_override is no IP address; it is ignored.")
		}
		d.r.SourceAddress = addr
	case "timestamp_micros":
		if t, ok := wire.Microseconds(v.Text); ok {
			d.time, d.badTime = t, false
		} else {
			d.badTime = true
			d.report.Add(name, ValueInvalid, "timestamp_micros must be microseconds since 1970.")
		}
	}
}

// share gives each event what the body says once for all.
func (d *decoder) share() {
	if d.clientID == "" {
		d.report.Add("client_id", ValueRequired, "The body needs a client_id (apps: app_instance_id).")
	}
	for i := range d.r.Drafts {
		draft := &d.r.Drafts[i]
		e := draft.Event
		if e == nil {
			continue
		}
		draft.NeedsClient = true
		e.ClientId, e.UserId, e.UserAgent = d.clientID, d.userID, d.userAgent
		e.UserProperties, e.Device = d.common.UserProperties, d.device
		if e.Language == "" {
			e.Language = d.language
		}
		if e.Screen == "" {
			e.Screen = d.screen
		}
		if draft.ClientTime == 0 {
			draft.ClientTime = d.time
			if d.badTime {
				spoil(draft, event.RefuseBadTime)
			}
		}
		if d.tooManyProperties {
			spoil(draft, event.RefuseTooManyParams)
		}
	}
}

// spoil refuses the event for the first thing that is wrong with it.
func spoil(draft *wire.Draft, why event.RefuseReason) {
	if draft.Refused == "" {
		draft.Refused = why
	}
}

func (d *decoder) events() error {
	if d.Next() != jsonscan.Array {
		d.report.Add("events", ValueInvalid, "events must be an array.")
		return d.Skip()
	}
	if err := d.Enter(); err != nil {
		return err
	}
	for n := 0; ; n++ {
		more, err := d.Element(n == 0)
		if !more {
			return err
		}
		if d.r.Full() {
			if d.r.Surplus++; d.r.Surplus == 1 {
				d.report.Add("events", TooManyEntities, "A request may have at most %d events.", d.r.Limits.MaxEvents)
			}
			err = d.Skip()
		} else {
			err = d.event(n)
		}
		if err != nil {
			return err
		}
	}
}

// eventPath is the path of a field in messages. Only a report needs it.
func (d *decoder) eventPath(n int, field string) string {
	if d.report == nil {
		return ""
	}
	return "events[" + strconv.Itoa(n) + "]" + field
}

func (d *decoder) event(n int) error {
	e, err := d.r.NewEvent()
	if err != nil {
		return err
	}
	e.EngagementKnown = true
	p := eventReader{decoder: d, draft: wire.Draft{Event: e}, n: n}
	isObject, err := d.each(p.member)
	if err != nil {
		return err
	}
	if !isObject {
		d.report.Add(d.eventPath(n, ""), ValueInvalid, "An event must be an object.")
		spoil(&p.draft, event.RefuseMalformed)
	} else if why, code := checkName(e.Name); why != "" {
		d.report.Add(d.eventPath(n, ".name"), code, "The event name %q is %s.", wire.Cut(e.Name, 80), reasonText(why))
		spoil(&p.draft, why)
	}
	p.finish()
	return d.r.Add(p.draft)
}

func reasonText(why event.RefuseReason) string {
	switch why {
	case event.RefuseNoName:
		return "missing"
	case event.RefuseReservedName:
		return "reserved"
	}
	return "not a letter followed by letters, digits and underscores, or too long"
}

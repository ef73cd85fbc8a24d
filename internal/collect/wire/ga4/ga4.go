// Decode: from query string and body to events.
package ga4

import (
	"strings"

	"tidemark/internal/collect/wire"
	"tidemark/internal/event"
)

// maxPairs bounds the pairs of one event, those it shares with others included:
// each is read again for each line.
const maxPairs = 1024

// Decode adds the events of the request to r. The error is wire.ErrOverBudget,
// wire.ErrUnreadable or nil.
func Decode(query, body string, r *wire.Request) error {
	shared, err := parse(nil, query)
	if err != nil {
		return err
	}
	d := decoder{r: r}
	if strings.TrimSpace(body) == "" {
		return d.add(shared, 0)
	}
	line := 0
	for text := range strings.SplitSeq(body, "\n") {
		if text = strings.TrimSuffix(text, "\r"); strings.TrimSpace(text) == "" {
			continue
		}
		if r.Full() {
			r.Surplus++
			continue
		}
		// The pairs of a line overwrite those of the line before it.
		pairs, err := parse(shared, text)
		if err != nil {
			err = r.Refuse(event.RefuseTooManyParams)
		} else {
			err = d.add(pairs, line)
		}
		if err != nil {
			return err
		}
		line++
	}
	return nil
}

func parse(pairs []wire.Pair, query string) ([]wire.Pair, error) {
	for query != "" {
		var p wire.Pair
		if p, query = wire.NextPair(query); p.Key == "" {
			continue
		}
		if len(pairs) == maxPairs {
			return pairs, wire.ErrUnreadable
		}
		pairs = append(pairs, p)
	}
	return pairs, nil
}

type decoder struct{ r *wire.Request }

// hit is one event while it is read. Later pairs win over earlier ones, so that
// a line wins over what all lines share.
type hit struct {
	draft    wire.Draft
	campaign event.Campaign
	// What the event key is made of (S5).
	page, number string
	// host and path stand in for a missing address.
	host, path string
	items      map[int]string
	// The pairs whose meaning depends on the event's name.
	cn, cs string
}

func (d *decoder) add(pairs []wire.Pair, line int) error {
	e, err := d.r.NewEvent()
	if err != nil {
		return err
	}
	e.EngagementKnown = true
	h := hit{draft: wire.Draft{Event: e, NeedsClient: true}}
	for _, p := range pairs {
		if err := d.pair(&h, p); err == wire.ErrTooManyParams {
			h.draft.Refused = event.RefuseTooManyParams
			break
		} else if err != nil {
			return err
		}
	}
	if err := d.finish(&h, line); err != nil {
		return err
	}
	return d.r.Add(h.draft)
}

func (d *decoder) pair(h *hit, p wire.Pair) error {
	if prefix, name, ok := strings.Cut(p.Key, "."); ok {
		return d.param(h.draft.Event, prefix, name, p.Value)
	}
	if n := itemNumber(p.Key); n > 0 {
		if h.items == nil {
			h.items = make(map[int]string)
		}
		h.items[n] = p.Value
		return nil
	}
	h.identity(p)
	h.place(p)
	h.source(p)
	if p.Key == "tt" {
		return d.r.SetParam(h.draft.Event, "traffic_type", wire.Scalar{Text: p.Value})
	}
	return nil
}

// param reads ep.x, epn.x, up.x and upn.x.
func (d *decoder) param(e *event.Event, prefix, name, value string) error {
	v := wire.Scalar{Text: value}
	switch prefix {
	case "epn", "upn":
		v.Kind = wire.NumberScalar
	case "ep", "up":
	default:
		return nil
	}
	if prefix[0] == 'u' {
		return d.r.SetUserProperty(e, name, v)
	}
	if wire.SetMoney(e, name, v) {
		return nil
	}
	if name == "event_id" && value != "" {
		e.Key = value
		return nil
	}
	return d.r.SetParam(e, name, v)
}

// identity reads who and which session.
func (h *hit) identity(p wire.Pair) {
	e := h.draft.Event
	switch p.Key {
	case "tid":
		h.draft.MeasurementID = p.Value
	case "cid":
		e.ClientId = p.Value
	case "uid":
		e.UserId = p.Value
	case "sid":
		e.SessionId = p.Value
	case "sct":
		if n, ok := wire.Whole(p.Value); ok && n > 0 && n < 1<<31 {
			e.SessionCount = uint32(n)
		}
	case "seg":
		e.Engaged = p.Value == "1"
	case "_ss":
		e.SessionStart = p.Value != "0"
	case "_fv":
		e.FirstVisit = p.Value != "0"
	case "_et":
		if ms, ok := wire.Whole(p.Value); ok {
			e.EngagementMs = ms
		}
	case "gcs":
		h.draft.Anonymous = len(p.Value) == 4 && p.Value[3] == '0'
	case "_p":
		h.page = p.Value
	case "_s":
		h.number = p.Value
	}
}

// place reads where and what.
func (h *hit) place(p wire.Pair) {
	e := h.draft.Event
	switch p.Key {
	case "en":
		e.Name = p.Value
	case "dl":
		e.Url = p.Value
	case "dh":
		h.host = p.Value
	case "dp":
		h.path = p.Value
	case "dr":
		e.Referrer = p.Value
	case "dt":
		e.Title = p.Value
	case "ul":
		e.Language = p.Value
	case "sr":
		e.Screen = p.Value
	case "ir":
		e.IgnoreReferrer = p.Value == "1"
	case "_c":
		e.KeyEvent = p.Value == "1"
	case "cu":
		wire.SetMoney(e, "currency", wire.Scalar{Text: p.Value})
	case "uam":
		if p.Value != "" {
			e.Device = &event.Device{Model: p.Value}
		}
	}
}

// source reads the campaign params that override the address.
func (h *hit) source(p wire.Pair) {
	switch p.Key {
	case "cm":
		h.campaign.Medium = p.Value
	case "ci":
		h.campaign.Id = p.Value
	case "ct":
		h.campaign.Term = p.Value
	case "cc":
		h.campaign.Content = p.Value
	case "cn":
		h.cn = p.Value
	case "cs":
		h.cs = p.Value
	}
}

// finish settles what needs all pairs of the event.
func (d *decoder) finish(h *hit, line int) error {
	e := h.draft.Event
	if h.draft.Refused == "" {
		h.draft.Refused = wire.CheckName(e.Name)
	}
	if h.draft.Refused != "" {
		return nil
	}
	if e.Url == "" && h.host != "" {
		e.Url = "https://" + h.host + "/" + strings.TrimPrefix(h.path, "/")
	}
	if e.Key == "" && h.page != "" && h.number != "" {
		e.Key = key(e.ClientId, e.SessionId, h.page, h.number, line)
	}
	if err := d.promotionOrCampaign(h); err != nil {
		return err
	}
	if len(h.items) > 0 {
		return d.items(h)
	}
	return nil
}

// promotionOrCampaign settles cn and cs: the creative of a promotion, else the
// name and source of a campaign.
func (d *decoder) promotionOrCampaign(h *hit) error {
	e := h.draft.Event
	if e.Name != "view_promotion" && e.Name != "select_promotion" {
		h.campaign.Name, h.campaign.Source = h.cn, h.cs
		wire.PutCampaign(e, &h.campaign)
		return nil
	}
	wire.PutCampaign(e, &h.campaign)
	creative := []wire.Pair{{Key: "creative_name", Value: h.cn}, {Key: "creative_slot", Value: h.cs}}
	for _, p := range creative {
		if p.Value == "" {
			continue
		}
		if err := d.r.SetParam(e, p.Key, wire.Scalar{Text: p.Value}); err != nil {
			return d.tooMany(h, err)
		}
	}
	return nil
}

func (d *decoder) tooMany(h *hit, err error) error {
	if err != wire.ErrTooManyParams {
		return err
	}
	h.draft.Refused = event.RefuseTooManyParams
	return nil
}

func (d *decoder) items(h *hit) error {
	list := make([]string, 0, len(h.items))
	for n := 1; n <= maxItems; n++ {
		if item, ok := h.items[n]; ok {
			list = append(list, item)
		}
	}
	text := string(appendItems(nil, list))
	err := d.r.SetParam(h.draft.Event, "items", wire.Scalar{Text: text})
	return d.tooMany(h, err)
}

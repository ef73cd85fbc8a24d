// Load: from a line to the records that collectors would have made of it.
package spec

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"tidemark/internal/event"
)

// A line of load is
//
//	[DAY] TIME client name url extras...
//
// DAY is 2026-03-02 and holds for the lines below. TIME is 10:00, 10:00:05 or
// 10:00:05.250 in the property's zone, or 10:00Z, 10:00+02:00 where that says
// more. url is a path on shop.example, an absolute URL, or - for none.
//
// Extras, of sender and transport:
//
//	key=K sid=S user=U idx=N     event key, session id, user id, index in the request
//	late=2h dup=1h               arrives 2 h after it happened; arrives again 1 h later
//	trusted                      sent with an API secret
//	ahead=1h skew=1h             the client's clock is ahead; skew: and tells when it sent
//	notime                       the client gives no time
//	sessionless cookieless       as S13 and S10 mean it
//
// of the page and the person:
//
//	ref=URL title=T lang=de screen=1x1 ua=NAME country=DE region=R city=C
//	cs=S cm=M cn=N ir            campaign source, medium, name; ignore the referrer
//	engage=3s known engaged passive fv ss sct=2 keyevent
//	value=9.99 cur=EUR verdict=V
//	p.k=text n.k=1.5 b.k=true    params
type loader struct {
	property event.PropertyID
	currency string
	location *time.Location
	day      time.Time
	count    *int // of lines, for keys that follow the order of lines
}

// line returns the arrivals of one line.
func (l *loader) line(text string) ([]*event.Event, error) {
	words, err := splitWords(text)
	if err != nil {
		return nil, err
	}
	if day, err := time.ParseInLocation(time.DateOnly, words[0], l.location); err == nil {
		l.day, words = day, words[1:]
	}
	if len(words) < 4 {
		return nil, fmt.Errorf("want [DAY] TIME client name url, not %q", text)
	}
	at, err := clockOn(l.day, words[0], l.location)
	if err != nil {
		return nil, err
	}
	*l.count++
	e := &event.Event{
		Property: uint64(l.property), MeasurementId: "G-SPEC000001", ClientId: words[1], Name: words[2],
		Url: address(words[3]), Key: fmt.Sprintf("k%05d", *l.count), UserAgent: agents()["chrome-windows"],
	}
	x := extras{event: e, at: event.TimeOf(at), currency: l.currency}
	for _, w := range words[4:] {
		key, value, _ := strings.Cut(w, "=")
		if err := x.apply(key, value); err != nil {
			return nil, fmt.Errorf("read %q: %w", w, err)
		}
	}
	x.settle()
	if e.Cookieless { // The collector's hash has the local day's salt in it.
		e.ClientId += "@" + event.Time(e.EventTime).Std().In(l.location).Format(time.DateOnly)
	}
	arrivals := []*event.Event{e}
	for _, d := range x.copies {
		again := proto.Clone(e).(*event.Event)
		again.IngestTime += d.Microseconds()
		arrivals = append(arrivals, again)
	}
	return arrivals, nil
}

// extras gathers what stands behind the url.
type extras struct {
	event    *event.Event
	at       event.Time
	currency string

	late, ahead, skew time.Duration
	noTime            bool
	copies            []time.Duration
}

// settle resolves the times as a collector does (S2).
func (x *extras) settle() {
	ingest := x.at.Add(x.late)
	client, sent := x.at, event.Time(0)
	switch {
	case x.noTime:
		client = 0
	case x.ahead != 0:
		client = x.at.Add(x.ahead)
	case x.skew != 0:
		client, sent = x.at.Add(x.skew), ingest.Add(x.skew)
	}
	at, fix := event.ResolveEventTime(client, sent, ingest)
	x.event.EventTime, x.event.IngestTime, x.event.ClockFix = int64(at), int64(ingest), fix
}

func (x *extras) apply(key, value string) error {
	if set, ok := flags()[key]; ok && value == "" {
		set(x)
		return nil
	}
	if set, ok := texts()[key]; ok {
		set(x.event, value)
		return nil
	}
	if kind, name, ok := strings.Cut(key, "."); ok {
		return x.param(kind, name, value)
	}
	return x.number(key, value)
}

// number applies the extras whose values are durations and numbers.
func (x *extras) number(key, value string) (err error) {
	e := x.event
	switch key {
	case "late":
		x.late, err = span(value)
	case "ahead":
		x.ahead, err = span(value)
	case "skew":
		x.skew, err = span(value)
	case "dup":
		var d time.Duration
		d, err = span(value)
		x.copies = append(x.copies, d)
	case "engage":
		var d time.Duration
		d, err = span(value)
		e.EngagementMs, e.EngagementKnown = d.Milliseconds(), true
	case "value":
		var v float64
		v, err = strconv.ParseFloat(value, 64)
		e.ValueMicros, e.HasValue = int64(v*1e6+0.5), true
		if e.Currency == "" {
			e.Currency = x.currency
		}
	case "idx", "sct":
		var n uint64
		n, err = strconv.ParseUint(value, 10, 32)
		if key == "idx" {
			e.Index = uint32(n)
		} else {
			e.SessionCount = uint32(n)
		}
	default:
		err = fmt.Errorf("unknown; known are %s", strings.Join(knownExtras(), " "))
	}
	return err
}

func (x *extras) param(kind, name, value string) error {
	p := event.TextParam(name, value)
	switch kind {
	case "n":
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return err
		}
		p = event.NumberParam(name, v)
	case "b":
		p = event.BooleanParam(name, value == "true")
	}
	x.event.Params = append(x.event.Params, p)
	return nil
}

func flags() map[string]func(*extras) {
	return map[string]func(*extras){
		"trusted":     func(x *extras) { x.event.Trusted = true },
		"notime":      func(x *extras) { x.noTime = true },
		"sessionless": func(x *extras) { x.event.Sessionless = true },
		"cookieless":  func(x *extras) { x.event.Cookieless = true },
		"ir":          func(x *extras) { x.event.IgnoreReferrer = true },
		"known":       func(x *extras) { x.event.EngagementKnown = true },
		"engaged":     func(x *extras) { x.event.Engaged = true },
		"passive":     func(x *extras) { x.event.Passive = true },
		"fv":          func(x *extras) { x.event.FirstVisit = true },
		"ss":          func(x *extras) { x.event.SessionStart = true },
		"keyevent":    func(x *extras) { x.event.KeyEvent = true },
	}
}

func texts() map[string]func(*event.Event, string) {
	type setter = func(*event.Event, string)
	geo := func(set func(*event.Geo, string)) setter {
		return func(e *event.Event, v string) {
			if e.Geo == nil {
				e.Geo = &event.Geo{}
			}
			set(e.Geo, v)
		}
	}
	campaign := func(set func(*event.Campaign, string)) setter {
		return func(e *event.Event, v string) {
			if e.Campaign == nil {
				e.Campaign = &event.Campaign{}
			}
			set(e.Campaign, v)
		}
	}
	return map[string]setter{
		"key":     func(e *event.Event, v string) { e.Key = v },
		"sid":     func(e *event.Event, v string) { e.SessionId = v },
		"user":    func(e *event.Event, v string) { e.UserId = v },
		"ref":     func(e *event.Event, v string) { e.Referrer = v },
		"title":   func(e *event.Event, v string) { e.Title = v },
		"lang":    func(e *event.Event, v string) { e.Language = v },
		"screen":  func(e *event.Event, v string) { e.Screen = v },
		"ua":      func(e *event.Event, v string) { e.UserAgent = agentNamed(v) },
		"cur":     func(e *event.Event, v string) { e.Currency = v },
		"verdict": func(e *event.Event, v string) { e.AddressVerdict = v },
		"country": geo(func(g *event.Geo, v string) { g.Country = v }),
		"region":  geo(func(g *event.Geo, v string) { g.Region = v }),
		"city":    geo(func(g *event.Geo, v string) { g.City = v }),
		"cs":      campaign(func(c *event.Campaign, v string) { c.Source = v }),
		"cm":      campaign(func(c *event.Campaign, v string) { c.Medium = v }),
		"cn":      campaign(func(c *event.Campaign, v string) { c.Name = v }),
	}
}

func knownExtras() []string {
	names := slices.Collect(maps.Keys(flags()))
	names = slices.AppendSeq(names, maps.Keys(texts()))
	names = append(names, "late", "ahead", "skew", "dup", "engage", "value", "idx", "sct", "p.", "n.", "b.")
	slices.Sort(names)
	return names
}

func address(s string) string {
	switch {
	case s == "-":
		return ""
	case strings.HasPrefix(s, "/"):
		return "https://shop.example" + s
	}
	return s
}

// span reads durations with days: 3d, 90d, 2h30m.
func span(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.Atoi(days)
		return time.Duration(n) * 24 * time.Hour, err
	}
	return time.ParseDuration(s)
}

// clockOn reads a time of day, in loc unless it says otherwise.
func clockOn(day time.Time, s string, loc *time.Location) (time.Time, error) {
	date := day.Format(time.DateOnly) + "T"
	for _, layout := range []string{"15:04", "15:04:05"} { // Fractions of seconds are read by themselves.
		if t, err := time.ParseInLocation(time.DateOnly+"T"+layout, date+s, loc); err == nil {
			return t, nil
		}
		if t, err := time.Parse(time.DateOnly+"T"+layout+"Z07:00", date+s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("read time of day %q: want 15:04 or 15:04:05", s)
}

func agentNamed(name string) string {
	if ua, ok := agents()[name]; ok {
		return ua
	}
	if name == "none" {
		return ""
	}
	return name
}

// agents names user agents of common browsers and of a robot.
func agents() map[string]string {
	const webkit = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1"
	const blink = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0"
	return map[string]string{
		"chrome-windows": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + blink + " Safari/537.36",
		"chrome-mac":     "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) " + blink + " Safari/537.36",
		"chrome-android": "Mozilla/5.0 (Linux; Android 15; Pixel 8) " + blink + " Mobile Safari/537.36",
		"chrome-tablet":  "Mozilla/5.0 (Linux; Android 15; SM-X900) " + blink + " Safari/537.36",
		"edge-windows":   "Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + blink + " Safari/537.36 Edg/140.0.0.0",
		"firefox-linux":  "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
		"safari-mac":     "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) " + webkit + " Safari/605.1.15",
		"safari-iphone": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) " + webkit +
			" Mobile/15E148 Safari/604.1",
		"safari-ipad": "Mozilla/5.0 (iPad; CPU OS 18_1 like Mac OS X) " + webkit + " Mobile/15E148 Safari/604.1",
		"googlebot":   "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
	}
}

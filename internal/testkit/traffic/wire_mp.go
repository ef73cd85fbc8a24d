// The Measurement Protocol: the body that POST /mp/collect takes.
package traffic

// AppendMP appends a whole request body that holds the event. It must be sent
// with the stream's API secret.
func (s *Sent) AppendMP(dst []byte) []byte {
	e := s.Event
	o := openObject(dst)
	o.text("client_id", e.ClientId)
	o.text("user_id", e.UserId)
	o.text("user_agent", e.UserAgent)
	o.integer("timestamp_micros", e.EventTime)
	if g := e.Geo; g != nil {
		o.key("user_location")
		l := openObject(o.dst)
		l.text("city", g.City)
		l.text("country_id", g.Country)
		o.dst = l.close()
	}
	o.key("events")
	o.dst = append(o.dst, '[')
	v := openObject(o.dst)
	v.text("name", e.Name)
	v.key("params")
	p := openObject(v.dst)
	p.text("event_id", e.Key)
	p.text("session_id", e.SessionId)
	p.text("page_location", e.Url)
	p.text("page_referrer", e.Referrer)
	p.text("page_title", e.Title)
	p.text("language", e.Language)
	p.text("screen_resolution", e.Screen)
	p.integer("engagement_time_msec", e.EngagementMs)
	p.params(e.Params)
	p.money(e)
	v.dst = p.close()
	o.dst = append(v.close(), ']')
	return o.close()
}

// The native protocol: the JSON object that POST /v1/events takes.
package traffic

// AppendNative appends the event as one JSON object without a line end. The
// user agent is not in it: it is a header of the request, and so is the
// address, so that events of different clients need different requests.
//
// withSent adds the client's clock at sending: a server whose clock is not the
// simulated one then keeps the event as late as it is here. Without it
// EventTime arrives exactly as it is here.
func (s *Sent) AppendNative(dst []byte, withSent bool) []byte {
	e := s.Event
	o := openObject(dst)
	o.text("name", e.Name)
	o.text("event_id", e.Key)
	if !e.Cookieless {
		o.text("client_id", e.ClientId)
	}
	o.text("user_id", e.UserId)
	o.text("session_id", e.SessionId)
	skew := int64(0)
	if withSent {
		skew = s.Skew.Milliseconds()
		o.integer("sent", int64(s.At)/1000+skew)
	}
	o.integer("time", e.EventTime/1000+skew)
	o.text("url", e.Url)
	o.text("referrer", e.Referrer)
	o.text("title", e.Title)
	o.text("language", e.Language)
	o.text("screen", e.Screen)
	if e.EngagementMs > 0 {
		o.integer("engagement_ms", e.EngagementMs)
	}
	if e.EngagementKnown {
		o.key("engaged")
		o.dst = appendBool(o.dst, e.Engaged)
	}
	o.flag("first_visit", e.FirstVisit)
	if len(e.Params) > 0 || e.HasValue {
		o.key("params")
		p := openObject(o.dst)
		p.params(e.Params)
		p.money(e)
		o.dst = p.close()
	}
	return o.close()
}

func appendBool(dst []byte, v bool) []byte {
	if v {
		return append(dst, "true"...)
	}
	return append(dst, "false"...)
}

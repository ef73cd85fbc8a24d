// Handler: routes, CORS, and how each protocol answers.
package collect

import (
	"context"
	"errors"
	"net/http"

	"tidemark/internal/collect/wire"
	"tidemark/internal/collect/wire/ga4"
	"tidemark/internal/collect/wire/mp"
	"tidemark/internal/collect/wire/native"
	"tidemark/internal/event"
)

// Names of protocols in telemetry.
const (
	protocolNative = "native"
	protocolMP     = "measurement_protocol"
	protocolGtag   = "gtag"
)

// protocol is what differs between wire protocols.
type protocol struct {
	name string
	// secret: an api_secret in the query makes the sender trusted; needsSecret:
	// without one nothing is accepted.
	secret, needsSecret bool
	// direct: the connection is the user's own, so its address and user agent
	// describe the user.
	direct bool
	decode func(a *arrival, query, body string) error
	// answer is called when everything is durable. whole is why the body could
	// not be read at all, or nil.
	answer func(a *arrival, w http.ResponseWriter, whole error)
}

// Handler serves POST /v1/events, POST /mp/collect, POST /debug/mp/collect and
// GET or POST /g/collect, and the preflight requests of each.
func (c *Collector) Handler() http.Handler {
	serve := func(p *protocol) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, r *http.Request) { c.collect(w, r, p) }
	}
	events, measurement, tag := serve(nativeProtocol()), serve(mpProtocol()), serve(gtagProtocol())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var route func(http.ResponseWriter, *http.Request)
		methods := methodsPost
		switch r.URL.Path {
		case "/v1/events":
			route = events
		case "/mp/collect":
			route = measurement
		case "/debug/mp/collect":
			route = c.debug
		case "/g/collect":
			route, methods = tag, methodsGetPost
		default:
			http.NotFound(w, r)
			return
		}
		allowAnyOrigin(w.Header(), r)
		switch {
		case r.Method == http.MethodOptions:
			preflight(w.Header(), r, methods)
			w.WriteHeader(http.StatusNoContent)
		case r.Method == http.MethodPost, r.Method == http.MethodGet && methods == methodsGetPost:
			route(w, r)
		default:
			w.Header().Set("Allow", methods)
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		}
	})
}

const (
	methodsPost    = "POST, OPTIONS"
	methodsGetPost = "GET, POST, OPTIONS"
)

// collect serves one request of a protocol.
func (c *Collector) collect(w http.ResponseWriter, r *http.Request, p *protocol) {
	c.telemetry.requests[p.name].Inc()
	a := c.arrive(p)
	defer a.leave()
	a.address = c.addresses.read(r)
	a.userAgent = wire.Cut(r.Header.Get("User-Agent"), event.MaxUserAgent)
	a.readQuery(r.URL.RawQuery)

	body, err := a.readBody(w, r)
	if err == nil {
		err = p.decode(a, r.URL.RawQuery, body)
	}
	// The client may go as soon as it has sent: pages that are left do. What they
	// sent last is appended all the same; the log bounds how long that takes.
	ctx := context.WithoutCancel(r.Context())
	var whole error
	switch {
	case err == nil:
		err = a.accept(ctx)
	case errors.Is(err, errTooLarge):
		whole, err = err, a.refuseWhole(ctx, event.RefuseTooLarge)
	case errors.Is(err, wire.ErrUnreadable):
		whole, err = err, a.refuseWhole(ctx, event.RefuseMalformed)
	}
	if err != nil {
		c.unavailable(w, err)
		return
	}
	p.answer(a, w, whole)
}

// readQuery takes what the query string says of the request.
func (a *arrival) readQuery(query string) {
	for query != "" {
		var p wire.Pair
		p, query = wire.NextPair(query)
		switch p.Key {
		case "measurement_id", "tid":
			a.measurementID = p.Value
		case "firebase_app_id":
			if a.measurementID == "" {
				a.measurementID = p.Value
			}
		case "api_secret":
			a.secret, a.hasSecret = p.Value, true
		}
	}
}

func nativeProtocol() *protocol {
	return &protocol{
		name: protocolNative, secret: true, direct: true,
		decode: func(a *arrival, query, body string) error {
			return native.Decode(body, sentTime(query), &a.request)
		},
		answer: answerNative,
	}
}

// sentTime reads ?sent=, milliseconds in the client's clock; 0 if it is no time.
func sentTime(query string) event.Time {
	for query != "" {
		var p wire.Pair
		if p, query = wire.NextPair(query); p.Key == "sent" {
			if t, ok := wire.Milliseconds(p.Value); ok {
				return t
			}
		}
	}
	return 0
}

func mpProtocol() *protocol {
	return &protocol{
		name: protocolMP, secret: true, needsSecret: true,
		decode: func(a *arrival, _, body string) error { return mp.Decode(body, &a.request, nil) },
		answer: answerNothing,
	}
}

func gtagProtocol() *protocol {
	return &protocol{
		name: protocolGtag, direct: true,
		decode: func(a *arrival, query, body string) error { return ga4.Decode(query, body, &a.request) },
		answer: answerNothing,
	}
}

// API: routes, and what every request goes through.
package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidemark/internal/catalog"
	"tidemark/internal/event"
	"tidemark/internal/property"
	"tidemark/internal/report"
)

// maxBatch is how many reports one batch may ask for (GA4's limit).
const maxBatch = 5

// Config is the operator's choice.
type Config struct {
	// MaxBody bounds a request's bytes, default 1 MiB. A filter with a long list
	// of values needs some 100 KiB.
	MaxBody int64 `yaml:"max_body"`
	// LoginLifetime is how long a login cookie is good for, default 30 days.
	LoginLifetime time.Duration `yaml:"login_lifetime"`
	// SecureCookies marks the login cookie so that browsers send it over TLS only.
	// Set it behind a proxy that ends TLS; direct TLS is noticed without it.
	SecureCookies bool `yaml:"secure_cookies"`
	// MaxListeners bounds the open live streams of this process, default 100.
	MaxListeners int `yaml:"max_listeners"`
}

// DefaultConfig returns the defaults.
func DefaultConfig() Config {
	return Config{MaxBody: 1 << 20, LoginLifetime: 30 * 24 * time.Hour, MaxListeners: 100}
}

// Validate says what is wrong with c.
func (c Config) Validate() error {
	switch {
	case c.MaxBody < 1<<10 || c.MaxBody > 64<<20:
		return errors.New("api.max_body lies between 1 KiB and 64 MiB")
	case c.LoginLifetime < time.Minute || c.LoginLifetime > 400*24*time.Hour:
		return errors.New("api.login_lifetime lies between a minute and 400 days")
	case c.MaxListeners < 1:
		return errors.New("api.max_listeners is at least 1")
	}
	return nil
}

// Reports answers queries; *report.Engine does.
type Reports interface {
	Run(ctx context.Context, queries []*report.Query) ([]*report.Result, error)
	Check(q *report.Query) error
	Freshness(ctx context.Context, p event.PropertyID) (report.Freshness, error)
	Catalog() *catalog.Catalog
}

// Deps is the wiring.
type Deps struct {
	Reports  Reports
	Registry property.Registry
	// Authenticator tells who asks; nil: read keys and logins of the Registry.
	Authenticator Authenticator
	// Tail gives live events; nil: the tail route answers 501.
	Tail Tail
	// ClientAddr tells whose login attempts are counted together; nil: the
	// connection's address. Addresses are kept in memory only (D10).
	ClientAddr func(*http.Request) netip.Addr
	// Now is the clock; nil: time.Now.
	Now        func() time.Time
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// API is role api.
type API struct {
	cfg       Config
	deps      Deps
	log       *slog.Logger
	telemetry *telemetry
	attempts  *attempts
	listeners chan struct{}
	mux       *http.ServeMux
	verbs     map[string]route // of properties/{property}:verb
}

// New returns an API over deps.
func New(cfg Config, deps Deps) (*API, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.Reports == nil || deps.Registry == nil || deps.Logger == nil || deps.Registerer == nil {
		return nil, errors.New("api needs reports, a registry, a logger and a registerer")
	}
	if deps.Authenticator == nil {
		deps.Authenticator = NewRegistryAuthenticator(deps.Registry)
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	if deps.ClientAddr == nil {
		deps.ClientAddr = connectionAddr
	}
	t, err := newTelemetry(deps.Registerer)
	if err != nil {
		return nil, err
	}
	a := &API{cfg: cfg, deps: deps, log: deps.Logger, telemetry: t, attempts: newAttempts(),
		listeners: make(chan struct{}, cfg.MaxListeners), mux: http.NewServeMux(), verbs: map[string]route{}}
	a.register()
	return a, nil
}

// Handler serves /v1/, /v1beta/ and /openapi.json, and answers 404 to others.
func (a *API) Handler() http.Handler { return a.mux }

// route is one method and path; {property} stands for a property's number.
type route struct {
	method string
	path   string
	handle func(http.ResponseWriter, *http.Request) error
}

func (a *API) routes() []route {
	return []route{
		{"POST", "/v1beta/properties/{property}:runReport", a.runReport},
		{"POST", "/v1beta/properties/{property}:batchRunReports", a.batchRunReports},
		{"POST", "/v1beta/properties/{property}:runRealtimeReport", a.runRealtimeReport},
		{"POST", "/v1beta/properties/{property}:checkCompatibility", a.checkCompatibility},
		{"GET", "/v1beta/properties/{property}/metadata", a.metadata},
		{"GET", "/v1/properties/{property}/ledger", a.ledger},
		{"GET", "/v1/properties/{property}/tail", a.tail},
		{"POST", "/v1/properties", a.createProperty},
		{"GET", "/v1/me", a.me},
		{"POST", "/v1/login", a.login},
		{"POST", "/v1/logout", a.logout},
		{"POST", "/v1/setup", a.setup},
		{"GET", "/openapi.json", a.openAPI},
	}
}

const verbPath = "/v1beta/properties/{call}"

func (a *API) register() {
	for _, r := range a.routes() {
		if _, verb, ok := strings.Cut(r.path, "}:"); ok {
			a.verbs[verb] = r
			continue
		}
		a.mux.Handle(r.method+" "+r.path, a.serve(r))
		a.mux.Handle(r.path, a.serve(route{path: r.path, handle: wrongMethod(r.method)}))
	}
	a.mux.Handle("POST "+verbPath, http.HandlerFunc(a.serveVerb))
	a.mux.Handle(verbPath, a.serve(route{path: verbPath, handle: wrongMethod("POST")}))
	a.mux.Handle("/", a.serve(route{path: "other", handle: func(http.ResponseWriter, *http.Request) error {
		return notFound("there is nothing at this address")
	}}))
}

// serveVerb serves properties/123:runReport, which a ServeMux pattern cannot tell apart.
func (a *API) serveVerb(w http.ResponseWriter, r *http.Request) {
	id, verb, _ := strings.Cut(r.PathValue("call"), ":")
	found, ok := a.verbs[verb]
	if !ok {
		found = route{path: verbPath, handle: func(http.ResponseWriter, *http.Request) error {
			return notFound("there is no such method")
		}}
	}
	r.SetPathValue("property", id)
	a.serve(found).ServeHTTP(w, r)
}

func wrongMethod(allowed string) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Allow", allowed)
		return &httpError{code: http.StatusMethodNotAllowed, status: "UNIMPLEMENTED",
			message: "this address takes " + allowed + " requests only"}
	}
}

// serve bounds, measures and answers one request.
func (a *API) serve(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		out := &recorder{ResponseWriter: w}
		r.Body = http.MaxBytesReader(w, r.Body, a.cfg.MaxBody)
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		defer func() {
			if p := recover(); p != nil {
				a.log.Error("api request panicked", "route", rt.path, "panic", p)
				a.writeError(out, r, rt, errors.New("panic"))
			}
			a.telemetry.served(rt.path, out.code(), time.Since(start))
		}()
		if err := rt.handle(out, r); err != nil {
			a.writeError(out, r, rt, err)
		}
	})
}

// recorder remembers the status for telemetry.
type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *recorder) code() int {
	if r.status == 0 {
		return http.StatusOK
	}
	return r.status
}

func connectionAddr(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}

// The server under test: real reports over a store in memory, and a registry of maps.
package api

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidemark/internal/event"
	"tidemark/internal/ledger"
	"tidemark/internal/property"
	"tidemark/internal/report"
	"tidemark/internal/store"
	"tidemark/internal/store/storetest"
)

// fakeRegistry is a registry of maps. Its properties are 100 (Berlin, EUR) and
// 200 (UTC); each has a read key "key-<id>". ann@example.com logs in with "correct horse".
type fakeRegistry struct {
	property.Registry

	mu         sync.Mutex
	properties map[event.PropertyID]property.Property
	logins     map[string]property.Member
	setupToken string
	checked    int
}

func newFakeRegistry() *fakeRegistry {
	r := &fakeRegistry{properties: map[event.PropertyID]property.Property{}, logins: map[string]property.Member{}, setupToken: "once"}
	for _, p := range []property.Property{
		{ID: 100, Name: "Harbour", TimeZone: "Europe/Berlin", Currency: "EUR"},
		{ID: 200, Name: "Lighthouse", TimeZone: "UTC", Currency: "USD"},
	} {
		p.Streams = []property.DataStream{{MeasurementID: fmt.Sprintf("G-%d", p.ID)}}
		r.properties[p.ID] = p
	}
	return r
}

func (r *fakeRegistry) Property(_ context.Context, id event.PropertyID) (property.Property, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p, ok := r.properties[id]
	if !ok {
		return p, property.ErrNotFound
	}
	return p, nil
}

func (r *fakeRegistry) PropertiesOfReadKey(_ context.Context, key string) ([]event.PropertyID, error) {
	if key == "key-of-one-who-never-asked" {
		return nil, fmt.Errorf("%w: connection refused", property.ErrAway)
	}
	id, err := event.ParsePropertyID(strings.TrimPrefix(key, "key-"))
	if err != nil || !strings.HasPrefix(key, "key-") {
		return nil, property.ErrNotFound
	}
	return []event.PropertyID{id}, nil
}

func (r *fakeRegistry) Login(_ context.Context, email, password string) (property.Member, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.checked++
	if email != "ann@example.com" || password != "correct horse" {
		return property.Member{}, property.ErrBadLogin
	}
	return property.Member{ID: 1, Email: email}, nil
}

func (r *fakeRegistry) StartLogin(_ context.Context, member int64, _ time.Duration) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	token := fmt.Sprintf("login-%d", len(r.logins)+1)
	r.logins[token] = property.Member{ID: member, Email: "ann@example.com"}
	return token, nil
}

func (r *fakeRegistry) MemberOfLogin(_ context.Context, token string) (property.Member, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m, ok := r.logins[token]
	if !ok {
		return m, property.ErrNotFound
	}
	return m, nil
}

func (r *fakeRegistry) EndLogin(_ context.Context, token string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.logins, token)
	return nil
}

func (r *fakeRegistry) MemberProperties(context.Context, int64) ([]event.PropertyID, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var ids []event.PropertyID
	for id := range r.properties {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids, nil
}

func (r *fakeRegistry) Setup(_ context.Context, token, email, password string) (property.Member, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if token != r.setupToken {
		return property.Member{}, property.ErrTokenInvalid
	}
	if len(password) < 8 {
		return property.Member{}, fmt.Errorf("password: %w: it has less than 8 characters", property.ErrInvalid)
	}
	r.setupToken = ""
	return property.Member{ID: 1, Email: email}, nil
}

func (r *fakeRegistry) CreateProperty(_ context.Context, n property.NewProperty) (property.Property, property.Credentials, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n.Name == "" {
		return property.Property{}, property.Credentials{}, fmt.Errorf("name: %w: it is empty", property.ErrInvalid)
	}
	p := property.Property{ID: 300, Name: n.Name, TimeZone: n.TimeZone, Currency: n.Currency, RowDays: n.RowDays}
	r.properties[300] = p
	return p, property.Credentials{Property: 300, MeasurementID: "G-300", APISecret: "s3", ReadKey: "key-300"}, nil
}

// fakeFreshness is half past ten, with a small ledger.
type fakeFreshness struct{}

func (fakeFreshness) Freshness(context.Context, event.PropertyID) (report.Freshness, error) {
	at := event.TimeOf(time.Date(2026, 3, 3, 10, 30, 0, 0, time.UTC))
	return report.Freshness{
		ProcessedThrough: at, FinalThrough: at.Add(-72 * time.Hour), CompleteThrough: at.Add(-time.Minute),
		Ledger: report.Ledger{Received: 12, Accepted: 10, Refused: map[event.RefuseReason]int64{event.RefuseNoName: 2},
			Pending: 1, Outcomes: ledger.Outcomes{Stored: 6, Duplicate: 2, TooLate: 1, Late: 3}},
	}, nil
}

// rows of property 100 on 3 March in Berlin: ann at 10:00 on / and 10:01 on /shop
// from google in session 1, ben at 11:20 on / in session 3; and one row of property 200.
func someRows() *store.Batch {
	at := func(hour, minute int) event.Time {
		return event.TimeOf(time.Date(2026, 3, 3, hour-1, minute, 0, 0, time.UTC))
	}
	b := &store.Batch{}
	for _, r := range []struct {
		property     event.PropertyID
		row, part    event.RowID
		client       event.RowID
		at           event.Time
		path, source string
	}{
		{100, 1, 1, 1, at(10, 0), "/", "google"},
		{100, 2, 1, 1, at(10, 1), "/shop", "google"},
		{100, 3, 3, 3, at(11, 20), "/", "(direct)"},
		{200, 4, 4, 4, at(10, 0), "/secret", "(direct)"},
	} {
		e := store.EventRow{Property: r.property, Row: r.row, Part: r.part, Client: r.client, EventTime: r.at, IngestTime: r.at,
			Name: "page_view", Host: "shop.example", Path: r.path, Country: "DE", PageView: true, Active: true, EngagementMS: 1500}
		fillNotSet(&e.Title, &e.Referrer, &e.Language, &e.Screen, &e.Region, &e.City, &e.Category, &e.Browser, &e.OS,
			&e.OSMajor, &e.Source, &e.Medium, &e.Campaign)
		b.Events = append(b.Events, e)
		if r.row == r.part {
			b.Sessions = append(b.Sessions, sessionOf(r.property, r.part, r.at, r.path, r.source))
		}
	}
	return b
}

func sessionOf(p event.PropertyID, id event.RowID, start event.Time, path, source string) store.SessionRow {
	s := store.SessionRow{Property: p, Session: id, Revision: 1, Counted: true, Client: id, Start: start, End: start,
		LandingPath: path, Country: "DE", Source: source, NewVsReturning: "new", FirstEvent: id, HasFirst: true, Events: 1, Views: 1}
	if source == "google" {
		s.End, s.Engaged = start.Add(time.Minute), true
	}
	fillNotSet(&s.LandingHost, &s.ExitHost, &s.ExitPath, &s.Region, &s.City, &s.Language, &s.Screen, &s.Category,
		&s.Browser, &s.OS, &s.OSMajor, &s.Medium, &s.Campaign, &s.Channel, &s.FirstUserSource, &s.FirstUserMedium,
		&s.FirstUserCampaign, &s.FirstUserChannel)
	return s
}

func fillNotSet(texts ...*string) {
	for _, t := range texts {
		*t = store.NotSet
	}
}

// server is an API with its parts in reach. Its clock stands at 11:30 on 3 March in Berlin.
type server struct {
	*httptest.Server
	registry *fakeRegistry
	hub      *Hub
	now      *time.Time
	logged   *strings.Builder
}

func newServer(t testing.TB) *server {
	t.Helper()
	mem := storetest.NewMem()
	if err := mem.Append(t.Context(), someRows()); err != nil {
		t.Fatal(err)
	}
	// Property 200 keeps no rows of February, whose days were counted in Tokyo.
	if err := mem.Install(t.Context(), store.Manifest{Kept: map[event.PropertyID][]store.RollupRange{200: {{From: math.MinInt64,
		To: event.TimeOf(time.Date(2026, 2, 28, 15, 0, 0, 0, time.UTC)), Zone: "Asia/Tokyo", Last: math.MaxUint8}}}}); err != nil {
		t.Fatal(err)
	}
	engine, err := report.New(report.DefaultConfig(), report.Deps{Store: mem, Freshness: fakeFreshness{}})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 3, 10, 30, 0, 0, time.UTC)
	s := &server{registry: newFakeRegistry(), hub: NewHub(), now: &now, logged: &strings.Builder{}}
	cfg := DefaultConfig()
	cfg.MaxBody, cfg.MaxListeners = 64<<10, 2
	a, err := New(cfg, Deps{Reports: engine, Registry: s.registry, Tail: s.hub,
		Now: func() time.Time { return *s.now }, Logger: slog.New(slog.NewTextHandler(s.logged, nil)),
		Registerer: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	s.Server = httptest.NewServer(a.Handler())
	t.Cleanup(s.Close)
	return s
}

// send makes a request; headers are "Name: value".
func (s *server) send(t testing.TB, method, path, body string, headers ...string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
		if name == "Host" {
			req.Host = value
		}
	}
	resp, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

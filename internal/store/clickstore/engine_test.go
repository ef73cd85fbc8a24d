// The engine that tests ask, and ways for requests to fail.
package clickstore

import (
	"io"
	"net/http"
	"net/url"
	"sync"
	"testing"

	"tidemark/internal/store"
	"tidemark/internal/store/storetest"
	"tidemark/internal/testkit/clickserver"
)

// startEngine starts a server that ends with the test.
func startEngine(t testing.TB) *clickserver.Server {
	t.Helper()
	s, err := clickserver.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// line is the way to a server, whatever its address is now; requests fail as faults say.
type line struct {
	server *clickserver.Server
	faults *storetest.Faults
	// watch is told the settings of each request; nil: nobody is.
	watch func(url.Values)
}

// RoundTrip implements http.RoundTripper.
func (l *line) RoundTrip(req *http.Request) (*http.Response, error) {
	if l.watch != nil {
		l.watch(req.URL.Query())
	}
	now, err := url.Parse(l.server.URL())
	if err != nil {
		return nil, err
	}
	sent := req.Clone(req.Context())
	sent.URL.Host = now.Host
	fault := l.faults.Draw()
	switch fault {
	case storetest.FailBefore:
		_ = req.Body.Close()
		return nil, storetest.ErrFault
	case storetest.Cut:
		sent.Body = io.NopCloser(io.MultiReader(io.LimitReader(req.Body, req.ContentLength/2), broken{}))
	}
	resp, err := http.DefaultTransport.RoundTrip(sent)
	if err != nil || fault != storetest.FailAfter {
		return resp, err
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return nil, err
	}
	return nil, storetest.ErrFault
}

// broken is a body that ends with an error.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, storetest.ErrFault }

// configFor asks a database of the server. The address is that of whatever line leads there.
func configFor(database string) Config {
	return Config{URL: "http://clickhouse.invalid", Database: database, User: clickserver.User, Password: clickserver.Password, Log: "suite-1"}
}

func open(t testing.TB, cfg Config, l *line) *Store {
	t.Helper()
	s, err := Open(t.Context(), cfg, Deps{HTTP: l})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// kit gives each name of the suite a database.
type kit struct {
	server *clickserver.Server

	mu        sync.Mutex
	databases map[string]string
}

func (k *kit) Open(t testing.TB, name, log string, faults *storetest.Faults) store.Shared {
	t.Helper()
	k.mu.Lock()
	if k.databases[name] == "" {
		k.databases[name] = k.server.NewDatabase(t)
	}
	cfg := configFor(k.databases[name])
	k.mu.Unlock()
	cfg.Log = log
	l := &line{server: k.server}
	s := open(t, cfg, l)
	l.faults = faults
	return s
}

func (k *kit) Crash(t testing.TB) {
	t.Helper()
	if err := k.server.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := k.server.Begin(); err != nil {
		t.Fatal(err)
	}
}

// OneIn implements storetest.Sampler: each request of each step makes a database anew.
func (k *kit) OneIn() int { return 6 }

func TestSharedStoreKeepsTheContract(t *testing.T) {
	storetest.RunShared(t, &kit{server: startEngine(t), databases: map[string]string{}})
}

func TestKeeperKeepsTheContract(t *testing.T) {
	storetest.RunKeeper(t, &kit{server: startEngine(t), databases: map[string]string{}})
}

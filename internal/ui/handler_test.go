// Tests of the handlers on a small tree; the built one is tested in a real browser.
package ui

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func tree() fstest.MapFS {
	return fstest.MapFS{
		".keep":                 {},
		"index.html":            {Data: []byte("<!doctype html><title>app</title>")},
		"icon.svg":              {Data: []byte("<svg/>")},
		"assets/app-1a2b.js":    {Data: []byte("console.log('a long enough script')")},
		"assets/app-1a2b.js.gz": {Data: []byte("packed")},
	}
}

type request struct {
	method, path, encoding, ifNoneMatch string
}

func do(h http.Handler, q request) *httptest.ResponseRecorder {
	if q.method == "" {
		q.method = http.MethodGet
	}
	r := httptest.NewRequest(q.method, q.path, nil)
	r.Header.Set("Accept-Encoding", q.encoding)
	r.Header.Set("If-None-Match", q.ifNoneMatch)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestAddressesOfTheApplicationGetTheApplication(t *testing.T) {
	h := newDashboard(tree())
	for _, path := range []string{"/", "/login", "/setup?token=x", "/ledger", "/index.html", "/a/b/c"} {
		w := do(h, request{path: path})
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "<title>app</title>") {
			t.Errorf("GET %s: got status %d, body %q", path, w.Code, w.Body)
		}
		if got := w.Header().Get("Cache-Control"); got != revalidate {
			t.Errorf("GET %s: got Cache-Control %q, want %q", path, got, revalidate)
		}
		if got := w.Header().Get("Content-Security-Policy"); got != securityPolicy {
			t.Errorf("GET %s: got policy %q", path, got)
		}
	}
}

func TestMissingFilesAreNotTheApplication(t *testing.T) {
	h := newDashboard(tree())
	for _, path := range []string{"/assets/old-9f.js", "/assets/x", "/robots.txt", "/.keep", "/assets/app-1a2b.js.gz"} {
		if got := do(h, request{path: path}).Code; got != http.StatusNotFound {
			t.Errorf("GET %s: got status %d, want 404", path, got)
		}
	}
}

func TestAssetsAreKeptForeverAndPackedOnRequest(t *testing.T) {
	h := newDashboard(tree())
	plain := do(h, request{path: "/assets/app-1a2b.js"})
	packed := do(h, request{path: "/assets/app-1a2b.js", encoding: "br, gzip;q=0.8"})
	refused := do(h, request{path: "/assets/app-1a2b.js", encoding: "gzip;q=0.0"})
	if got := plain.Header().Get("Cache-Control"); got != cacheForever {
		t.Errorf("got Cache-Control %q, want %q", got, cacheForever)
	}
	if packed.Body.String() != "packed" || packed.Header().Get("Content-Encoding") != "gzip" {
		t.Errorf("with gzip: got %q, encoding %q", packed.Body, packed.Header().Get("Content-Encoding"))
	}
	if refused.Header().Get("Content-Encoding") != "" {
		t.Error("gzip;q=0.0 is a refusal, but the answer was packed")
	}
	if plain.Header().Get("Vary") != "Accept-Encoding" {
		t.Error("the plain answer does not say that it varies by encoding")
	}
	if a, b := plain.Header().Get("ETag"), packed.Header().Get("ETag"); a == b || a == "" {
		t.Errorf("the encodings have tags %s and %s; they are different bytes", a, b)
	}
}

func TestUnchangedFilesAreNotSentAgain(t *testing.T) {
	h := newDashboard(tree())
	tag := do(h, request{path: "/"}).Header().Get("ETag")
	if got := do(h, request{path: "/login", ifNoneMatch: tag}).Code; got != http.StatusNotModified {
		t.Errorf("got status %d, want 304", got)
	}
	if got := do(h, request{path: "/", ifNoneMatch: `"other"`}).Code; got != http.StatusOK {
		t.Errorf("got status %d, want 200", got)
	}
}

func TestOnlyReadsAreAnswered(t *testing.T) {
	if got := do(newDashboard(tree()), request{method: http.MethodPost, path: "/"}).Code; got != http.StatusMethodNotAllowed {
		t.Errorf("got status %d, want 405", got)
	}
}

func TestTrackerMayBeLoadedByOtherSites(t *testing.T) {
	h := newTracker(fstest.MapFS{"tidemark.js": {Data: []byte("(()=>{})()")}})
	w := do(h, request{path: "/tidemark.js"})
	if w.Code != http.StatusOK || w.Body.String() != "(()=>{})()" {
		t.Fatalf("got status %d, body %q", w.Code, w.Body)
	}
	want := map[string]string{
		"Access-Control-Allow-Origin":  "*",
		"Cross-Origin-Resource-Policy": "cross-origin",
		"Cache-Control":                trackerCache,
		"Content-Type":                 "text/javascript; charset=utf-8",
		"X-Content-Type-Options":       "nosniff",
	}
	for name, value := range want {
		if got := w.Header().Get(name); got != value {
			t.Errorf("got %s %q, want %q", name, got, value)
		}
	}
	if got := do(h, request{method: http.MethodOptions, path: "/tidemark.js"}).Code; got != http.StatusNoContent {
		t.Errorf("OPTIONS: got status %d, want 204", got)
	}
}

func TestUnbuiltTreeSaysWhatToDo(t *testing.T) {
	for name, h := range map[string]http.Handler{
		"dashboard": newDashboard(fstest.MapFS{".keep": {}}),
		"tracker":   newTracker(fstest.MapFS{".keep": {}}),
	} {
		w := do(h, request{path: "/"})
		if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "make build") {
			t.Errorf("%s: got status %d, body %q", name, w.Code, w.Body)
		}
	}
}

func TestEmbeddedTreesOpenBuiltOrNot(t *testing.T) {
	for _, h := range []http.Handler{Handler(), Tracker()} {
		code := do(h, request{path: "/"}).Code
		if code != http.StatusOK && code != http.StatusServiceUnavailable {
			t.Errorf("got status %d, want 200 or 503", code)
		}
	}
}

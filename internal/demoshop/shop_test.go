// Tests that every page of the shop is there, is whole, and loads nothing from elsewhere.
package demoshop

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func get(t *testing.T, h http.Handler, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

var link = regexp.MustCompile(`(?:href|src)="([^"#?]+)[^"]*"`)

// TestEveryLinkLeadsSomewhere walks the whole shop from its home page.
func TestEveryLinkLeadsSomewhere(t *testing.T) {
	h := Handler("G-TEST")
	queue, seen := []string{Base}, map[string]bool{Base: true}
	for len(queue) > 0 {
		path := queue[0]
		queue = queue[1:]
		w := get(t, h, path)
		if w.Code != http.StatusOK {
			t.Errorf("GET %s: got status %d, want 200", path, w.Code)
		}
		for _, m := range link.FindAllStringSubmatch(w.Body.String(), -1) {
			to := m[1]
			if strings.Contains(to, "//") {
				t.Errorf("%s refers to another host: %s", path, to)
			}
			if strings.HasPrefix(to, Base) && !seen[to] {
				seen[to] = true
				queue = append(queue, to)
			}
		}
	}
	// 12 products, 3 categories, 5 guide addresses, 2 posts, home, cart, account, and 3 files.
	if got, want := len(seen), 28; got != want {
		t.Errorf("the walk found %d addresses, want %d: %v", got, want, seen)
	}
}

func TestEveryPageCarriesTheTrackerOnce(t *testing.T) {
	h := Handler("G-ABC123")
	want := `<script defer src="/tidemark.js" data-measurement-id="G-ABC123"></script>`
	for _, path := range []string{"", "c/wear", "p/storm-lantern", "guide/wool", "journal/reading-the-tide",
		"cart", "checkout", "thanks", "account", "no-such-page"} {
		if got := strings.Count(get(t, h, Base+path).Body.String(), want); got != 1 {
			t.Errorf("%s carries the tracker %d times, want once", path, got)
		}
	}
}

func TestUnknownPagesAreNotFound(t *testing.T) {
	h := Handler("G-TEST")
	for _, path := range []string{"x", "c/x", "p/x", "guide/x", "journal/x"} {
		if got := get(t, h, Base+path).Code; got != http.StatusNotFound {
			t.Errorf("GET %s: got status %d, want 404", path, got)
		}
	}
}

func TestEveryProductHasItsOwnDrawing(t *testing.T) {
	drawn := drawings()
	for _, c := range goods() {
		for _, p := range c.Products {
			if drawn[p.Slug] == "" {
				t.Errorf("product %s has no drawing", p.Slug)
			}
		}
	}
}

func TestMeasurementIDIsEscaped(t *testing.T) {
	body := get(t, Handler(`"><script>`), Base).Body.String()
	if strings.Contains(body, `"><script>`) {
		t.Error("the measurement id reached the page unescaped")
	}
}

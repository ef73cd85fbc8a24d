// URL splitting agrees with net/url where net/url has an answer, and has some
// answer everywhere.
package enrich

import (
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"tidemark/internal/event"
)

func TestSplitURLAgreesWithNetURL(t *testing.T) {
	label := rapid.StringMatching(`[a-z][a-z0-9-]{0,10}[a-z0-9]`)
	segment := rapid.StringMatching(`[A-Za-z0-9._~!$&'()*+,;=:@-]{0,12}|[a-z]{1,3}%20[a-z]{1,3}|%C3%BC`)
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SampledFrom([]string{"http", "https", "HTTPS", "app"}).Draw(t, "scheme") + "://"
		raw += rapid.SampledFrom([]string{"", "user@", "user:pass@"}).Draw(t, "user")
		raw += strings.Join(rapid.SliceOfN(label, 1, 4).Draw(t, "labels"), ".")
		raw += rapid.SampledFrom([]string{"", ":80", ":8080"}).Draw(t, "port")
		for _, s := range rapid.SliceOfN(segment, 0, 4).Draw(t, "path") {
			raw += "/" + s
		}
		raw += rapid.StringMatching(`(\?[a-z0-9=&%20+?/]{0,20})?(#[a-z0-9?/]{0,8})?`).Draw(t, "rest")
		u, err := url.Parse(raw)
		if err != nil {
			return // net/url has no answer
		}
		want := urlParts{host: u.Hostname(), path: u.EscapedPath(), query: u.RawQuery}
		if want.path == "" {
			want.path = "/"
		}
		if got := splitURL(raw); got != want {
			t.Fatalf("splitURL(%q) = %q, want %q", raw, got, want)
		}
	})
}

func FuzzDerive(f *testing.F) {
	for _, s := range []string{
		"", "https://www.shop.example/a?b#c", "//x", "http://[::1]:80/", "about:blank", "?", "#", "a:b:c",
		"https://shop.example/?utm_source=%E6%9C%AC&gclid=1", "Mozilla/5.0 (Windows NT 10.0) Chrome/1 Safari/1",
		"Mozilla/5.0 (X11; Linux) Gecko/1 Firefox/1 Foo/1", "\x00\xff\xfe", "curl/8", ".", "..", "http://./",
	} {
		f.Add(s, "https://www.google.com/", s)
		f.Add("https://shop.example/", s, s)
	}
	d := NewDeriver(Config{Agents: 100, Hosts: 100})
	fresh := NewDeriver(Config{Agents: 100, Hosts: 100})
	f.Fuzz(func(t *testing.T, page, referrer, agent string) {
		e := &event.Event{Url: page, Referrer: referrer, UserAgent: agent, Campaign: &event.Campaign{Name: agent}}
		var a, b, c Facts
		d.Derive(e, nil, &a)
		d.Derive(e, nil, &b)     // from the cache
		fresh.Derive(e, nil, &c) // with another history
		if a != b || a != c {
			t.Fatalf("N1: answers differ: %+v, %+v, %+v", a, b, c)
		}
		for _, s := range []string{
			a.Host, a.Path, a.Category, a.Browser, a.OS, a.OSMajor, a.Source, a.Medium, a.Campaign,
		} {
			if s == "" {
				t.Fatalf("N3: an empty text in %+v", a)
			}
		}
		if strings.Contains(a.Path, "?") || strings.Contains(a.Query, "#") {
			t.Fatalf("path %q, query %q of %q", a.Path, a.Query, page)
		}
		if len(a.Host) > maxHost+2*utf8.UTFMax || len(a.Source) > maxTag+maxHost || len(a.Browser) > 300 {
			t.Fatalf("D8: too long: %+v", a)
		}
		if utf8.ValidString(page+referrer+agent) && !utf8.ValidString(a.Source+a.Host+a.Browser) {
			t.Fatalf("broken text in %+v", a)
		}
		Channel("default@1", a.Source, a.Medium, a.Campaign)
	})
}

// The handler: routes, page data and templates.
package demoshop

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
)

//go:embed pages/*.html
var pageFiles embed.FS

//go:embed static
var staticFiles embed.FS

// Base is the path that Handler serves below; it must be mounted there without stripping.
const Base = "/demo/"

// view is what a template sees.
type view struct {
	MeasurementID string
	Title         string
	Currency      string
	Categories    []Category
	Posts         []Post
	Guides        []Guide
	Category      Category
	Product       Product
	Post          Post
	Guide         Guide
	Featured      []Product
}

type shop struct {
	base  view
	pages map[string]*template.Template
}

// Handler serves the shop below Base. Its pages send their events to the data stream of
// measurementID through the tracker at /tidemark.js.
func Handler(measurementID string) http.Handler {
	s := &shop{
		base: view{MeasurementID: measurementID, Currency: currency,
			Categories: goods(), Posts: posts(), Guides: guides()},
		pages: parsePages(),
	}
	static, err := fs.Sub(staticFiles, "static")
	if err != nil {
		panic("BUG: the shop's static files are embedded: " + err.Error())
	}
	mux := http.NewServeMux()
	mux.Handle("GET /demo/static/", http.StripPrefix("/demo/static/", http.FileServerFS(static)))
	mux.HandleFunc("GET /demo/{$}", s.home)
	mux.HandleFunc("GET /demo/c/{category}", s.category)
	mux.HandleFunc("GET /demo/p/{product}", s.product)
	mux.HandleFunc("GET /demo/guide", s.guide)
	mux.HandleFunc("GET /demo/guide/{chapter}", s.guide)
	mux.HandleFunc("GET /demo/journal/{post}", s.post)
	for _, name := range []string{"cart", "checkout", "thanks", "account"} {
		mux.HandleFunc("GET /demo/"+name, s.plain(name))
	}
	mux.HandleFunc("GET /demo/", s.missing)
	return mux
}

func parsePages() map[string]*template.Template {
	funcs := template.FuncMap{"price": price}
	layout := template.Must(template.New("layout.html").Funcs(funcs).
		ParseFS(pageFiles, "pages/layout.html", "pages/parts.html"))
	pages := map[string]*template.Template{}
	names, err := fs.Glob(pageFiles, "pages/*.html")
	if err != nil {
		panic("BUG: the page pattern is constant: " + err.Error())
	}
	for _, name := range names {
		page := template.Must(template.Must(layout.Clone()).ParseFS(pageFiles, name))
		pages[name] = page
	}
	return pages
}

// price writes cents as a decimal number, as the browser reads it too.
func price(cents int) string {
	return fmt.Sprintf("%d.%02d", cents/100, cents%100)
}

func (s *shop) render(w http.ResponseWriter, status int, page string, v view) {
	var body bytes.Buffer
	if err := s.pages["pages/"+page+".html"].ExecuteTemplate(&body, "layout.html", v); err != nil {
		http.Error(w, "render page", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	h.Set("Content-Security-Policy", "default-src 'self'; base-uri 'none'; frame-ancestors 'none'")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // The visitor may have left; there is nobody to tell.
}

func (s *shop) home(w http.ResponseWriter, _ *http.Request) {
	v := s.base
	v.Title = "Saltmarsh Supply"
	for _, c := range v.Categories {
		v.Featured = append(v.Featured, c.Products[:2]...)
	}
	s.render(w, http.StatusOK, "home", v)
}

func (s *shop) category(w http.ResponseWriter, r *http.Request) {
	for _, c := range s.base.Categories {
		if c.Slug == r.PathValue("category") {
			v := s.base
			v.Title, v.Category = c.Name, c
			s.render(w, http.StatusOK, "category", v)
			return
		}
	}
	s.missing(w, r)
}

func (s *shop) product(w http.ResponseWriter, r *http.Request) {
	for _, c := range s.base.Categories {
		for _, p := range c.Products {
			if p.Slug == r.PathValue("product") {
				v := s.base
				v.Title, v.Category, v.Product = p.Name, c, p
				s.render(w, http.StatusOK, "product", v)
				return
			}
		}
	}
	s.missing(w, r)
}

// guide serves each chapter at its own address; moving between them is up to the browser.
func (s *shop) guide(w http.ResponseWriter, r *http.Request) {
	chapter := r.PathValue("chapter")
	for _, g := range s.base.Guides {
		if g.Slug == chapter || chapter == "" {
			v := s.base
			v.Title, v.Guide = g.Name, g
			s.render(w, http.StatusOK, "guide", v)
			return
		}
	}
	s.missing(w, r)
}

func (s *shop) post(w http.ResponseWriter, r *http.Request) {
	for _, p := range s.base.Posts {
		if p.Slug == r.PathValue("post") {
			v := s.base
			v.Title, v.Post = p.Title, p
			s.render(w, http.StatusOK, "post", v)
			return
		}
	}
	s.missing(w, r)
}

func (s *shop) plain(name string) http.HandlerFunc {
	titles := map[string]string{"cart": "Cart", "checkout": "Checkout", "thanks": "Thank you", "account": "Account"}
	return func(w http.ResponseWriter, _ *http.Request) {
		v := s.base
		v.Title = titles[name]
		s.render(w, http.StatusOK, name, v)
	}
}

func (s *shop) missing(w http.ResponseWriter, _ *http.Request) {
	v := s.base
	v.Title = "Not found"
	s.render(w, http.StatusNotFound, "missing", v)
}

// The dashboard's handler: files, and the application for every other address.
package ui

import (
	"embed"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

//go:embed all:dist
var distFiles embed.FS

const (
	cacheForever = "public, max-age=31536000, immutable"
	revalidate   = "no-cache"

	// securityPolicy has no exception for inline scripts or styles: the build makes none. The
	// dashboard talks to its own origin only.
	securityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
		"connect-src 'self'; font-src 'self'; manifest-src 'self'; form-action 'self'; " +
		"base-uri 'none'; frame-ancestors 'none'"
)

// Handler serves the dashboard. It is to be mounted at / behind every more specific route.
func Handler() http.Handler {
	return newDashboard(sub(distFiles, "dist"))
}

func sub(files fs.FS, dir string) fs.FS {
	tree, err := fs.Sub(files, dir)
	if err != nil {
		panic("BUG: the embedded directory has a constant name: " + err.Error())
	}
	return tree
}

type dashboard struct {
	assets map[string]asset
	index  asset
}

func newDashboard(files fs.FS) http.Handler {
	assets, err := loadAssets(files)
	if err != nil {
		panic("BUG: embedded files can always be read: " + err.Error())
	}
	index, ok := assets["index.html"]
	if !ok {
		return notBuilt("The dashboard")
	}
	return onlyReads(&dashboard{assets: assets, index: index})
}

// ServeHTTP answers a read request.
func (d *dashboard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
	if a, ok := d.assets[name]; ok && name != "index.html" {
		cache := revalidate
		if strings.HasPrefix(name, "assets/") {
			cache = cacheForever
		}
		a.serve(w, r, cache)
		return
	}
	if strings.HasPrefix(name, "assets/") || path.Ext(name) != "" && name != "index.html" {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", securityPolicy)
	// The one-time token of the setup page is in its address; no other site may learn it.
	h.Set("Referrer-Policy", "same-origin")
	d.index.serve(w, r, revalidate)
}

func onlyReads(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// notBuilt answers for a part that the binary was compiled without.
func notBuilt(what string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, what+" is not built into this binary: run make build.", http.StatusServiceUnavailable)
	})
}

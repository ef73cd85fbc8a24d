// The tracker's handler: one script for the pages of any site.
package ui

import (
	"embed"
	"io/fs"
	"net/http"
)

//go:embed all:tracker
var trackerFiles embed.FS

// trackerCache is short: a fixed tracker reaches every site within the hour, and a busy site still
// asks for it once per visitor.
const trackerCache = "public, max-age=3600"

// Tracker serves the browser script. It is to be mounted at /tidemark.js.
func Tracker() http.Handler {
	return newTracker(sub(trackerFiles, "tracker"))
}

func newTracker(files fs.FS) http.Handler {
	script, err := loadAsset(files, "tidemark.js")
	if err != nil {
		return notBuilt("The tracker")
	}
	read := onlyReads(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		script.serve(w, r, trackerCache)
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Pages of other sites load it, also those that isolate themselves or check its integrity.
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
		if r.Method == http.MethodOptions {
			w.Header().Set("Access-Control-Allow-Methods", "GET, HEAD")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		read.ServeHTTP(w, r)
	})
}

// One embedded file, ready to be answered: both encodings and their entity tags.
package ui

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

// An asset is a file in memory. Immutable.
type asset struct {
	contentType string
	plain       []byte
	gzipped     []byte // Empty if the build made none.
	tag         string
}

// loadAssets reads a tree of files; x.gz is the packed form of x and no file of its own.
func loadAssets(files fs.FS) (map[string]asset, error) {
	assets := map[string]asset{}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(name, ".gz") || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		a, err := loadAsset(files, name)
		if err != nil {
			return fmt.Errorf("load asset %s: %w", name, err)
		}
		assets[name] = a
		return nil
	})
	return assets, err
}

func loadAsset(files fs.FS, name string) (asset, error) {
	plain, err := fs.ReadFile(files, name)
	if err != nil {
		return asset{}, err
	}
	gzipped, err := fs.ReadFile(files, name+".gz")
	if err != nil || len(gzipped) >= len(plain) {
		gzipped = nil
	}
	sum := sha256.Sum256(plain)
	return asset{
		contentType: contentType(name),
		plain:       plain,
		gzipped:     gzipped,
		tag:         hex.EncodeToString(sum[:12]),
	}, nil
}

// contentType does not ask the machine's own tables first, which differ between machines.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".html":
		return "text/html; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}

// serve answers with the file. The two encodings have different tags: they are different bytes.
func (a asset) serve(w http.ResponseWriter, r *http.Request, cacheControl string) {
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	h.Set("Cache-Control", cacheControl)
	h.Set("X-Content-Type-Options", "nosniff")
	body, tag := a.plain, a.tag
	if a.gzipped != nil {
		h.Add("Vary", "Accept-Encoding")
		if acceptsGzip(r) {
			h.Set("Content-Encoding", "gzip")
			body, tag = a.gzipped, a.tag+"-gzip"
		}
	}
	h.Set("ETag", `"`+tag+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// acceptsGzip reports whether the client takes gzip. "gzip;q=0" is a refusal.
func acceptsGzip(r *http.Request) bool {
	for _, coding := range strings.Split(r.Header.Get("Accept-Encoding"), ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(coding), ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			weight = strings.ReplaceAll(weight, " ", "")
			return strings.Trim(strings.TrimPrefix(weight, "q="), "0.") != "" || weight == ""
		}
	}
	return false
}

// DB: looks addresses up in one or more database files.
package geo

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/maypok86/otter/v2"
	"github.com/oschwald/maxminddb-golang/v2"

	"tidemark/internal/event"
)

// maxPlaces bounds the places that are remembered. A city file has some
// hundred thousand; most traffic comes from a few thousand.
const maxPlaces = 64 << 10

// ErrNoDatabase says that a folder holds no database file.
var ErrNoDatabase = errors.New("no .mmdb file")

// DB answers where addresses are.
type DB struct {
	files  []*file
	places *otter.Cache[placeKey, *event.Geo]
}

// file is one open database.
type file struct {
	reader *maxminddb.Reader
	source string // "dbip-city-ipv4@20260605"
	v6     bool
}

// placeKey is a record of a file. Many address ranges share a record.
type placeKey struct {
	file   int
	offset uintptr
}

// Open opens a database file, or all .mmdb files of a folder: the city files
// come as one for IPv4 and one for IPv6. Files that know cities are asked
// before those that know countries only.
func Open(path string) (*DB, error) {
	paths, err := databaseFiles(path)
	if err != nil {
		return nil, fmt.Errorf("open geo database: %w", err)
	}
	db := &DB{places: otter.Must(&otter.Options[placeKey, *event.Geo]{
		MaximumSize: maxPlaces,
		Executor:    func(fn func()) { fn() }, // no goroutines of its own
	})}
	for _, p := range paths {
		r, err := maxminddb.Open(p)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("open geo database %s: %w", p, err), db.Close())
		}
		name := strings.TrimSuffix(filepath.Base(p), filepath.Ext(p))
		build := r.Metadata.BuildTime().UTC().Format("20060102")
		db.files = append(db.files, &file{r, name + "@" + build, r.Metadata.IPVersion == 6})
	}
	slices.SortStableFunc(db.files, func(a, b *file) int { return b.detail() - a.detail() })
	return db, nil
}

func databaseFiles(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	paths, err := filepath.Glob(filepath.Join(path, "*.mmdb"))
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("%w in %s", ErrNoDatabase, path)
	}
	return paths, nil
}

// detail ranks files: those with cities are better.
func (f *file) detail() int {
	if strings.Contains(strings.ToLower(f.reader.Metadata.DatabaseType+f.source), "city") {
		return 1
	}
	return 0
}

// Sources lists the databases in use, for logs and answers.
func (db *DB) Sources() []string {
	sources := make([]string, len(db.files))
	for i, f := range db.files {
		sources[i] = f.source
	}
	return sources
}

// Close gives the files back.
func (db *DB) Close() error {
	var errs []error
	for _, f := range db.files {
		errs = append(errs, f.reader.Close())
	}
	return errors.Join(errs...)
}

// Lookup returns where an address is, nil if that is unknown. The result is
// shared and must not be changed. Fast path: no allocation.
func (db *DB) Lookup(addr netip.Addr) *event.Geo {
	addr = addr.Unmap().WithZone("")
	if !addr.IsValid() {
		return nil
	}
	for i, f := range db.files {
		if addr.Is6() && !f.v6 {
			continue
		}
		result := f.reader.Lookup(addr)
		if !result.Found() {
			continue
		}
		key := placeKey{i, result.Offset()}
		if place, ok := db.places.GetIfPresent(key); ok {
			return place
		}
		if place := readPlace(result, f.source); place != nil {
			db.places.Set(key, place)
			return place
		}
	}
	return nil
}

// readPlace decodes a record of either layout, nil if it names no country.
// A record that cannot be read counts as absent: the file is the operator's
// and a request must not fail on it.
func readPlace(r maxminddb.Result, source string) *event.Geo {
	country := firstText(r, []any{"country_code"}, []any{"country", "iso_code"})
	if len(country) != 2 {
		return nil
	}
	return &event.Geo{
		Country: strings.ToUpper(country),
		Region:  firstText(r, []any{"state1"}, []any{"subdivisions", 0, "names", "en"}),
		City:    firstText(r, []any{"city"}, []any{"city", "names", "en"}),
		Source:  source,
	}
}

// firstText returns the first of the paths that leads to a text.
func firstText(r maxminddb.Result, paths ...[]any) string {
	for _, path := range paths {
		var s string
		if err := r.DecodePath(&s, path...); err == nil && s != "" {
			return s
		}
	}
	return ""
}

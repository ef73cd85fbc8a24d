// Layout: which object has which key. Folders are named as Spark, DuckDB and ClickHouse find
// partitions by.
package archive

import (
	"fmt"
	"strconv"
	"strings"

	"tidemark/internal/blob"
	"tidemark/internal/event"
	"tidemark/internal/store"
)

const entriesPrefix = "entries/"

// place is an edition of a range: where its entry lies.
type place struct {
	property event.PropertyID
	from     event.Time
	edition  uint64
}

func (e *Entry) place() place { return place{e.Property, e.From, e.Edition} }

func propertyFolder(p event.PropertyID) string { return "property=" + p.String() + "/" }

// key returns where the entry lies.
func (p place) key() string {
	return fmt.Sprintf("%s%s%020d-%06d.json", entriesPrefix, propertyFolder(p.property), int64(p.from), p.edition)
}

// parseEntryKey reads what key writes.
func parseEntryKey(key string) (place, bool) {
	folder, name, ok := strings.Cut(strings.TrimPrefix(key, entriesPrefix), "/")
	id, isProperty := strings.CutPrefix(folder, "property=")
	name, isEntry := strings.CutSuffix(name, ".json")
	if !ok || !isProperty || !isEntry {
		return place{}, false
	}
	p, err := event.ParsePropertyID(id)
	at, ok := parseRange(name)
	at.property = p
	return at, ok && err == nil && at.key() == key
}

// parseRange reads "<from>-<edition>" and ignores what follows.
func parseRange(name string) (place, bool) {
	parts := strings.SplitN(name, "-", 3)
	if len(parts) < 2 {
		return place{}, false
	}
	from, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil {
		return place{}, false
	}
	edition, err := strconv.ParseUint(parts[1], 10, 64)
	return place{from: event.Time(from), edition: edition}, err == nil
}

// shortTable is what a table is called in keys.
func shortTable(t store.Table) string { return strings.TrimPrefix(string(t), "final_") }

// fileKey returns the key of a Parquet file. Its checksum is in it: other bytes never take its place.
func (e *Entry) fileKey(t store.Table, n int, sum blob.Sum) string {
	return fmt.Sprintf("%sday=%s/%020d-%06d-%03d-%s-%s.parquet", propertyFolder(e.Property), e.Day, int64(e.From), e.Edition, n,
		sum.String()[:16], shortTable(t))
}

// parseFileKey returns of which edition a file of a property is.
func parseFileKey(p event.PropertyID, key string) (place, bool) {
	name := key[strings.LastIndexByte(key, '/')+1:]
	at, ok := parseRange(name)
	at.property = p
	return at, ok && strings.HasSuffix(name, ".parquet")
}

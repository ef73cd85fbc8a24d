// TestImports: who may import whom. Arrows point from the command over the
// app to adapters and roles, from there to contracts, from there to values;
// nothing points back, and roles and adapters never see each other.
package lint

import (
	"slices"
	"strconv"
	"strings"
	"testing"
)

// allowed lists what each package may import of ours outside its tests. A name
// ending in /... is a tree: its packages may import each other as well.
func allowed() map[string][]string {
	contract := map[string][]string{
		// values: no I/O, no clock, no logger, no goroutine
		"event":   {},
		"window":  {"event"},
		"catalog": {"event"},
		"sketch":  {},
		"ledger":  {"event"},

		// contracts
		"eventlog": {"event"},
		"property": {"event"},
		"intent":   {},
		"node":     {},
		"blob":     {},
		"store":    {"event", "catalog", "ledger"},
		"state":    {"event", "store"},

		// engines: pure over what they are given
		"enrich": {"event"},
		"geo":    {"event"},
		"fold":   {"event", "enrich", "ledger", "store", "window"},
		"report": {"event", "catalog", "ledger", "property", "sketch", "store"},

		"replay": {"event", "enrich", "eventlog", "fold", "property", "report", "state", "store", "window"},

		"archive": {"blob", "event", "store", "window"},

		// roles
		"collect/...":    {"event", "enrich", "eventlog", "property"},
		"pipeline":       {"event", "enrich", "eventlog", "fold", "ledger", "pipeline/due", "property", "state", "store"},
		"pipeline/owned": {"enrich", "event", "eventlog", "fold", "intent", "ledger", "pipeline/due", "state", "store"},
		"pipeline/due":   {"event", "store", "window"}, // what both have to decide
		"migrate":        {"event", "eventlog", "fold", "intent", "ledger", "pipeline/owned", "property", "report", "state", "store"},
		"api":            {"catalog", "event", "ledger", "property", "report"},
		"ui":             {},
		"demoshop":       {},

		// adapters: their contract and what it imports
		"eventlog/memlog":     {"event", "eventlog"},
		"eventlog/pebblelog":  {"event", "eventlog"},
		"eventlog/kafkalog":   {"event", "eventlog"},
		"eventlog/spool":      {"event", "eventlog"}, // the contract only: the app gives it both logs
		"state/pebblestate":   {"event", "state"},
		"store/duckstore/...": {"catalog", "event", "sketch", "store"},
		"store/clickstore":    {"event", "ledger", "store"},
		"property/secret":     {"event"},
		"property/sqlreg":     {"event", "property", "property/secret"},
		"property/pgreg":      {"event", "postgres", "property", "property/secret"},
		"property/recall":     {"event", "property", "property/secret"},
		"intent/memintent":    {"intent"},
		"intent/pgintent":     {"intent", "postgres"},
		"migrate/pgnote":      {"migrate", "postgres"},
		"node/dnsnode":        {"node"},
		"node/memnode":        {"node"},
		"node/pgnode":         {"node", "postgres"},
		"state/remote":        {"blob"},
		"blob/dirblob":        {"blob"},
		"blob/s3blob":         {"blob"},

		// suites
		"eventlog/eventlogtest": {"event", "eventlog"},
		"store/storetest":       {"event", "ledger", "store"},
		"property/propertytest": {"event", "property"},
		"intent/intenttest":     {"intent"},
		"node/nodetest":         {"node"},
		"blob/blobtest":         {"blob"},

		// support
		"node/watch": {"node"},
		"postgres":   {},
		"service":    {},
		"obs":        {},
		"simulate":   {"event", "eventlog", "property", "testkit/traffic"},
		"lint":       {},

		// test kit. The oracle must not see what it judges: it knows the
		// question (report.Query), the words, and the tables of enrich.
		"testkit/traffic":      {"event"},
		"testkit/oracle":       {"event", "catalog", "enrich", "report", "store"},
		"testkit/kafkabroker":  {"testkit/cached", "testkit/child"},
		"testkit/spec":         {"event", "catalog", "property", "report", "store"},
		"testkit/pgserver":     {"testkit/child"},
		"testkit/objectserver": {"testkit/cached", "testkit/child"},
		"testkit/cached":       {},
		"testkit/parquetfile":  {},
		"testkit/child":        {},
		"testkit/process":      {"testkit/child"},
		// The engine of ClickHouse, and the program that serves it.
		"testkit/clickserver":      {"testkit/cached", "testkit/child"},
		"testkit/clickserver/shim": {},

		// config lists the Configs of others; cli is the operator's side
		"config": {"archive", "blob/dirblob", "blob/s3blob", "state/remote", "store/clickstore", "collect", "enrich", "eventlog/kafkalog", "eventlog/pebblelog", "eventlog/spool", "geo", "obs", "pipeline", "pipeline/owned",
			"postgres", "property/pgreg", "report", "state/pebblestate", "store/duckstore", "api"},
		"capacity": {},
		"cli":      {"archive", "capacity", "config", "event", "intent", "intent/pgintent", "node", "node/pgnode", "node/watch", "obs", "property", "property/pgreg", "property/sqlreg", "replay", "report", "simulate", "testkit/traffic"},
	}
	// Composition roots import everything; nothing but cmd and tests imports them.
	for _, composition := range []string{"app", "testkit/product", "testkit/sim"} {
		contract[composition] = []string{"*"}
	}
	return contract
}

// library says which packages may import something of others, and why it is
// there. An empty list of packages means all.
type library struct {
	path string
	only []string
	why  string
}

func libraries() []library {
	return []library{
		// drivers: only in their adapter, so that no contract grows around one
		{"github.com/cockroachdb/pebble/v2", []string{"eventlog/pebblelog", "state/pebblestate", "testkit/product", "testkit/sim"},
			"log and state on one machine: group commit, and file systems that crash in tests"},
		{"github.com/twmb/franz-go", []string{"eventlog/kafkalog", "testkit/kafkabroker"},
			"Kafka without C: idempotent producer, groups, raw requests; kfake is a broker inside a test. BSD 3-clause"},
		{"github.com/duckdb/duckdb-go", []string{"store/duckstore/..."}, "queries over Parquet in the process"},
		{"github.com/mattn/go-sqlite3", []string{"property/sqlreg"}, "a registry that several processes share"},
		{"github.com/jackc/pgx/v5", []string{"postgres", "intent/pgintent", "migrate/pgnote", "node/pgnode", "property/pgreg", "testkit/pgserver"},
			"PostgreSQL: the registry that many nodes share"},
		{"github.com/minio/minio-go/v7", []string{"blob/s3blob", "testkit/objectserver"},
			"object stores that speak S3: signed checksums, conditional PUT. Apache-2.0, released monthly, a third of the modules of " +
				"Amazon's own; its retries and bodies have no time limit, so s3blob brings its own (docs/design/0016)"},
		{"github.com/pressly/goose/v3", []string{"postgres", "property/sqlreg"}, "schema upgrades"},
		{"github.com/oschwald/maxminddb-golang/v2", []string{"geo"}, "reads mmdb files"},
		{"github.com/maxmind/mmdbwriter", []string{"geo"}, "tests write the mmdb files that they read"},
		{"github.com/ua-parser/uap-go", []string{"enrich"}, "knows rare user agents"},
		{"github.com/alecthomas/kong", []string{"cli"}, "the command line"},
		{"go.yaml.in/yaml/v4", []string{"config", "enrich"}, "the configuration file; rule files"},

		// libraries
		{"github.com/prometheus/client_golang/prometheus", nil, "instruments, given to constructors"},
		{"github.com/klauspost/compress", []string{"collect/..."}, "request bodies: zstd, and gzip faster than the standard one"},
		{"github.com/maypok86/otter/v2", []string{"enrich", "geo", "collect/...", "property/recall", "store/duckstore/..."}, "bounded caches that a scan does not empty"},
		{"github.com/zeebo/xxh3", nil, "fast hash and checksum, stable across versions"},
		{"github.com/planetscale/vtprotobuf", []string{"event", "fold"}, "generated code"},
		{"google.golang.org/protobuf", nil, "records on disk"},
		{"golang.org/x/crypto", []string{"property/secret"}, "Argon2id"},
		{"golang.org/x/net/dns/dnsmessage", []string{"node/dnsnode"}, "tests answer DNS by hand"},
		{"golang.org/x/net/publicsuffix", []string{"enrich"}, "which hosts belong to one site"},
		{"golang.org/x/sync", nil, "errgroup, singleflight, semaphore"},
		{"golang.org/x/term", []string{"cli", "obs"}, "is it a terminal, and how wide"},
		{"golang.org/x/text", []string{"cli"}, "how wide a character is"},

		// tests
		{"github.com/axiomhq/hyperloglog", []string{"sketch"},
			"wrote the first sketches: tests compare estimates and registers with it; older than v0.3.0 it estimates wrongly after some merges"},
		{"github.com/google/go-cmp/cmp", nil, "readable differences"},
		{"github.com/cockroachdb/datadriven", nil, "tests as files that a person can read"},
		{"github.com/parquet-go/parquet-go", []string{"testkit/parquetfile"},
			"a reader of Parquet that shares nothing with DuckDB or ClickHouse, so that archived days are known to be readable. Apache-2.0, released monthly"},
		{"pgregory.net/rapid", nil, "property tests that print and shrink their seed"},
	}
}

func TestImports(t *testing.T) {
	rules := allowed()
	for _, s := range sources(t) {
		for _, spec := range s.file.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if ours, ok := strings.CutPrefix(path, module+"/"); ok {
				checkOurs(t, s, rules, strings.TrimPrefix(ours, "internal/"))
			} else if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") {
				checkLibrary(t, s, path)
			}
		}
	}
}

// ruleOf returns the row of a package: its own, or that of its tree.
func ruleOf(rules map[string][]string, name string) (row string, found bool) {
	if _, ok := rules[name]; ok {
		return name, true
	}
	for tree := name; tree != ""; tree, _, _ = cutLast(tree, "/") {
		if _, ok := rules[tree+"/..."]; ok {
			return tree + "/...", true
		}
	}
	return "", false
}

func checkOurs(t *testing.T, s *source, rules map[string][]string, imported string) {
	name, isInternal := strings.CutPrefix(s.pkg(), module+"/internal/")
	if !isInternal {
		checkOutside(t, s, imported)
		return
	}
	row, found := ruleOf(rules, name)
	if !found {
		t.Errorf("%s: package %s has no row in the table of TestImports", s.path, name)
		return
	}
	if s.isTest || name == imported || slices.Contains(rules[row], "*") && imported != "app" {
		return
	}
	if target, _ := ruleOf(rules, imported); strings.HasSuffix(row, "/...") && target == row {
		return
	}
	if target, _ := ruleOf(rules, imported); !slices.Contains(rules[row], imported) &&
		!slices.Contains(rules[row], strings.TrimSuffix(target, "/...")) {
		t.Errorf("%s: %s must not import %s: it may import %v", s.path, name, imported, rules[row])
	}
}

// checkOutside is for cmd, test and bench: a command is wired by the app.
func checkOutside(t *testing.T, s *source, imported string) {
	if !strings.HasPrefix(s.path, "cmd/") || s.isTest {
		return
	}
	if !slices.Contains([]string{"app", "cli", "config", "service"}, imported) {
		t.Errorf("%s: a command must not import %s: package app does", s.path, imported)
	}
}

func checkLibrary(t *testing.T, s *source, path string) {
	name := strings.TrimPrefix(strings.TrimPrefix(s.pkg(), module+"/"), "internal/")
	for _, l := range libraries() {
		if path != l.path && !strings.HasPrefix(path, l.path+"/") {
			continue
		}
		if l.only == nil {
			return
		}
		for _, only := range l.only {
			tree, isTree := strings.CutSuffix(only, "/...")
			if name == only || isTree && (name == tree || strings.HasPrefix(name, tree+"/")) {
				return
			}
		}
		// A benchmark measures the bare driver, a test may break a file with it.
		if s.isTest || strings.HasPrefix(s.path, "bench/") {
			return
		}
		t.Errorf("%s: %s must not import %s (%s): only %v may", s.path, name, path, l.why, l.only)
		return
	}
	t.Errorf("%s: %s has no row in the table of libraries: say there why it is needed", s.path, path)
}

func TestEveryLibraryHasAReasonAndAUser(t *testing.T) {
	used := map[string]bool{}
	for _, s := range sources(t) {
		for _, spec := range s.file.Imports {
			for _, l := range libraries() {
				if path := strings.Trim(spec.Path.Value, `"`); path == l.path || strings.HasPrefix(path, l.path+"/") {
					used[l.path] = true
				}
			}
		}
	}
	for _, l := range libraries() {
		if l.why == "" {
			t.Errorf("%s has no reason", l.path)
		}
		if !used[l.path] {
			t.Errorf("%s is in the table but nothing imports it", l.path)
		}
	}
}

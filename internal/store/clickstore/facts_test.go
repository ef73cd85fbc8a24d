// What we rely on in ClickHouse (docs/facts/clickhouse.md): these tests go red
// when it stops being so.
package clickstore

import (
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"

	"tidemark/internal/testkit/clickserver"
)

// facts asks a server about a table of (p UInt8, a UInt64), partitioned by p.
type facts struct {
	t      *testing.T
	server *clickserver.Server
	db     url.Values
}

func newFacts(t *testing.T, window int) *facts {
	t.Helper()
	f := &facts{t: t, server: startEngine(t)}
	f.db = url.Values{"database": {f.server.NewDatabase(t)}}
	f.server.MustQuery(t, fmt.Sprintf("CREATE TABLE t (p UInt8, a UInt64) ENGINE = MergeTree PARTITION BY p ORDER BY a "+
		"SETTINGS non_replicated_deduplication_window = %d", window), f.db)
	return f
}

// insert puts rows in under a token: pairs of partition and number.
func (f *facts) insert(token string, more url.Values, pairs ...int) error {
	set := url.Values{"database": f.db["database"], "insert_deduplication_token": {token}}
	for name, v := range more {
		set[name] = v
	}
	var body []byte
	for i := 0; i < len(pairs); i += 2 {
		body = append(body, byte(pairs[i]))
		body = binary.LittleEndian.AppendUint64(body, uint64(pairs[i+1]))
	}
	_, err := f.server.Post("INSERT INTO t FORMAT RowBinary", set, body)
	return err
}

func (f *facts) mustInsert(token string, pairs ...int) {
	f.t.Helper()
	if err := f.insert(token, nil, pairs...); err != nil {
		f.t.Fatal(err)
	}
}

func (f *facts) rows(what, want string) {
	f.t.Helper()
	got := f.server.MustQuery(f.t, "SELECT arrayStringConcat(arraySort(groupArray(concat(toString(p), '/', toString(a)))), ' ') FROM t", f.db)
	if got != want {
		f.t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

func TestFactTokensDropBlocks(t *testing.T) {
	f := newFacts(t, 3)
	f.mustInsert("x", 1, 1)
	f.mustInsert("x", 1, 2)
	f.rows("a known token drops other rows too", "1/1")
	f.mustInsert("x", 2, 1)
	f.rows("in another partition it is another block", "1/1 2/1")
	if err := f.server.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := f.server.Begin(); err != nil {
		t.Fatal(err)
	}
	f.mustInsert("x", 1, 3)
	f.rows("it is known after kill -9", "1/1 2/1")
	f.mustInsert("x", 3, 1)
	f.mustInsert("x", 4, 1)
	f.mustInsert("x", 1, 4)
	f.rows("the window counts blocks of all partitions", "1/1 1/4 2/1 3/1 4/1")
}

func TestFactBlocksAreWholeAndPartsAreNot(t *testing.T) {
	f := newFacts(t, 100)
	f.mustInsert("two", 1, 1, 2, 1)
	f.mustInsert("two", 1, 1, 2, 1)
	f.rows("a block of two partitions is known by both", "1/1 2/1")
	if err := f.insert("limited", url.Values{"max_partitions_per_insert_block": {"1"}}, 3, 1, 4, 1); err == nil || !strings.Contains(err.Error(), "Code: 252.") {
		t.Errorf("a block of two partitions, where one is allowed: got %v", err)
	}
	f.rows("and nothing of it was inserted", "1/1 2/1")
	set := url.Values{"database": f.db["database"], "insert_deduplication_token": {"cut"}}
	if _, err := f.server.Post("INSERT INTO t FORMAT RowBinary", set, []byte("\x05\x01\x00\x00\x00\x00\x00\x00\x00\x05\x01")); err == nil {
		t.Error("a row that breaks off was taken")
	}
	f.rows("nor of one that breaks off in a row", "1/1 2/1")
	f.mustInsert("cut", 5, 7)
	f.rows("whose token is not used up", "1/1 2/1 5/7")
}

func TestFactDroppedBlockIsThereAlready(t *testing.T) {
	f := newFacts(t, 100)
	for i := range 20 {
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				if err := f.insert(fmt.Sprint(i), nil, 1, i); err != nil {
					t.Errorf("insert: %v", err)
				}
				got, err := f.server.Query(fmt.Sprintf("SELECT count() FROM t WHERE a = %d", i), f.db)
				if err != nil || got != "1" {
					t.Errorf("after an insert of many: %s rows, %v", got, err)
				}
			})
		}
		wg.Wait()
	}
}

func TestFactReplacingTablesLoseOldRevisions(t *testing.T) {
	f := newFacts(t, 0)
	f.server.MustQuery(t, "CREATE TABLE r (id UInt64, revision UInt64) ENGINE = ReplacingMergeTree(revision) ORDER BY id", f.db)
	for i := 1; i <= 3; i++ {
		f.server.MustQuery(t, fmt.Sprintf("INSERT INTO r SELECT 1, %d", i), f.db)
	}
	if got := f.server.MustQuery(t, "SELECT max(revision) FROM r FINAL WHERE revision <= 2 SETTINGS optimize_move_to_prewhere_if_final = 0", f.db); got != "0" {
		t.Errorf("FINAL chooses before the condition: got %s, want 0", got)
	}
	f.server.MustQuery(t, "OPTIMIZE TABLE r FINAL", f.db)
	if got := f.server.MustQuery(t, "SELECT groupArray(revision) FROM r", f.db); got != "[3]" {
		t.Errorf("after a merge: got %s, want [3]", got)
	}
}

// TestFactExpressions: what SQL of queries means, with the settings of queries.
func TestFactExpressions(t *testing.T) {
	server := startEngine(t)
	s := &Store{cfg: DefaultConfig()}
	set := url.Values{}
	for name, v := range s.querySettings() {
		set.Set(name, v)
	}
	for _, fact := range [][2]string{
		{`match('a\nb', 'a.b'), match('a\nb', '(?-s)a.b')`, "1\t0"},
		{`match('a\0b', 'a\\x00b'), match('a\0b', '^a$')`, "1\t0"},
		{"match('\u212a', '(?i)^k$'), match('\u017f', '(?i)^s$'), match('\u1e9e', '(?i)^\u00df$')", "1\t1\t1"},
		// Simple folding of Unicode 15.1, which RE2 knows and Go 1.26 does not.
		{"match('\u1fd3', '(?i)^\u0390$'), match('\u1fd3', '^[\u0390]$')", "1\t0"},
		{"lowerUTF8('\u0130') = 'i', lowerUTF8('\u017f') = 's'", "0\t0"},
		{`match('\xff', '(?s)^.$'), hex('\xff\0')`, "0\tFF00"},
		{`startsWith('a\0b', 'a\0'), endsWith('a\0b', '\0b'), position('a\0b', '\0b'), position('a', ''), 'a\0' IN ('a\0', 'b')`, "1\t1\t2\t1\t1"},
		{`toFloat64OrZero('.5'), toFloat64OrZero('5.'), toFloat64OrZero('+5'), toFloat64OrZero('-3e2'), toFloat64OrZero('1e999')`, "0.5\t5\t5\t-300\tinf"},
		{`toFloat64OrZero('123456789.123456789') = 123456789.123456789`, "1"},
		{`JSONExtractString('{"a\\u0022b":"x\\u0000y"}', 'a"b') = 'x\0y', JSONType('{"a":1.5}', 'a') = 'String', JSONType('', 'a') = 'String'`, "1\t0\t0"},
		{`extract('{"n":1.25e+06}', '[{,]"n":([-+0-9.eE]+)')`, "1.25e+06"},
		{`[1, 300][toUInt16(1) + 1], [1, 300][toUInt16(65535) + 1], []::Array(UInt64)[1]`, "300\t0\t0"},
		{`toUInt64(18446744073709551615) <= [18446744073709551615][1], toInt64(-9223372036854775808)`, "1\t-9223372036854775808"},
		{`intDiv(toInt64(-5) - positiveModulo(toInt64(-5), 3), 3)`, "-2"},
		{`formatDateTime(fromUnixTimestamp64Micro(toInt64(-1), 'UTC'), '%Y%m%d%H%i', 'UTC'), toYYYYMM(fromUnixTimestamp64Micro(toInt64(-1), 'UTC'))`, "196912312359\t196912"},
		{`toInt32(toDate32('1900-01-01')), toInt32(toDate32('2299-12-31'))`, fmt.Sprintf("%d\t%d", minDay, maxDay)},
		{`count(), sum(a), sumForEach([a]) FROM (SELECT toInt64(1) AS a WHERE false)`, "0\t0\t[]"},
		{`l.a, r.b, r.known FROM (SELECT 1 AS a) AS l LEFT JOIN (SELECT 2 AS a, 'x' AS b, true AS known) AS r ON l.a = r.a`, "1\t\tfalse"},
		{`length(` + quote(strings.Repeat("'\\\x00", 100_000)) + `)`, "300000"},
	} {
		// Long texts do not fit into a URL.
		if got, err := server.Post("", set, []byte("SELECT "+fact[0])); err != nil || got != fact[1] {
			t.Errorf("%.200s: got %q, %v, want %q", fact[0], got, err, fact[1])
		}
	}
	// Params are texts of TabSeparated: escapes in them are read, a zero byte may stand as it is.
	for value, want := range map[string]string{`a\tb`: "610962", `a\0b`: "610062", "a\x00b": "610062", `a\\b`: "615C62", "a'b": "612762"} {
		if got, err := server.Query("SELECT hex({x:String})", url.Values{"param_x": {value}}); err != nil || got != want {
			t.Errorf("param %q: got %s, %v, want %s", value, got, err, want)
		}
	}
	if got, err := server.Query("SELECT hex({x:Array(UInt64)}[2])", url.Values{"param_x": {"[1,2]"}}); err != nil || got != "02" {
		t.Errorf("an array as param: got %s, %v", got, err)
	}
}

func TestFactLimitsHaveNumbers(t *testing.T) {
	server := startEngine(t)
	for want, set := range map[string]url.Values{
		"Code: 241.": {"max_memory_usage": {"1000000"}},
		"Code: 159.": {"max_execution_time": {"0.001"}},
		"Code: 158.": {"max_rows_to_read": {"10"}},
	} {
		if _, err := server.Query("SELECT uniqExact(number) FROM numbers(10000000)", set); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: got %v, want %s", set, err, want)
		}
	}
}

// Rows are there once also where ClickHouse's own memory of blocks fails.
package clickstore

import (
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"

	"tidemark/internal/event"
	"tidemark/internal/store"
	"tidemark/internal/testkit/clickserver"
)

// page is a batch of one page view.
func page(seq uint64) (store.BatchID, *store.SharedBatch) {
	id := event.RowID(seq)
	return store.BatchID{Log: "suite-1", Partition: 5, Seq: seq}, &store.SharedBatch{Batch: store.Batch{
		Events:   []store.EventRow{{Property: 1, Row: id, Part: id, Client: 1, EventTime: 1_000_000 * event.Time(seq)}},
		Sessions: []store.SessionRow{{Property: 1, Session: id, Revision: 1, Counted: true, Client: 1, Start: 1_000_000 * event.Time(seq)}},
	}}
}

func mustInsert(t *testing.T, s *Store, seq uint64) {
	t.Helper()
	id, b := page(seq)
	if err := s.Insert(t.Context(), id, b); err != nil {
		t.Fatalf("insert %d: %v", seq, err)
	}
}

// rowsOf counts the rows of each batch in a table: "1:1 2:1" is one row of each of two batches.
func rowsOf(t *testing.T, server *clickserver.Server, database, table string) string {
	t.Helper()
	return strings.ReplaceAll(server.MustQuery(t, "SELECT concat(toString(batch_seq), ':', toString(count())) FROM "+table+
		" GROUP BY batch_seq ORDER BY batch_seq", url.Values{"database": {database}}), "\n", " ")
}

// loseParts ends the server and takes away the last part of a table, as if the server had been killed
// after it noted the token and before the part was there.
func loseParts(t *testing.T, server *clickserver.Server, database, table string) {
	t.Helper()
	path := server.MustQuery(t, fmt.Sprintf("SELECT path FROM system.parts WHERE database = '%s' AND table = '%s' AND active ORDER BY max_block_number DESC LIMIT 1",
		database, table), nil)
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(path, server.Dir) {
		t.Fatalf("part %q is not below %s", path, server.Dir)
	}
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	if err := server.Begin(); err != nil {
		t.Fatal(err)
	}
}

func TestCH2_BlockWhoseTokenOutlivedItsRowsIsInsertedAgain(t *testing.T) {
	server := startEngine(t)
	for name, taker := range map[string]func(first *Store, again *Store) *Store{
		"by a new owner": func(_, again *Store) *Store { return again },
		// It inserted the batch before, but the server was started again since.
		"by one who had just inserted the batch before": func(first, _ *Store) *Store { return first },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := configFor(server.NewDatabase(t))
			first, other := open(t, cfg, &line{server: server}), open(t, cfg, &line{server: server})
			mustInsert(t, first, 1)
			mustInsert(t, other, 2)
			loseParts(t, server, cfg.Database, eventsTable)
			if got, want := rowsOf(t, server, cfg.Database, eventsTable), "1:1"; got != want {
				t.Fatalf("nothing was lost: got %s, want %s", got, want)
			}
			s := taker(first, open(t, cfg, &line{server: server}))
			mustInsert(t, s, 2)
			if got, want := rowsOf(t, server, cfg.Database, eventsTable), "1:1 2:1"; got != want {
				t.Errorf("after one try: got %s, want %s", got, want)
			}
			mustInsert(t, other, 2)
			mustInsert(t, s, 3)
			for _, table := range []string{eventsTable, sessionsTable} {
				if got, want := rowsOf(t, server, cfg.Database, table), "1:1 2:1 3:1"; got != want {
					t.Errorf("%s: got %s, want %s", table, got, want)
				}
			}
		})
	}
}

func TestCH2_BlockThatClickHouseForgotIsNotInsertedTwice(t *testing.T) {
	server := startEngine(t)
	cfg := configFor(server.NewDatabase(t))
	cfg.DedupWindow = 2
	first := open(t, cfg, &line{server: server})
	for seq := uint64(1); seq <= 6; seq++ {
		mustInsert(t, first, seq)
	}
	for _, s := range []*Store{first, open(t, cfg, &line{server: server})} {
		mustInsert(t, s, 2)
		mustInsert(t, s, 6)
	}
	for _, table := range []string{eventsTable, sessionsTable} {
		if got, want := rowsOf(t, server, cfg.Database, table), "1:1 2:1 3:1 4:1 5:1 6:1"; got != want {
			t.Errorf("%s: got %s, want %s", table, got, want)
		}
	}
}

func TestCH2_OneNameForOtherRowsIsRefused(t *testing.T) {
	server := startEngine(t)
	cfg := configFor(server.NewDatabase(t))
	mustInsert(t, open(t, cfg, &line{server: server}), 1)
	id, b := page(1)
	b.Events = append(b.Events, b.Events[0])
	if err := open(t, cfg, &line{server: server}).Insert(t.Context(), id, b); err == nil {
		t.Error("a batch of two events was taken for one of one event")
	}
}

func TestCH2_EachInsertIsOneBlockOfOneTableAndDay(t *testing.T) {
	server := startEngine(t)
	cfg := configFor(server.NewDatabase(t))
	tokens := map[string]int{}
	l := &line{server: server}
	s := open(t, cfg, l)
	watched := make(chan url.Values, 100)
	l.watch = func(v url.Values) { watched <- v }
	b := &store.SharedBatch{}
	for i := range event.RowID(blockRows + 10) {
		b.Aliases = append(b.Aliases, store.AliasRow{Property: 1, Part: i, Session: i, Revision: 1, Time: -1})
	}
	b.Aliases = append(b.Aliases, store.AliasRow{Property: 1, Time: dayMicros}, store.AliasRow{Property: 1, Time: dayMicros - 1})
	id := store.BatchID{Log: "suite-1", Partition: 5, Seq: 1}
	if err := s.Insert(t.Context(), id, b); err != nil {
		t.Fatal(err)
	}
	close(watched)
	for v := range watched {
		if token := v.Get("insert_deduplication_token"); token != "" {
			tokens[token]++
		}
	}
	for _, want := range []string{"suite-1/5/1/aliases/-1/0", "suite-1/5/1/aliases/-1/1", "suite-1/5/1/aliases/0/0", "suite-1/5/1/aliases/1/0"} {
		if tokens[want] != 1 {
			t.Errorf("token %s was sent %d times", want, tokens[want])
		}
	}
	if len(tokens) != 4 {
		t.Errorf("tokens: %v", tokens)
	}
	got := server.MustQuery(t, "SELECT partition, rows FROM system.parts WHERE database = '"+cfg.Database+
		"' AND table = 'aliases' AND level = 0 ORDER BY partition, rows", nil)
	if want := "1969-12-31\t10\n1969-12-31\t250000\n1970-01-01\t1\n1970-01-02\t1"; got != want {
		t.Errorf("parts: got\n%s\nwant\n%s", got, want)
	}
}

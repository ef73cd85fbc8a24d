// Heads that cannot be made leave neither tables nor a connection behind.
package duckstore

import (
	"context"
	"testing"

	"tidemark/internal/store"
)

func TestAFailedHeadLeavesNothingBehind(t *testing.T) {
	s := openTest(t, t.TempDir(), store.Manifest{})
	ctx := context.Background()
	if err := s.reader.exec(ctx, "CREATE TABLE "+headTable(store.YoungAliases, 77)+" (x INTEGER)"); err != nil {
		t.Fatal(err)
	}
	before := len(s.reader.idle)
	if _, err := s.newHead(77); err == nil {
		t.Fatal("a head was made although one of its tables was there")
	}
	if got := len(s.reader.idle); got != before {
		t.Errorf("%d idle connections, there were %d: the head keeps one", got, before)
	}
	for _, table := range []store.Table{store.YoungEvents, store.YoungSessions} {
		if err := s.reader.exec(ctx, "SELECT * FROM "+headTable(table, 77)); err == nil {
			t.Errorf("table %s of the failed head is still there", table)
		}
	}
}

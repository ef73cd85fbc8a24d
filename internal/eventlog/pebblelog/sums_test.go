// The sums of a property are there when the disk is not.
package pebblelog

import (
	"context"
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

func TestCountsOfAnswersWhileASyncHangsAndAfterTheLogFailed(t *testing.T) {
	l := mustOpen(t, testConfig(), vfs.NewMem(), plantNothing)
	defer func() { _ = l.Close() }()
	err := l.Append(t.Context(), &eventlog.Batch{Counts: []eventlog.Count{{Property: 1, N: 5}}})
	if err != nil {
		t.Fatal(err)
	}
	check := func(when string) {
		t.Helper()
		got, err := l.CountsOf(t.Context(), 1)
		if err != nil || got[""] != 5 {
			t.Errorf("%s: got %v, %v; want 5", when, got, err)
		}
	}
	l.begun.Add(1) // A commit that is visible and will never be synced.
	check("while a sync hangs")
	l.fail(errors.New("disk"))
	check("after the log failed")
	if _, err := l.Counts(t.Context()); !errors.Is(err, eventlog.ErrClosed) {
		t.Errorf("all counts: got error %v, want ErrClosed: the commit may be visible", err)
	}
}

func TestCountsOfAreOnlyWhatIsDurable(t *testing.T) {
	l := mustOpen(t, testConfig(), vfs.NewMem(), plantNothing)
	defer func() { _ = l.Close() }()
	reason := []byte("borrowed")
	l.writer.counts[countID{property: 1, reason: event.RefuseReason(reason)}] = 7
	c := &commit{batch: l.db.NewBatch()}
	defer func() { _ = c.batch.Close() }()
	l.writer.putCounts(c)
	if got, _ := l.CountsOf(context.Background(), 1); len(got) != 0 {
		t.Errorf("before the sync: got %v, want nothing", got)
	}
	l.publish(c)
	if got, _ := l.CountsOf(context.Background(), 1); got["borrowed"] != 7 {
		t.Errorf("after the sync: got %v, want 7", got)
	}
}

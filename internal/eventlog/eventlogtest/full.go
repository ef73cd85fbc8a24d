// Promises of logs that have a bound: they say that they are full, and they get
// out of it.
package eventlogtest

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

// openFull opens a log that has a bound.
func openFull(t *testing.T, s Subject) eventlog.Log {
	t.Helper()
	l := s.OpenFull(t)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// fill appends to partition 0 until the log is full, and returns how many
// records that took.
func fill(t *testing.T, l eventlog.Log, noise *rand.ChaCha8) int {
	t.Helper()
	for appended := 0; appended <= 100; appended++ {
		payload := make([]byte, 10_000)
		_, _ = noise.Read(payload) // the bound may be one on compressed bytes
		if err := l.Append(t.Context(), batch(0, string(payload))); err != nil {
			wantError(t, "append", err, eventlog.ErrFull)
			return appended
		}
	}
	t.Fatal("a log with less than 1,000,000 bytes took more")
	return 0
}

func fullLogSaysSo(t *testing.T, s Subject) {
	l := openFull(t, s)
	appended := fill(t, l, rand.NewChaCha8([32]byte{}))
	wantEqual(t, "records", len(ReadAll(t, l, 0, 1<<20)), appended)
}

func fullLogTakesEssentialBatches(t *testing.T, s Subject) {
	l := openFull(t, s)
	noise := rand.NewChaCha8([32]byte{})
	appended := fill(t, l, noise)
	text := strings.Repeat("tick", 500)
	for range 20 {
		tick := batch(0, text)
		tick.Records = append(tick.Records, eventlog.Record{Partition: 3, Payload: []byte(text)})
		tick.Essential = true
		mustAppend(t, l, tick)
	}
	wantEqual(t, "records", len(ReadAll(t, l, 0, 1<<20)), appended+20)
	wantEqual(t, "records of another partition", len(texts(t, l, 3)), 20)
	fill(t, l, noise) // Others are still refused.
}

// fullLogTakesMoreAfterTruncate fills and empties a log again and again: what
// was truncated must become room, without anybody reopening the log.
func fullLogTakesMoreAfterTruncate(t *testing.T, s Subject) {
	l := openFull(t, s)
	noise := rand.NewChaCha8([32]byte{})
	took := fill(t, l, noise)
	for range 5 {
		for p := range event.Partition(Partitions) {
			if err := l.Truncate(t.Context(), p, l.End(p)); err != nil {
				t.Fatal(err)
			}
		}
		appendPatiently(t, l, noise, took/2)
		fill(t, l, noise)
	}
}

// appendPatiently appends n records to a log that was just truncated: the room
// may come a little later.
func appendPatiently(t *testing.T, l eventlog.Log, noise *rand.ChaCha8, n int) {
	t.Helper()
	ctx, again := withDeadline(t), time.NewTicker(time.Millisecond)
	defer again.Stop()
	payload := make([]byte, 10_000)
	for done := 0; done < n; {
		_, _ = noise.Read(payload)
		err := l.Append(ctx, batch(0, string(payload)))
		if err == nil {
			done++
			continue
		}
		wantError(t, "append", err, eventlog.ErrFull)
		select {
		case <-again.C:
		case <-ctx.Done():
			t.Fatalf("after everything was truncated the log took %d of %d records", done, n)
		}
	}
}

// What an archiver does to an archive when nothing goes wrong.
package archive

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"tidemark/internal/blob/blobtest"
	"tidemark/internal/event"
	"tidemark/internal/store"
)

func TestFinalDaysAreArchivedByLocalDay(t *testing.T) {
	blobs, s := newBlobs(t), newSource(3)
	s.zone = "Europe/Berlin" // an hour ahead
	mustRound(t, newArchiver(t, blobs, s, nil))
	entries, err := NewReader(blobs).Entries(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	// The last local day ends an hour before the last final instant, and the next day has an hour.
	var days []string
	for _, e := range entries {
		days = append(days, e.Day+" "+e.To.String())
	}
	want := []string{"2026-11-01 2026-11-01T23:00:00.000000Z", "2026-11-02 2026-11-02T23:00:00.000000Z", "2026-11-03 2026-11-03T23:00:00.000000Z"}
	if !slices.Equal(days, want) {
		t.Fatalf("got %q, want %q", days, want)
	}
	if key := entries[0].Files[0].Key; !strings.HasPrefix(key, "property=1/day=2026-11-01/") || !strings.HasSuffix(key, "-events.parquet") {
		t.Errorf("a file has key %s", key)
	}
	if n := len(mustHold(t, blobs, 1)); n != 15-1 { // 23:00 of the last day is in a day that has not ended
		t.Errorf("%d rows are archived", n)
	}
}

func TestDaysWithoutRowsGoWithTheNextThatHasSome(t *testing.T) {
	blobs, s := newBlobs(t), newSource(4)
	mustRound(t, newArchiver(t, blobs, s, nil))
	mustEqual(t, blobs, s)
	entries, err := NewReader(blobs).Entries(t.Context(), 7)
	if err != nil || len(entries) != 2 || entries[1].From != today+day || entries[1].To != today+3*day || entries[1].Day != "2026-11-03" {
		t.Fatalf("entries %+v, %v", entries, err)
	}
}

func TestARoundWithoutNewsAsksNothing(t *testing.T) {
	s := newSource(3)
	blobs := calling(newBlobs(t), func(blobtest.Call) blobtest.Fault { return blobtest.None })
	a := newArchiver(t, blobs, s, nil)
	mustRound(t, a)
	before := blobs.Calls()
	mustRound(t, a)
	if n := blobs.Calls() - before; n != 0 {
		t.Errorf("the second round made %d calls", n)
	}
	// And one new day does not have others written again.
	writes := s.writes
	s.rows[1] = append(s.rows[1], row{today + 3*day, 0, "anna"})
	s.change(1, func(f *Final) { f.Until += day })
	mustRound(t, a)
	mustEqual(t, blobs, s)
	if s.writes != writes+1 {
		t.Errorf("%d files were written for one day of events", s.writes-writes)
	}
}

func TestErasedRowsAreInNoObjectAfterARoundAR4(t *testing.T) {
	blobs, s := newBlobs(t), newSource(3)
	a := newArchiver(t, blobs, s, nil)
	mustRound(t, a)
	if !strings.Contains(everything(t, blobs), "anna") {
		t.Fatal("there is nothing to erase")
	}
	s.erase(1, "anna")
	mustRound(t, a)
	mustEqual(t, blobs, s)
	if strings.Contains(everything(t, blobs), "anna") {
		t.Error("an object still has her rows")
	}
	entries, err := NewReader(blobs).Entries(t.Context(), 1)
	if err != nil || entries[0].Edition != 2 {
		t.Errorf("entry %+v, %v", entries[0], err)
	}
	entries, err = NewReader(blobs).Entries(t.Context(), 7)
	if err != nil || entries[0].Edition != 1 {
		t.Errorf("another property's day was written again: %+v, %v", entries[0], err)
	}
}

func TestOnlyTheDaysThatAChangeTouchedAreWrittenAgain(t *testing.T) {
	blobs, s := newBlobs(t), newSource(4)
	a := newArchiver(t, blobs, s, nil)
	mustRound(t, a)
	s.change(1, func(f *Final) { f.Changes = []Change{{today + day, today + 2*day, "replay"}} })
	mustRound(t, a)
	mustEqual(t, blobs, s)
	entries, err := NewReader(blobs).Entries(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []uint64{1, 2, 1, 1} {
		if entries[i].Edition != want {
			t.Errorf("day %d has edition %d, want %d", i, entries[i].Edition, want)
		}
	}
}

func TestDroppedRowsLeaveTheArchiveS30(t *testing.T) {
	blobs, s := newBlobs(t), newSource(12)
	a := newArchiver(t, blobs, s, nil)
	mustRound(t, a)
	for days := event.Time(1); days <= 11; days++ {
		s.drop(1, today+days*day)
		mustRound(t, a)
		mustEqual(t, blobs, s) // with the sessions that reach over the border
	}
	entries, err := NewReader(blobs).Entries(t.Context(), 1)
	if err != nil || entries[0].Gone != goneDropped || entries[11].Gone != "" {
		t.Errorf("first %+v, last %+v, %v", entries[0], entries[11], err)
	}
	// What is gone does not come back, and an archive that begins now has the same.
	mustRound(t, newArchiver(t, blobs, s, nil))
	mustEqual(t, blobs, s)
	fresh := newBlobs(t)
	mustRound(t, newArchiver(t, fresh, s, nil))
	mustEqual(t, fresh, s)
}

func TestOldDaysGoByKeepDays(t *testing.T) {
	keep := func(c *Config) { c.KeepDays = 2 }
	blobs, s := newBlobs(t), newSource(5)
	mustRound(t, newArchiver(t, blobs, s, nil))
	mustRound(t, newArchiver(t, blobs, s, keep))
	want := s.clone()
	want.rows[1] = slices.DeleteFunc(slices.Clone(s.rows[1]), func(r row) bool { return r.at < today+3*day })
	want.rows[7] = slices.DeleteFunc(slices.Clone(s.rows[7]), func(r row) bool { return r.at < today+3*day })
	mustEqual(t, blobs, want)
	fresh := newBlobs(t)
	mustRound(t, newArchiver(t, fresh, s, keep))
	mustEqual(t, fresh, want)
	if entries, err := NewReader(fresh).Entries(t.Context(), 1); err != nil || len(entries) != 3 || entries[0].Gone != goneOld {
		t.Errorf("entries %+v, %v", entries, err)
	}
}

func TestASourceThatIsOlderChangesNothingAR3(t *testing.T) {
	blobs, s := newBlobs(t), newSource(3)
	older := s.clone()
	mustRound(t, newArchiver(t, blobs, s, nil))
	s.erase(1, "anna")
	mustRound(t, newArchiver(t, blobs, s, nil))
	if err := newArchiver(t, blobs, older, nil).Round(t.Context()); !errors.Is(err, ErrSourceIsOlder) {
		t.Errorf("got %v", err)
	}
	mustEqual(t, blobs, s)
}

func TestLargeDaysAreCutIntoFiles(t *testing.T) {
	blobs, s := newBlobs(t), newSource(2)
	s.rows[7] = append(s.rows[7], row{today + 12*hour, 0, "more"}, row{today + 12*hour, 0, "else"})
	mustRound(t, newArchiver(t, blobs, s, func(c *Config) { c.FileRows = 1 }))
	mustEqual(t, blobs, s)
	entries, err := NewReader(blobs).Entries(t.Context(), 1)
	if err != nil || len(entries[0].Files) != 5 {
		t.Fatalf("entry %+v, %v", entries[0], err)
	}
}

func TestAfterAChangeOfZoneDaysStillMeet(t *testing.T) {
	for _, zone := range []string{"Asia/Tokyo", "America/Los_Angeles", "Pacific/Kiritimati"} {
		blobs, s := newBlobs(t), newSource(3)
		a := newArchiver(t, blobs, s, nil)
		mustRound(t, a)
		s.zone = zone
		for i := event.Time(3); i < 7; i++ {
			s.rows[1] = append(s.rows[1], row{today + i*day, 0, "anna"}, row{today + i*day + 9*hour, 0, "otto"})
			s.change(1, func(f *Final) { f.Until += day })
			mustRound(t, a)
			mustHold(t, blobs, 1)
		}
		// A day later all of that has ended by any clock.
		s.change(1, func(f *Final) { f.Until += 2 * day })
		mustRound(t, a)
		mustEqual(t, blobs, s)
	}
}

func TestDaysWhoseEntriesWereDeletedAreArchivedAgain(t *testing.T) {
	blobs, s := newBlobs(t), newSource(4)
	mustRound(t, newArchiver(t, blobs, s, nil))
	entries, err := NewReader(blobs).Entries(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries[1:3] {
		for _, f := range e.Files {
			if err := blobs.Delete(t.Context(), f.Key); err != nil {
				t.Fatal(err)
			}
		}
		if err := blobs.Delete(t.Context(), e.place().key()); err != nil {
			t.Fatal(err)
		}
	}
	if v, err := NewReader(blobs).Verify(t.Context(), 1, func(int64) {}); err != nil || len(v.Gaps) != 1 {
		t.Errorf("gaps %v, %v", v.Gaps, err)
	}
	mustRound(t, newArchiver(t, blobs, s, nil))
	mustEqual(t, blobs, s)
}

func TestOnePropertyThatFailsDoesNotKeepOthers(t *testing.T) {
	blobs, s := newBlobs(t), newSource(2)
	broken := errors.New("no rows today")
	a := newArchiver(t, blobs, &failing{s, broken}, nil)
	if err := a.Round(t.Context()); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if len(mustHold(t, blobs, 7)) == 0 {
		t.Error("the other property was not archived")
	}
}

// failing does not export property 1.
type failing struct {
	*source
	err error
}

func (f *failing) Export(ctx context.Context, p event.PropertyID) (store.Export, error) {
	if p == 1 {
		return nil, f.err
	}
	return f.source.Export(ctx, p)
}

// A store can say that rows were erased a moment before it gives out rows without them: what is pinned then is not
// archived under the new mark.
func TestRowsOfAnotherStateAreNotArchivedAR3(t *testing.T) {
	blobs, s := newBlobs(t), newSource(2)
	lagging := &lagging{source: s, old: s.clone()}
	a := newArchiver(t, blobs, lagging, nil)
	mustRound(t, a)
	s.erase(1, "anna")
	lagging.pins = 1
	mustRound(t, a)
	mustEqual(t, blobs, s)
}

// lagging exports rows of an old state as many times as pins says.
type lagging struct {
	*source
	old  *source
	pins int
}

func (l *lagging) Export(ctx context.Context, p event.PropertyID) (store.Export, error) {
	if l.pins--; l.pins >= 0 {
		return l.old.Export(ctx, p)
	}
	return l.source.Export(ctx, p)
}

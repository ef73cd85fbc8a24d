// Damage is found wherever it is, and entries of each version are read.
package archive

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/blob"
	"tidemark/internal/store"
)

var rewriteGolden = flag.Bool("rewrite-golden", false, "write the golden entry of the current format version")

func TestVerifyFindsEachChangedByteAndMissingFileAR5(t *testing.T) {
	blobs, s := newBlobs(t), newSource(2)
	mustRound(t, newArchiver(t, blobs, s, nil))
	entries, err := NewReader(blobs).Entries(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range entries[1].Files {
		good := []byte(readObject(t, blobs, f.Key))
		for at := range good {
			bad := bytes.Clone(good)
			bad[at] ^= 1
			mustPut(t, blobs, f.Key, bad)
			mustFind(t, blobs, blob.ErrCorrupt)
		}
		mustPut(t, blobs, f.Key, good[:len(good)-1])
		mustFind(t, blobs, blob.ErrCorrupt)
		if err := blobs.Delete(t.Context(), f.Key); err != nil {
			t.Fatal(err)
		}
		mustFind(t, blobs, blob.ErrNotFound)
		mustPut(t, blobs, f.Key, good)
	}
	mustEqual(t, blobs, s)
	mustPut(t, blobs, "property=1/day=2026-11-01/copy.parquet", []byte("x"))
	if v, err := NewReader(blobs).Verify(t.Context(), 1, func(int64) {}); err != nil || len(v.Unnamed) != 1 {
		t.Errorf("unnamed: %v, %v", v.Unnamed, err)
	}
}

func mustPut(t *testing.T, blobs blob.Store, key string, b []byte) {
	t.Helper()
	if err := blobs.Put(t.Context(), key, blob.Bytes(b)); err != nil {
		t.Fatal(err)
	}
}

// mustFind verifies, and wants the second day and no other to be damaged.
func mustFind(t *testing.T, blobs blob.Store, want error) {
	t.Helper()
	v, err := NewReader(blobs).Verify(t.Context(), 1, func(int64) {})
	if err != nil || len(v.Damaged) != 1 || !errors.Is(v.Damaged[1], want) {
		t.Fatalf("damaged %v, %v; want the second day: %v", v.Damaged, err, want)
	}
}

func TestAFetchOfADamagedFileFailsAR5(t *testing.T) {
	blobs, s := newBlobs(t), newSource(1)
	mustRound(t, newArchiver(t, blobs, s, nil))
	entries, err := NewReader(blobs).Entries(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	f := entries[0].Files[0]
	fetch := func() (string, error) {
		var got bytes.Buffer
		err := NewReader(blobs).Fetch(t.Context(), []File{f}, func(int) (io.WriteCloser, error) { return nopCloser{&got}, nil })
		return got.String(), err
	}
	good := readObject(t, blobs, f.Key)
	if got, err := fetch(); err != nil || got != good {
		t.Fatalf("fetched %q, %v", got, err)
	}
	mustPut(t, blobs, f.Key, []byte("x"+good[1:]))
	if _, err := fetch(); !errors.Is(err, blob.ErrCorrupt) {
		t.Errorf("got %v", err)
	}
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

func TestADamagedEntryIsFoundAR5(t *testing.T) {
	blobs, s := newBlobs(t), newSource(1)
	mustRound(t, newArchiver(t, blobs, s, nil))
	key := place{1, 0, 1}.key()
	good := []byte(readObject(t, blobs, key))
	for at := range len(good) - 1 { // but for the line feed
		bad := bytes.Clone(good)
		bad[at] ^= 1
		mustPut(t, blobs, key, bad)
		if _, err := NewReader(blobs).Entries(t.Context(), 1); !errors.Is(err, blob.ErrCorrupt) {
			t.Fatalf("byte %d was changed: %v\n%s", at, err, bad)
		}
	}
	// An entry that was copied to another place is none of there.
	mustPut(t, blobs, place{1, 0, 2}.key(), good)
	if _, err := NewReader(blobs).Entries(t.Context(), 1); !errors.Is(err, blob.ErrCorrupt) {
		t.Errorf("an entry in another's place: %v", err)
	}
}

func TestEntriesOfEveryFormatVersionAreRead(t *testing.T) {
	want := &Entry{Property: 7, From: today, To: today + day, Edition: 3, Day: "2026-11-01", Zone: "Europe/Berlin", Version: 12,
		Mark: "1 changes 0123456789abcdef", Made: time.Date(2026, 11, 5, 6, 7, 8, 0, time.UTC), Files: []File{
			{Table: store.FinalEvents, Key: "property=7/day=2026-11-01/x-events.parquet", Rows: 5, Bytes: 678, Sum: blob.Bytes([]byte("a")).Sum.String()}}}
	const golden = "testdata/entry-v1.json"
	if *rewriteGolden {
		b, err := want.encode()
		if err == nil {
			err = os.WriteFile(golden, b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	names, err := filepath.Glob("testdata/entry-v*.json")
	if err != nil || len(names) < FormatVersion {
		t.Fatalf("golden entries %v, %v", names, err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeEntry(b, want.place())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
}

func TestKeysAreReadAsTheyAreWritten(t *testing.T) {
	e := &Entry{Property: 18446744073709551615, From: today, Edition: 1_000_000, Day: "2026-11-01"}
	if at, ok := parseEntryKey(e.place().key()); !ok || at != e.place() {
		t.Errorf("entry: %v, %v", at, ok)
	}
	key := e.fileKey(store.FinalSessions, 999, blob.Sum{})
	if at, ok := parseFileKey(e.Property, key); !ok || at != e.place() {
		t.Errorf("file %s: %v, %v", key, at, ok)
	}
	if err := errors.Join(blob.CheckKey(key), blob.CheckKey(e.place().key())); err != nil {
		t.Error(err)
	}
	for _, other := range []string{"entries/property=1/readme.json", "entries/property=x/00000000000000000000-000001.json",
		"entries/property=1/0-1.json", "entries/00000000000000000000-000001.json"} {
		if _, ok := parseEntryKey(other); ok {
			t.Errorf("%s was taken for an entry", other)
		}
	}
}

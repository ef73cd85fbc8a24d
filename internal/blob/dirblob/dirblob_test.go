// The suite on a directory, and what is particular to one.
package dirblob

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tidemark/internal/blob"
	"tidemark/internal/blob/blobtest"
)

type place struct {
	dir   string
	plain bool
}

func (p place) Open(t *testing.T) blob.Store {
	t.Helper()
	s, err := Open(Config{Dir: p.dir, Plain: p.plain})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (p place) Damage(t *testing.T, key string) { damage(t, filepath.Join(p.dir, key), 0) }

// damage changes a byte of a file; at < 0 counts from its end.
func damage(t *testing.T, name string, at int) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if at < 0 {
		at += len(b)
	}
	b[at] ^= 1
	if err := os.WriteFile(name, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestDirectoryKeepsThePromises(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blobtest.Place { return place{dir: filepath.Join(t.TempDir(), "store")} })
}

func TestPlainDirectoryKeepsThePromisesButOne(t *testing.T) {
	blobtest.RunUnverified(t, func(t *testing.T) blobtest.Place {
		return place{dir: filepath.Join(t.TempDir(), "store"), plain: true}
	})
}

func TestPlainFilesAreTheBytesOfTheirObjects(t *testing.T) {
	p := place{dir: t.TempDir(), plain: true}
	if err := p.Open(t).Put(t.Context(), "a=1/b", blob.Bytes([]byte("hello"))); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(p.dir, "a=1", "b")); err != nil || string(got) != "hello" {
		t.Fatalf("the file holds %q, %v", got, err)
	}
}

func TestB3_DamageAnywhereInTheFileIsReported(t *testing.T) {
	p := place{dir: t.TempDir()}
	s, name := p.Open(t), filepath.Join(p.dir, "a")
	for at := range int(trailerSize) + 5 {
		if err := s.Put(t.Context(), "a", blob.Bytes([]byte("hello"))); err != nil {
			t.Fatal(err)
		}
		damage(t, name, at)
		if _, err := blob.Read(t.Context(), s, "a", 100); !errors.Is(err, blob.ErrCorrupt) {
			t.Errorf("byte %d of the file was changed: %v, want ErrCorrupt", at, err)
		}
	}
	for size := range int64(trailerSize) + 5 {
		if err := s.Put(t.Context(), "a", blob.Bytes([]byte("hello"))); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(name, size); err != nil {
			t.Fatal(err)
		}
		if _, err := blob.Read(t.Context(), s, "a", 100); !errors.Is(err, blob.ErrCorrupt) {
			t.Errorf("the file was cut to %d bytes: %v, want ErrCorrupt", size, err)
		}
	}
}

// A writer that was killed leaves its file in .making: it is no object, and goes
// when it is old.
func TestB1_FilesOfDeadWritersAreNoObjectsAndGo(t *testing.T) {
	p := place{dir: t.TempDir()}
	p.Open(t)
	old, young := filepath.Join(p.dir, making, "old"), filepath.Join(p.dir, making, "young")
	for _, name := range []string{old, young} {
		if err := os.WriteFile(name, []byte("half"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	past := time.Now().Add(-abandoned - time.Hour)
	if err := os.Chtimes(old, past, past); err != nil {
		t.Fatal(err)
	}
	s := p.Open(t)
	for info, err := range s.List(t.Context(), "") {
		t.Errorf("listed: %v, %v", info, err)
	}
	if _, err := os.Stat(old); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the old file: %v, want it gone", err)
	}
	if _, err := os.Stat(young); err != nil {
		t.Errorf("the young file: %v, want it kept", err)
	}
}

func TestB1_RefusedContentLeavesNoFile(t *testing.T) {
	p := place{dir: t.TempDir()}
	wrong := blob.Bytes([]byte("x"))
	wrong.Data = bytes.NewReader([]byte("y"))
	if err := p.Open(t).Put(t.Context(), "a", wrong); !errors.Is(err, blob.ErrCorrupt) {
		t.Fatalf("put: %v, want ErrCorrupt", err)
	}
	left, err := os.ReadDir(filepath.Join(p.dir, making))
	if err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// A folder that Delete found empty goes just before it is used.
func TestB2_FolderThatWasRemovedIsMadeAgain(t *testing.T) {
	s, err := Open(Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	from, err := s.fill(t.Context(), blob.Bytes([]byte("x")))
	if err != nil {
		t.Fatal(err)
	}
	tries := 0
	err = s.publish(from, s.path("a/b/c"), func(from, to string) error {
		if tries++; tries == 1 {
			if err := os.RemoveAll(s.path("a")); err != nil {
				t.Fatal(err)
			}
		}
		return os.Rename(from, to)
	})
	if err != nil || tries != 2 {
		t.Errorf("%d tries, %v; want success at the second", tries, err)
	}
	if _, err := blob.Read(t.Context(), s, "a/b/c", 1); err != nil {
		t.Error(err)
	}
}

func TestB8_KeyOfAFolderIsRefused(t *testing.T) {
	s := place{dir: t.TempDir()}.Open(t)
	if err := s.Put(t.Context(), "a/b", blob.Bytes(nil)); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"a", "a/b/c"} {
		if err := s.Put(t.Context(), key, blob.Bytes(nil)); !errors.Is(err, blob.ErrInvalid) {
			t.Errorf("put %s beside a/b: %v, want ErrInvalid", key, err)
		}
	}
}

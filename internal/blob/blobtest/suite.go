// Run: the suite, one test per property.
package blobtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"

	"tidemark/internal/blob"
)

// Place is where objects are kept, empty at first.
type Place interface {
	// Open returns a store over the place, as another process would have it.
	Open(t *testing.T) blob.Store
	// Damage changes one byte of an object behind the store's back.
	Damage(t *testing.T, key string)
}

// Run runs the suite. fresh returns an empty place.
func Run(t *testing.T, fresh func(t *testing.T) Place) {
	tests := suite()
	tests["B3_DamageIsReported"] = damageIsReported
	run(t, tests, fresh)
}

// RunUnverified runs it for a store that leaves it to its caller to know what objects
// should be: everything but that damage is reported.
func RunUnverified(t *testing.T, fresh func(t *testing.T) Place) { run(t, suite(), fresh) }

func run(t *testing.T, tests map[string]func(*testing.T, Place), fresh func(t *testing.T) Place) {
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test(t, fresh(t)) })
	}
}

func suite() map[string]func(*testing.T, Place) {
	return map[string]func(*testing.T, Place){
		"B2_WhatWasPutIsReadByAnother":         readByAnother,
		"B2_DeletedIsGone":                     deletedIsGone,
		"B3_WrongBytesAreRefused":              wrongBytesAreRefused,
		"B4_CreateReplacesNothing":             createReplacesNothing,
		"B4_OfManyCreatesOneWins":              oneCreateWins,
		"B4_ReaderGetsOneWholeObject":          readerGetsOneWhole,
		"B5_ListIsInOrderOfBytes":              listIsInOrder,
		"B5_ListOfManyPages":                   listOfManyPages,
		"B8_HostileKeysTouchNothing":           hostileKeys,
		"EndedContextChangesNothing":           endedContext,
		"MatchesModel":                         matchesModel,
		"ProbeLeavesNothing":                   probeLeavesNothing,
		"B2_FoldersThatBecomeEmptyAreNoTrap":   emptyFolders,
		"B3_ObjectOfAnyLengthComesBackAsItWas": anyLength,
	}
}

func put(t *testing.T, s blob.Store, key, text string) {
	t.Helper()
	if err := s.Put(t.Context(), key, blob.Bytes([]byte(text))); err != nil {
		t.Fatal(err)
	}
}

func wantObject(t *testing.T, s blob.Store, key, want string) {
	t.Helper()
	got, err := blob.Read(t.Context(), s, key, 64<<20)
	if err != nil || string(got) != want {
		t.Fatalf("object %s: %d bytes, %v; want %d bytes %.20q", key, len(got), err, len(want), want)
	}
}

func wantNone(t *testing.T, s blob.Store, key string) {
	t.Helper()
	if got, err := blob.Read(t.Context(), s, key, 1<<20); !errors.Is(err, blob.ErrNotFound) {
		t.Fatalf("object %s: %q, %v; want ErrNotFound", key, got, err)
	}
}

func readByAnother(t *testing.T, p Place) {
	one, two := p.Open(t), p.Open(t)
	wantNone(t, two, "a/b/c")
	put(t, one, "a/b/c", "first")
	wantObject(t, two, "a/b/c", "first")
	put(t, two, "a/b/c", "second, longer")
	wantObject(t, one, "a/b/c", "second, longer")
	put(t, one, "a/b/c", "3")
	wantObject(t, p.Open(t), "a/b/c", "3")
}

func deletedIsGone(t *testing.T, p Place) {
	one, two := p.Open(t), p.Open(t)
	put(t, one, "a/b", "x")
	put(t, one, "a/c", "y")
	for range 2 { // once more is no error
		if err := one.Delete(t.Context(), "a/b"); err != nil {
			t.Fatal(err)
		}
	}
	wantNone(t, two, "a/b")
	if got := list(t, two, ""); fmt.Sprint(got) != "[a/c:1]" {
		t.Errorf("after the delete: %v", got)
	}
	if err := one.Create(t.Context(), "a/b", blob.Bytes([]byte("anew"))); err != nil {
		t.Errorf("create after delete: %v", err)
	}
}

func anyLength(t *testing.T, p Place) {
	s, rng := p.Open(t), rand.NewChaCha8([32]byte{1})
	for _, n := range []int{0, 1, 31, 4095, 4096, 4097, 64<<10 + 1, 3<<20 + 7} {
		b := make([]byte, n)
		_, _ = rng.Read(b)
		key := fmt.Sprintf("len/%d", n)
		if err := s.Put(t.Context(), key, blob.Bytes(b)); err != nil {
			t.Fatal(err)
		}
		wantObject(t, s, key, string(b))
		if got := list(t, s, key); len(got) == 0 || got[0] != fmt.Sprintf("%s:%d", key, n) {
			t.Errorf("list tells %v of %d bytes", got, n)
		}
	}
}

func damageIsReported(t *testing.T, p Place) {
	s := p.Open(t)
	for _, text := range []string{"x", string(bytes.Repeat([]byte("tidemark"), 40000))} {
		put(t, s, "kept", text)
		p.Damage(t, "kept")
		if _, err := blob.Read(t.Context(), s, "kept", 1<<20); !errors.Is(err, blob.ErrCorrupt) {
			t.Errorf("damaged object of %d bytes: %v, want ErrCorrupt", len(text), err)
		}
	}
	put(t, s, "kept", "whole again")
	wantObject(t, s, "kept", "whole again")
}

func wrongBytesAreRefused(t *testing.T, p Place) {
	s := p.Open(t)
	put(t, s, "a", "before")
	wrong := blob.Bytes([]byte("after!"))
	wrong.Data = bytes.NewReader([]byte("afterX"))
	if err := s.Put(t.Context(), "a", wrong); !errors.Is(err, blob.ErrCorrupt) {
		t.Errorf("put with a wrong sum: %v, want ErrCorrupt", err)
	}
	if err := s.Create(t.Context(), "b", wrong); !errors.Is(err, blob.ErrCorrupt) {
		t.Errorf("create with a wrong sum: %v, want ErrCorrupt", err)
	}
	short := blob.Bytes([]byte("after!"))
	short.Data = bytes.NewReader([]byte("aft"))
	if err := s.Put(t.Context(), "a", short); err == nil {
		t.Error("put of fewer bytes than announced succeeded")
	}
	wantObject(t, s, "a", "before")
	wantNone(t, s, "b")
}

func createReplacesNothing(t *testing.T, p Place) {
	one, two := p.Open(t), p.Open(t)
	if err := one.Create(t.Context(), "a/b", blob.Bytes([]byte("first"))); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"first", "second"} {
		if err := two.Create(t.Context(), "a/b", blob.Bytes([]byte(text))); !errors.Is(err, blob.ErrExists) {
			t.Errorf("create again: %v, want ErrExists", err)
		}
	}
	wantObject(t, one, "a/b", "first")
}

func oneCreateWins(t *testing.T, p Place) {
	const writers = 8
	for round := range 10 {
		key, won := fmt.Sprintf("race/%d", round), make([]bool, writers)
		var group sync.WaitGroup
		start := make(chan struct{})
		for i := range writers {
			s := p.Open(t)
			group.Go(func() {
				<-start
				err := s.Create(t.Context(), key, blob.Bytes(fmt.Appendf(nil, "of %d", i)))
				if won[i] = err == nil; err != nil && !errors.Is(err, blob.ErrExists) {
					t.Errorf("create: %v", err)
				}
			})
		}
		close(start)
		group.Wait()
		winner := -1
		for i, w := range won {
			if w && winner >= 0 {
				t.Fatalf("round %d: %d and %d both made the object", round, winner, i)
			}
			if w {
				winner = i
			}
		}
		if winner < 0 {
			t.Fatalf("round %d: nobody made the object", round)
		}
		wantObject(t, p.Open(t), key, fmt.Sprintf("of %d", winner))
	}
}

// readerGetsOneWhole: every version is of one letter, so that a mixture shows.
func readerGetsOneWhole(t *testing.T, p Place) {
	const size = 1 << 20
	s := p.Open(t)
	version := func(i int) string { return string(bytes.Repeat([]byte{'a' + byte(i%26)}, size+i)) }
	put(t, s, "x", version(0))
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for range 2 {
		reader := p.Open(t)
		group.Go(func() {
			for ctx.Err() == nil {
				got, err := blob.Read(t.Context(), reader, "x", 2*size)
				// A service may have taken the old one away under the reader: an error is
				// allowed, other bytes are not.
				if err == nil && string(got) != version(len(got)-size) {
					t.Error("a reader got a mixture")
					return
				}
			}
		})
	}
	for i := range 20 {
		put(t, s, "x", version(i))
	}
	stop()
	group.Wait()
	wantObject(t, s, "x", version(19))
}

func endedContext(t *testing.T, p Place) {
	s := p.Open(t)
	put(t, s, "a", "x")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for what, err := range map[string]error{
		"put": s.Put(ctx, "a", blob.Bytes([]byte("y"))), "create": s.Create(ctx, "b", blob.Bytes(nil)), "delete": s.Delete(ctx, "a"),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want context.Canceled", what, err)
		}
	}
	if r, err := s.Get(ctx, "a"); err == nil {
		if _, err = io.ReadAll(r); !errors.Is(err, context.Canceled) {
			t.Errorf("get: %v, want context.Canceled", err)
		}
		_ = r.Close()
	}
	for _, err := range s.List(ctx, "") {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("list: %v, want context.Canceled", err)
		}
	}
	wantObject(t, s, "a", "x")
	wantNone(t, s, "b")
}

func probeLeavesNothing(t *testing.T, p Place) {
	s := p.Open(t)
	if err := blob.Probe(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if got := list(t, s, ""); len(got) != 0 {
		t.Errorf("the probe left %v", got)
	}
}

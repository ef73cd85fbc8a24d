// Keys: order, pages, hostile ones; and a random life against a model.
package blobtest

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"tidemark/internal/blob"
)

// list returns key:size of what a list yields.
func list(t *testing.T, s blob.Store, prefix string) []string {
	t.Helper()
	var got []string
	for info, err := range s.List(t.Context(), prefix) {
		if err != nil {
			t.Fatalf("list %q: %v", prefix, err)
		}
		got = append(got, fmt.Sprintf("%s:%d", info.Key, info.Size))
	}
	return got
}

// modelList is what list should return.
func modelList(model map[string]string, prefix string) []string {
	var want []string
	for _, key := range slices.Sorted(maps.Keys(model)) {
		if strings.HasPrefix(key, prefix) {
			want = append(want, fmt.Sprintf("%s:%d", key, len(model[key])))
		}
	}
	return want
}

func wantList(t *testing.T, s blob.Store, model map[string]string, prefix string) {
	t.Helper()
	if got, want := list(t, s, prefix), modelList(model, prefix); !slices.Equal(got, want) {
		t.Fatalf("list %q:\n got %v\nwant %v", prefix, got, want)
	}
}

// listIsInOrder has names that are ordered one way as bytes of a key and another
// way as names of files and folders.
func listIsInOrder(t *testing.T, p Place) {
	s, model := p.Open(t), map[string]string{}
	for i, key := range []string{"b/1", "b/10", "b/2", "b-1", "b.1", "b0", "b_", "b/1-1", "b/1.5/x", "b/1x/a", "a", "b/1.5/a", "c/d/e/f", "c-d", "b=1/c=2.x", "b=1-a"} {
		model[key] = strings.Repeat("x", i)
		put(t, s, key, model[key])
	}
	for _, prefix := range []string{"", "b", "b/", "b/1", "b/1.", "b/1.5/", "b-", "b=1", "b=1/", "c/d", "c/d/", "z", "z/y", "a", "a/"} {
		wantList(t, s, model, prefix)
	}
	for range s.List(t.Context(), "") {
		break // whoever has enough may stop
	}
}

func listOfManyPages(t *testing.T, p Place) {
	const objects, writers = 2100, 8
	s, model := p.Open(t), map[string]string{}
	for i := range objects {
		model[fmt.Sprintf("many/%d/%d", i%7, i)] = "x"
	}
	keys := slices.Collect(maps.Keys(model))
	var group sync.WaitGroup
	for part := range slices.Chunk(keys, objects/writers+1) {
		group.Go(func() {
			for _, key := range part {
				if err := s.Put(t.Context(), key, blob.Bytes([]byte("x"))); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	wantList(t, s, model, "many/")
	wantList(t, s, model, "many/3")
}

// hostileKeys: what a key must not be. Nothing may appear anywhere, the object
// that is there stays.
func hostileKeys(t *testing.T, p Place) {
	s := p.Open(t)
	put(t, s, "a/b", "x")
	for _, key := range []string{"", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", ".hidden", "a/.hidden", "A", "a b",
		"a\x00b", "a\nb", "a\\b", "c:d", "a%2fb", "a?b", "a#b", "\xff", "a/b/" + strings.Repeat("x", 201), strings.Repeat("a/", 256) + "b", "ä"} {
		_, err := s.Get(t.Context(), key)
		for what, err := range map[string]error{
			"put": s.Put(t.Context(), key, blob.Bytes(nil)), "create": s.Create(t.Context(), key, blob.Bytes(nil)),
			"delete": s.Delete(t.Context(), key), "get": err,
		} {
			if !errors.Is(err, blob.ErrInvalid) {
				t.Errorf("%s %q: %v, want ErrInvalid", what, key, err)
			}
		}
	}
	for _, prefix := range []string{"/", "..", "../", "a//", ".", "A"} {
		for _, err := range s.List(t.Context(), prefix) {
			if !errors.Is(err, blob.ErrInvalid) {
				t.Errorf("list %q: %v, want ErrInvalid", prefix, err)
			}
		}
	}
	wantList(t, s, map[string]string{"a/b": "x"}, "")
}

// emptyFolders: a store that keeps folders may drop empty ones just when another
// writer is about to use them.
func emptyFolders(t *testing.T, p Place) {
	const writers, rounds = 4, 40
	var group sync.WaitGroup
	for i := range writers {
		s, key := p.Open(t), fmt.Sprintf("deep/er/%d", i)
		group.Go(func() {
			for range rounds {
				if err := s.Create(t.Context(), key, blob.Bytes([]byte("x"))); err != nil {
					t.Error(err)
					return
				}
				if _, err := blob.Read(t.Context(), s, key, 1); err != nil {
					t.Error(err)
					return
				}
				if err := s.Delete(t.Context(), key); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	if got := list(t, p.Open(t), ""); len(got) != 0 {
		t.Errorf("left: %v", got)
	}
}

func matchesModel(t *testing.T, p Place) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	stores, model := []blob.Store{p.Open(t), p.Open(t)}, map[string]string{}
	for step := range 300 {
		s := stores[rng.IntN(len(stores))]
		key := fmt.Sprintf("%c/%c%d", 'a'+rng.IntN(3), 'x'+rng.IntN(2), rng.IntN(4))
		text := strings.Repeat(string(rune('a'+rng.IntN(26))), rng.IntN(2000))
		var err error
		switch rng.IntN(6) {
		case 0, 1:
			err = s.Put(t.Context(), key, blob.Bytes([]byte(text)))
			model[key] = text
		case 2:
			err = s.Create(t.Context(), key, blob.Bytes([]byte(text)))
			if _, there := model[key]; there != errors.Is(err, blob.ErrExists) {
				t.Fatalf("step %d: create %s: %v, there was one: %v", step, key, err, there)
			} else if !there {
				model[key] = text
			} else {
				err = nil
			}
		case 3:
			err = s.Delete(t.Context(), key)
			delete(model, key)
		case 4:
			if want, there := model[key]; there {
				wantObject(t, s, key, want)
			} else {
				wantNone(t, s, key)
			}
		case 5:
			wantList(t, s, model, key[:1+rng.IntN(len(key)-1)])
		}
		if err != nil {
			t.Fatalf("step %d: %v", step, err)
		}
	}
	wantList(t, stores[0], model, "")
}

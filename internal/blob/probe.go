// Probe: does a store keep its promises at all? Asked at start, so that a wrong
// bucket is found before anything depends on it.
package blob

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
)

// ProbePrefix is where Probe works. Nothing else may use it.
const ProbePrefix = "probe/"

// Probe makes, reads, lists and deletes a small object, and sees whether Create
// refuses to replace it: services that ignore conditions exist, and with them two
// nodes could overwrite each other's object (B4).
func Probe(ctx context.Context, s Store) (err error) {
	id := make([]byte, 8)
	_, _ = rand.Read(id) // it never fails
	key := ProbePrefix + hex.EncodeToString(id)
	want := append([]byte("tidemark looks whether this object store keeps its promises "), id...)
	if err := s.Create(ctx, key, Bytes(want)); err != nil {
		return fmt.Errorf("probe object store: create: %w", err)
	}
	defer func() {
		if derr := s.Delete(ctx, key); derr != nil && err == nil {
			err = fmt.Errorf("probe object store: delete: %w", derr)
		}
	}()
	if err := s.Create(ctx, key, Bytes([]byte("another"))); !errors.Is(err, ErrExists) {
		if err != nil {
			return fmt.Errorf("probe object store: create again: %w", err)
		}
		return fmt.Errorf("probe object store: it ignores conditions (If-None-Match) and replaces objects that "+
			"it was told to keep; use a service that supports conditional writes: %w", ErrRefused)
	}
	got, err := Read(ctx, s, key, int64(len(want)))
	if err != nil {
		return fmt.Errorf("probe object store: %w", err)
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("probe object store: read back something else: %w", ErrCorrupt)
	}
	for info, err := range s.List(ctx, key) {
		if err != nil {
			return fmt.Errorf("probe object store: list: %w", err)
		}
		if info.Key == key {
			return nil
		}
	}
	return fmt.Errorf("probe object store: an object that was just made is not listed: %w", ErrRefused)
}

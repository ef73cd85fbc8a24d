// The inventory of a save: which files, of which pieces.
package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"tidemark/internal/blob"
)

// FormatVersion is of inventories. A reader refuses others.
const FormatVersion = 1

// Bounds on sizes.
const (
	// maxPiece is where files are cut. Larger would repeat more when a connection
	// breaks; smaller makes more requests.
	maxPiece = 32 << 20
	// smallPiece is how small the last piece of a file that grows may be and stay
	// one. Larger uploads more again; smaller makes long lists of crumbs.
	smallPiece = 256 << 10
	// maxInventory is more than a state of a terabyte needs.
	maxInventory = 64 << 20
)

// inventory is what its JSON says.
type inventory struct {
	Version int    `json:"version"`
	Name    string `json:"name"`
	// Base is the save on which this one built; empty if there was none. For people.
	Base  string `json:"base,omitempty"`
	Files []file `json:"files"` // by name
}

type file struct {
	Name   string  `json:"name"`
	Size   int64   `json:"size"`
	Pieces []piece `json:"pieces,omitempty"` // one behind the other
}

type piece struct {
	Save string `json:"save"` // id of the save that uploaded it
	Size int64  `json:"size"`
	Sum  string `json:"sha256"`
}

func (inv *inventory) encode() ([]byte, error) {
	b, err := json.Marshal(inv)
	if err != nil {
		return nil, fmt.Errorf("encode inventory of %s: %w", inv.Name, err)
	}
	return b, nil
}

// readInventory returns the inventory of n, checked.
func readInventory(ctx context.Context, store blob.Store, n name) (*inventory, error) {
	b, err := readEncoded(ctx, store, n)
	if err != nil {
		return nil, fmt.Errorf("read inventory of state %s: %w", n, err)
	}
	inv, err := decodeInventory(b, n)
	if err != nil {
		return nil, fmt.Errorf("read inventory of state %s: %w", n, err)
	}
	return inv, nil
}

// readEncoded tries as often as is done for a piece, and for the same reasons.
func readEncoded(ctx context.Context, store blob.Store, n name) ([]byte, error) {
	for try := 1; ; try++ {
		b, err := blob.Read(ctx, store, n.inventoryKey(), maxInventory)
		if err == nil || !mayHelp(ctx, err, try) {
			return b, err
		}
	}
}

// decodeInventory trusts nothing: file names become paths.
func decodeInventory(b []byte, n name) (*inventory, error) {
	inv := &inventory{}
	if err := json.Unmarshal(b, inv); err != nil {
		return nil, fmt.Errorf("%w: %w", blob.ErrCorrupt, err)
	}
	if inv.Version != FormatVersion {
		return nil, fmt.Errorf("it has format %d, this program reads %d: use the version of tidemark that wrote it",
			inv.Version, FormatVersion)
	}
	if inv.Name != n.String() {
		return nil, fmt.Errorf("it is of %q: %w", inv.Name, blob.ErrCorrupt)
	}
	last := ""
	for _, f := range inv.Files {
		if !isFileName(f.Name) || f.Name <= last {
			return nil, fmt.Errorf("file name %q behind %q: %w", f.Name, last, blob.ErrCorrupt)
		}
		if err := f.check(n); err != nil {
			return nil, fmt.Errorf("file %s: %w: %w", f.Name, blob.ErrCorrupt, err)
		}
		last = f.Name
	}
	return inv, nil
}

func (f *file) check(n name) error {
	left := f.Size
	for _, p := range f.Pieces {
		from, err := parseID(n.partition, p.Save)
		if err != nil {
			return err
		}
		if _, err := blob.ParseSum(p.Sum); err != nil {
			return err
		}
		if from.compare(n) > 0 {
			return fmt.Errorf("a piece is of the later save %s", from)
		}
		if p.Size < 1 || p.Size > maxPiece {
			return fmt.Errorf("a piece has %d bytes", p.Size)
		}
		left -= p.Size
	}
	if f.Size < 0 || left != 0 {
		return errors.New("its pieces do not add up to its size")
	}
	return nil
}

// isFileName tells whether Pebble may call a file so, and no path is made of it.
func isFileName(s string) bool {
	if s == "" || s[0] == '.' || len(s) > 200 {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}

// key returns where the piece is.
func (p piece) key(partition int) (key string, sum blob.Sum, err error) {
	from, err := parseID(partition, p.Save)
	if err != nil {
		return "", sum, err
	}
	if sum, err = blob.ParseSum(p.Sum); err != nil {
		return "", sum, err
	}
	return from.pieceKey(sum), sum, nil
}

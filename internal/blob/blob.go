// The Store contract and the values that cross it.
package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
)

// Errors that callers tell apart. Adapters wrap them.
var (
	ErrNotFound = errors.New("no such object")
	// ErrExists: Create found an object.
	ErrExists = errors.New("the object exists already")
	// ErrCorrupt: bytes are not those that were written.
	ErrCorrupt = errors.New("object is corrupt")
	// ErrAway: the store does not answer, or not in time. It may help to try again.
	ErrAway = errors.New("the object store does not answer")
	// ErrRefused: the store answers that it will not: credentials, rights, a bucket
	// that is not there. Trying again does not help; an operator does.
	ErrRefused = errors.New("the object store refuses")
	// ErrInvalid: the key can be none.
	ErrInvalid = errors.New("invalid key")
)

// Store keeps objects.
type Store interface {
	// Put makes the object, in place of any that is there (B4).
	Put(ctx context.Context, key string, c Content) error
	// Create makes the object if there is none; else ErrExists (B4).
	Create(ctx context.Context, key string, c Content) error
	// Get returns a reader over the object (B3). ErrNotFound. The caller must close
	// it; the context must live as long as the reader is used.
	Get(ctx context.Context, key string) (io.ReadCloser, error)
	// List yields the objects whose keys begin with prefix, which may end within a
	// name (B5). An error ends it.
	List(ctx context.Context, prefix string) iter.Seq2[Info, error]
	// Delete removes the object. One that is not there is no error.
	Delete(ctx context.Context, key string) error
}

// Info is what a list tells of an object.
type Info struct {
	Key  string
	Size int64
}

// Sum is the SHA-256 of an object. It is that and not a faster one because S3
// services check it for us on their side, and because keys are made of it, over
// bytes that strangers can influence.
type Sum [sha256.Size]byte

// String returns it in hexadecimal, as sha256sum prints it.
func (s Sum) String() string { return hex.EncodeToString(s[:]) }

// ParseSum reads what String writes.
func ParseSum(text string) (Sum, error) {
	var s Sum
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(s) || text != strings.ToLower(text) {
		return s, fmt.Errorf("read checksum %q: want %d lower-case hexadecimal digits", text, 2*len(s))
	}
	copy(s[:], b)
	return s, nil
}

// Content is what Put and Create write. Data is read from several times when a
// call is repeated, and must not change meanwhile.
type Content struct {
	Data io.ReaderAt
	Size int64
	Sum  Sum
}

// Bytes is the content that b is.
func Bytes(b []byte) Content {
	return Content{Data: bytes.NewReader(b), Size: int64(len(b)), Sum: sha256.Sum256(b)}
}

// Reader returns a new reader over all of the content.
func (c Content) Reader() *io.SectionReader { return io.NewSectionReader(c.Data, 0, c.Size) }

// maxKey is what every adapter can store below a prefix of its own.
const maxKey = 512

// CheckKey tells whether key can be one: names of lower-case letters, digits,
// '-', '_', '.' and '=', that do not begin with a dot, joined by single slashes. No
// file system and no service takes two such keys for one, or one for something
// else (B8). A key must not be a folder of another one: "a" and "a/b" do not
// both exist.
func CheckKey(key string) error {
	if len(key) > maxKey {
		return fmt.Errorf("key of %d bytes, at most %d are allowed: %w", len(key), maxKey, ErrInvalid)
	}
	for name := range strings.SplitSeq(key, "/") {
		if !isName(name) {
			return fmt.Errorf("key %q: %w", key, ErrInvalid)
		}
	}
	return nil
}

const maxName = 200

func isName(name string) bool {
	if name == "" || name[0] == '.' || len(name) > maxName {
		return false
	}
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' && c != '=' {
			return false
		}
	}
	return true
}

// CheckPrefix tells whether keys can begin so. The empty prefix is of all keys.
func CheckPrefix(prefix string) error {
	if prefix == "" {
		return nil
	}
	// Any key goes on from a folder with a name.
	if strings.HasSuffix(prefix, "/") {
		prefix += "x"
	}
	return CheckKey(prefix)
}

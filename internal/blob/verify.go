// Reading with verification, and small objects in one go.
package blob

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
)

// Verify returns a reader that gives io.EOF only if it gave size bytes with this
// sum before, and ErrCorrupt otherwise. Adapters make B3 of it. Close closes r.
func Verify(r io.ReadCloser, size int64, sum Sum) io.ReadCloser {
	return &verifier{from: r, left: size, want: sum, hash: sha256.New()}
}

type verifier struct {
	from io.ReadCloser
	left int64
	want Sum
	hash hash.Hash
	err  error // what was told last
}

func (v *verifier) Read(p []byte) (int, error) {
	if v.err != nil || len(p) == 0 {
		return 0, v.err
	}
	n, err := v.from.Read(p)
	v.hash.Write(p[:n])
	v.left -= int64(n)
	switch {
	case v.left < 0:
		// Nobody is given more than there was.
		n, v.err = 0, fmt.Errorf("it has more bytes than were written: %w", ErrCorrupt)
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		v.err = v.verdict()
	default:
		v.err = err
	}
	return n, v.err
}

func (v *verifier) verdict() error {
	if v.left != 0 {
		return fmt.Errorf("%d bytes are missing at its end: %w", v.left, ErrCorrupt)
	}
	if got := Sum(v.hash.Sum(nil)); got != v.want {
		return fmt.Errorf("its SHA-256 is %v, should be %v: %w", got, v.want, ErrCorrupt)
	}
	return io.EOF
}

func (v *verifier) Close() error { return v.from.Close() }

// Read returns the whole object, which must have at most max bytes.
func Read(ctx context.Context, s Store, key string, max int64) ([]byte, error) {
	r, err := s.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(r, max+1))
	if cerr := r.Close(); err == nil {
		err = cerr
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("read object %s: %w", key, err)
	case int64(len(b)) > max:
		return nil, fmt.Errorf("read object %s: it has more than %d bytes: %w", key, max, ErrCorrupt)
	}
	return b, nil
}

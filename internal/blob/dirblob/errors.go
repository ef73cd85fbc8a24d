// Errors in the words of the contract, and bounds on time.
package dirblob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"

	"tidemark/internal/blob"
)

// wrap says what was done with which object, and which of the contract's errors
// it is.
func wrap(verb, key string, err error) error {
	var kind error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, blob.ErrInvalid), errors.Is(err, blob.ErrCorrupt), errors.Is(err, context.Canceled),
		errors.Is(err, context.DeadlineExceeded):
	case errors.Is(err, fs.ErrNotExist):
		kind = blob.ErrNotFound
	case errors.Is(err, syscall.EEXIST) && verb == "create":
		kind = blob.ErrExists
	case errors.Is(err, syscall.EEXIST), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EISDIR), errors.Is(err, syscall.ENOTEMPTY):
		kind = blob.ErrInvalid // the key is a folder of another, or the other way round
	case errors.Is(err, fs.ErrPermission):
		kind = blob.ErrRefused
	default:
		kind = blob.ErrAway // a full disk, a share that is gone: it may come back
	}
	if kind == nil {
		return fmt.Errorf("%s object %s: %w", verb, key, err)
	}
	return fmt.Errorf("%s object %s: %w: %w", verb, key, kind, err)
}

// patient reads as long as its context lives. A call into the kernel that does not
// return, on a share that hangs, holds it all the same: mount such a share "soft".
type patient struct {
	ctx context.Context
	io.Reader
}

func (p *patient) Read(b []byte) (int, error) {
	if err := p.ctx.Err(); err != nil {
		return 0, err
	}
	return p.Reader.Read(b)
}

// Bodies: read within bounds of bytes, time and memory, and decompressed.
package collect

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"tidemark/internal/collect/wire"
)

// Errors of reading a body.
var (
	errTooLarge = errors.New("body is too large")
	// errNotSent: the client went away or took too long. Nothing was received.
	errNotSent = errors.New("body was not sent in time")
)

// firstBody is the size of a body's first buffer; keptBody of the largest that
// is kept for the next request.
const (
	firstBody = 4 << 10
	keptBody  = 64 << 10
)

// readBody returns the body of r, decompressed. The error is errTooLarge,
// errNotSent, wire.ErrOverBudget or wire.ErrUnreadable.
func (a *arrival) readBody(w http.ResponseWriter, r *http.Request) (string, error) {
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return "", nil
	}
	cfg := &a.c.cfg
	if r.ContentLength > int64(cfg.MaxBody) {
		return "", errTooLarge
	}
	// The deadline stays when the body is read: the server may read on what was
	// left of it, and a slow client must not hold it there. The server lifts it
	// before the next request.
	err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(cfg.BodyTimeout))
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return "", fmt.Errorf("%w: %w", errNotSent, err)
	}
	sent := &sentBody{from: r.Body, left: cfg.MaxBody}
	if err := a.decompress(sent, strings.TrimSpace(r.Header.Get("Content-Encoding"))); err != nil {
		return "", err
	}
	if !a.Take(len(a.body)) {
		return "", wire.ErrOverBudget
	}
	return string(a.body), nil
}

// decompress reads the body into a.body.
func (a *arrival) decompress(sent *sentBody, encoding string) error {
	var err error
	switch strings.ToLower(encoding) {
	case "", "identity":
		err = a.fill(sent, a.c.cfg.MaxBody)
	case "gzip", "x-gzip":
		err = a.c.gzips.read(a, sent)
	case "zstd":
		err = a.c.zstds.read(a, sent)
	default:
		return fmt.Errorf("%w: unknown content encoding", wire.ErrUnreadable)
	}
	switch {
	case err == nil, errors.Is(err, wire.ErrOverBudget), errors.Is(err, errTooLarge):
		return err
	case sent.err != nil: // The decompressor may hide what happened below it.
		return sent.err
	}
	return fmt.Errorf("%w: %w", wire.ErrUnreadable, err)
}

// fill reads from until its end into a.body, at most limit bytes.
func (a *arrival) fill(from io.Reader, limit int) error {
	a.body = a.body[:0]
	if cap(a.body) == 0 {
		a.body = make([]byte, 0, firstBody)
	}
	if !a.Take(cap(a.body)) {
		return wire.ErrOverBudget
	}
	for {
		if len(a.body) > limit {
			return errTooLarge
		}
		if len(a.body) == cap(a.body) {
			if !a.Take(cap(a.body)) {
				return wire.ErrOverBudget
			}
			a.body = append(make([]byte, 0, 2*cap(a.body)), a.body...)
		}
		n, err := from.Read(a.body[len(a.body):cap(a.body)])
		a.body = a.body[:len(a.body)+n]
		if err == io.EOF {
			if len(a.body) > limit {
				return errTooLarge
			}
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// sentBody is the body as sent: it ends with errTooLarge beyond the limit and
// remembers why it ended early.
type sentBody struct {
	from io.Reader
	left int
	err  error
}

// Read implements io.Reader.
func (b *sentBody) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.from.Read(p)
	if b.left -= n; b.left < 0 {
		b.err = errTooLarge
		return 0, b.err
	}
	if err != nil && err != io.EOF {
		b.err = fmt.Errorf("%w: %w", errNotSent, err)
		err = b.err
	}
	return n, err
}

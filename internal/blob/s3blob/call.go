// Calls: bounded in time, repeated where that is safe (B7).
package s3blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/minio/minio-go/v7"

	"tidemark/internal/blob"
)

const (
	// firstPause doubles from try to try, up to longestPause. Shorter hits a service
	// that asks to slow down; longer makes a lost packet cost seconds.
	firstPause   = 50 * time.Millisecond
	longestPause = 2 * time.Second
)

// errStalled is the cause of a request's end that made no progress.
var errStalled = errors.New("no progress in time")

// watch ends a request that makes no progress. A bound on the whole request would
// be too short for large objects or too long for small ones.
type watch struct {
	timer  *time.Timer
	within time.Duration
	end    context.CancelCauseFunc
}

func newWatch(ctx context.Context, within time.Duration) (context.Context, *watch) {
	ctx, end := context.WithCancelCause(ctx)
	w := &watch{within: within, end: end}
	w.timer = time.AfterFunc(within, func() { end(errStalled) })
	return ctx, w
}

// progress may be called after stop, and then does nothing that matters: the
// request's context has ended.
func (w *watch) progress() { w.timer.Reset(w.within) }

// pause is for the time in which nothing is asked of the service.
func (w *watch) pause() { w.timer.Stop() }

func (w *watch) stop() {
	w.timer.Stop()
	w.end(nil)
}

// call runs request until it succeeds, or repeating it cannot help. request must
// be as good twice as once.
func (s *Store) call(ctx context.Context, verb, key string, request func(ctx context.Context, progress func()) error) error {
	return s.try(ctx, verb, key, func() error {
		watched, w := newWatch(ctx, s.cfg.StallTimeout)
		defer w.stop()
		return causeOf(watched, request(watched, w.progress))
	})
}

// open is call for requests that leave a body behind, over whose reads w goes on
// watching. How long the caller takes between them is the caller's matter.
func (s *Store) open(ctx context.Context, key string, request func(ctx context.Context, w *watch) error) error {
	return s.try(ctx, "get", key, func() error {
		watched, w := newWatch(ctx, s.cfg.StallTimeout)
		err := causeOf(watched, request(watched, w))
		if w.pause(); err != nil {
			w.stop()
		}
		return err
	})
}

func (s *Store) try(ctx context.Context, verb, key string, once func() error) error {
	pause := firstPause
	for try := 1; ; try++ {
		err := once()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%s object %s: %w", verb, key, ctx.Err())
		}
		kind := classify(err)
		if kind != blob.ErrAway || try >= s.cfg.Tries {
			return fmt.Errorf("%s object %s in bucket %s at %s: %w: %w", verb, key, s.cfg.Bucket, s.cfg.Endpoint, kind, err)
		}
		// The pause is random, so that all nodes do not come back at once.
		if !wait(ctx, pause/2+rand.N(pause)) {
			return fmt.Errorf("%s object %s: %w", verb, key, ctx.Err())
		}
		pause = min(2*pause, longestPause)
	}
}

// causeOf says why the context ended, if it did.
func causeOf(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return fmt.Errorf("%w (%w)", cause, err)
	}
	return err
}

func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// classify says which of the contract's errors it is. What is not known is
// ErrAway: repeating a request that cannot succeed costs little, failing one that
// could costs a batch.
func classify(err error) error {
	if errors.Is(err, blob.ErrCorrupt) {
		return blob.ErrCorrupt
	}
	answer := minio.ToErrorResponse(err)
	switch answer.Code {
	case minio.NoSuchKey:
		return blob.ErrNotFound
	case minio.PreconditionFailed:
		return blob.ErrExists
	case "ConditionalRequestConflict", "OperationAborted":
		return blob.ErrAway // two at once; the next try sees who won
	case minio.XAmzContentSHA256Mismatch, minio.BadDigest, "InvalidDigest", "XAmzContentChecksumMismatch":
		return blob.ErrCorrupt
	case minio.NoSuchBucket, minio.AccessDenied, minio.InvalidArgument, "InvalidAccessKeyId", "SignatureDoesNotMatch",
		"NotImplemented", "InvalidRequest", "MethodNotAllowed", "RequestTimeTooSkewed", "KeyTooLongError",
		"EntityTooLarge", "AuthorizationHeaderMalformed", "InvalidBucketName", "ObjectParentIsFile", "InvalidObjectState":
		return blob.ErrRefused
	}
	switch status := answer.StatusCode; {
	case status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status == http.StatusConflict:
		return blob.ErrAway
	case status == http.StatusPreconditionFailed:
		return blob.ErrExists
	case status >= 400 && status < 500:
		return blob.ErrRefused
	}
	return blob.ErrAway
}

// counted tells of each read: the request makes progress. It seeks, so that the
// client can send it again on another connection.
type counted struct {
	io.Reader
	progress func()
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.progress()
	return n, err
}

// Seek implements io.Seeker.
func (c *counted) Seek(offset int64, whence int) (int64, error) {
	return c.Reader.(io.Seeker).Seek(offset, whence)
}

// watched is the body of an answer.
type watched struct {
	body   io.ReadCloser
	watch  *watch
	ctx    context.Context
	key    string
	closed atomic.Bool
}

func (b *watched) Read(p []byte) (int, error) {
	if b.closed.Load() {
		return 0, errors.New("read of a closed object")
	}
	b.watch.progress()
	n, err := b.body.Read(p)
	b.watch.pause()
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		// A body that ends early is ErrCorrupt by its sum, if it ends in good order.
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = fmt.Errorf("read object %s: the connection ended early: %w", b.key, blob.ErrAway)
		}
		return n, err
	}
	return n, fmt.Errorf("read object %s: %w: %w", b.key, blob.ErrAway, causeOf(b.ctx, err))
}

// Close implements io.Closer.
func (b *watched) Close() error {
	b.closed.Store(true)
	err := b.body.Close()
	b.watch.stop()
	return err
}

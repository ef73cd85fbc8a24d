// The watch over requests, on simulated time.
package s3blob

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tidemark/internal/blob"
)

const within = time.Second

// hanging gives some bytes at once and then nothing, until its request ends.
type hanging struct {
	io.Reader
	ctx context.Context
}

func (h hanging) Read(p []byte) (int, error) {
	if n, err := h.Reader.Read(p); err == nil {
		return n, nil
	}
	<-h.ctx.Done()
	return 0, h.ctx.Err()
}

func (hanging) Close() error { return nil }

// Who takes long between two reads is not taken for a service that hangs; a
// service that hangs within one is.
func TestB7_OnlyTheServiceIsWatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Store{cfg: Config{StallTimeout: within, Tries: 1}}
		var body *watched
		if err := s.open(t.Context(), "a", func(ctx context.Context, w *watch) error {
			body = &watched{body: hanging{strings.NewReader("ab"), ctx}, watch: w, ctx: ctx, key: "a"}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		var b [1]byte
		for range 2 {
			<-time.After(10 * within)
			if _, err := body.Read(b[:]); err != nil {
				t.Fatalf("read after a pause: %v", err)
			}
		}
		begun := time.Now()
		_, err := body.Read(b[:])
		if !errors.Is(err, blob.ErrAway) || !errors.Is(err, errStalled) || time.Since(begun) != within {
			t.Errorf("read of a service that hangs: %v after %v, want ErrAway after %v", err, time.Since(begun), within)
		}
		if err := body.Close(); err != nil {
			t.Error(err)
		}
	})
}

// A request that makes progress may take as long as it likes.
func TestB7_ProgressIsNoStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, calls := &Store{cfg: Config{StallTimeout: within, Tries: 3}}, 0
		err := s.call(t.Context(), "put", "a", func(ctx context.Context, progress func()) error {
			for range 20 {
				<-time.After(within - 1)
				progress()
			}
			if calls++; calls < 3 {
				<-ctx.Done()
				return ctx.Err()
			}
			return ctx.Err()
		})
		if err != nil || calls != 3 {
			t.Errorf("%d calls, %v; want success at the third", calls, err)
		}
	})
}

// The caller's own impatience is its error, not the service's, and ends pauses too.
func TestB7_CallersContextIsHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Store{cfg: Config{StallTimeout: within, Tries: 20}}
		ctx, cancel := context.WithTimeout(t.Context(), 3*within)
		defer cancel()
		err := s.call(ctx, "put", "a", func(ctx context.Context, _ func()) error {
			<-ctx.Done()
			return ctx.Err()
		})
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, blob.ErrAway) {
			t.Errorf("got %v, want the caller's DeadlineExceeded", err)
		}
	})
}

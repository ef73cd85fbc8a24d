// Health checks over real connections, and a whole view over them.
package watch

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"tidemark/internal/node"
	"tidemark/internal/node/memnode"
)

// within is a bound for machines that are busy with other tests.
const within = 60 * time.Second

func at(address string) node.Node {
	return node.Node{ID: "a", Roles: []string{"api"}, Address: address}
}

func TestHTTPCheckTellsWellFromUnwell(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/well", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) })
	mux.HandleFunc("/unwell", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	mux.HandleFunc("/elsewhere", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/well", http.StatusFound) })
	mux.HandleFunc("/endless", func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write([]byte(strings.Repeat("x", 1<<16))); err != nil {
				return
			}
		}
	})
	s := httptest.NewServer(mux)
	defer s.Close()
	n := at(s.Listener.Addr().String())
	for path, well := range map[string]bool{"/well": true, "/endless": true, "/unwell": false, "/elsewhere": false, "/nowhere": false} {
		if err := HTTP(path)(t.Context(), n); (err == nil) != well {
			t.Errorf("%s: got error %v", path, err)
		}
	}
}

func TestHTTPCheckEndsWithItsContextWhenNobodyAnswers(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := HTTP("/well")(ctx, at(l.Addr().String())); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got error %v, want %v", err, context.DeadlineExceeded)
	}
}

func TestHTTPCheckOfAKilledNodeIsRefused(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	n := at(s.Listener.Addr().String())
	s.Close()
	err := HTTP("/well")(t.Context(), n)
	if !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("got error %v, want %v", err, syscall.ECONNREFUSED)
	}
	if h := (health{routable: true}).after(err); h.routable {
		t.Error("one refusal is not enough")
	}
}

func TestWatcherSeesARealNodeComeAndGo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r := memnode.New()
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	if _, err := r.Register(ctx, at(s.Listener.Addr().String())); err != nil {
		t.Fatal(err)
	}
	w := NewWatcher(Deps{Source: NewLiving(r, nil), Check: HTTP("/readyz"), Logger: slog.New(slog.DiscardHandler)})
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	wait := func(routable int) {
		t.Helper()
		deadline := time.After(within)
		for {
			changed := w.Changed()
			if v, err := w.View(); err == nil && len(v.Routable("api")) == routable {
				return
			}
			select {
			case <-changed:
			case <-deadline:
				t.Fatalf("%d routable nodes did not come", routable)
			}
		}
	}
	wait(1)
	s.Close()
	wait(0)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// HTTP: one listener, and what serves which path.
package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"tidemark/internal/obs"
	"tidemark/internal/ui"
)

// Times a client may take. Too short cuts off slow phones; too long lets idle
// connections pile up. Bodies have a deadline of their own in the collector.
const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 32 << 10
)

func (s *server) openHTTP(context.Context) error {
	l, err := net.Listen("tcp", s.Config.HTTP.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", s.Config.HTTP.Listen, err)
	}
	s.listener = l
	s.http = &http.Server{
		Handler:           s.routes(),
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          newErrorLog(s.Logger),
	}
	return nil
}

func (s *server) routes() http.Handler {
	mux := http.NewServeMux()
	obs.Routes(mux, s.health, s.telemetry)
	if s.has(roleCollector) {
		collector := s.collector.Handler()
		for _, path := range []string{"/v1/events", "/mp/collect", "/debug/mp/collect", "/g/collect"} {
			mux.Handle(path, collector)
		}
		mux.Handle("/tidemark.js", ui.Tracker())
	}
	if s.has(roleAPI) {
		reads := s.api.Handler()
		for _, path := range []string{"/v1/", "/v1beta/", "/openapi.json"} {
			mux.Handle(path, reads)
		}
		mux.Handle("GET /v1/properties/{property}/tail", s.untilStop(reads))
		mux.Handle("/", ui.Handler())
	}
	if s.pages != nil {
		s.pages(mux)
	}
	return mux
}

// untilStop ends requests that would go on for ever when the server stops.
func (s *server) untilStop(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		go func() {
			select {
			case <-s.stopping:
				cancel()
			case <-ctx.Done():
			}
		}()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// serveHTTP serves until the listener is closed.
func (s *server) serveHTTP(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() { ended <- s.http.Serve(s.listener) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return nil
	}
}

// closeHTTP lets requests under way end (A1).
func (s *server) closeHTTP(ctx context.Context) error {
	close(s.stopping)
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.Join(err, s.http.Close())
	}
	return err
}

// url is where browsers on this machine reach the server.
func (s *server) url() string {
	if s.Config.HTTP.PublicURL != "" {
		return strings.TrimRight(s.Config.HTTP.PublicURL, "/")
	}
	host, port, err := net.SplitHostPort(s.listener.Addr().String())
	if err != nil {
		return s.listener.Addr().String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// The live stream over HTTP: server-sent events.
package api

import (
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	// heartbeat keeps proxies from closing a quiet stream.
	heartbeat = 15 * time.Second
	// streamWriteLimit ends streams whose reader has stopped reading.
	streamWriteLimit = 30 * time.Second
)

func (a *API) tail(w http.ResponseWriter, r *http.Request) error {
	p, err := a.readable(r)
	if err != nil {
		return err
	}
	if a.deps.Tail == nil {
		return &httpError{code: http.StatusNotImplemented, status: "UNIMPLEMENTED", message: "live events are not available here"}
	}
	select {
	case a.listeners <- struct{}{}:
		defer func() { <-a.listeners }()
	default:
		return tooMany("too many live streams are open", 10)
	}
	listener := a.deps.Tail.Listen(p.ID)
	defer listener.Close()
	a.telemetry.listeners.Inc()
	defer a.telemetry.listeners.Dec()

	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	s := &stream{w: w, control: http.NewResponseController(w)}
	s.write(": listening\n\n")
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for s.err == nil {
		select {
		case <-r.Context().Done():
			return nil
		case <-beat.C:
			s.write(": still here\n\n")
		case text := <-listener.Events():
			if n := listener.TakeDropped(); n > 0 {
				a.telemetry.dropped.Add(float64(n))
				s.write(fmt.Sprintf("event: dropped\ndata: {\"dropped\":%d}\n\n", n))
			}
			s.write("event: event\ndata: " + string(text) + "\n\n")
		}
	}
	return nil // the reader has gone
}

// stream writes and flushes until the reader has gone.
type stream struct {
	w       io.Writer
	control *http.ResponseController
	err     error
}

func (s *stream) write(text string) {
	if s.err != nil {
		return
	}
	// The deadline also lifts the one that the server sets for whole answers.
	if err := s.control.SetWriteDeadline(time.Now().Add(streamWriteLimit)); err != nil {
		s.err = err
		return
	}
	if _, s.err = io.WriteString(s.w, text); s.err == nil {
		s.err = s.control.Flush()
	}
}

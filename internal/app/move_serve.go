// The side of a move that runs in the installation: orders over the operator's socket.
package app

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"context"

	"tidemark/internal/config"
	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/migrate"
	"tidemark/internal/property"
	"tidemark/internal/report"
)

// maxMoveRead bounds what one request takes of a partition, and moveWait how long one waits for news.
const (
	maxMoveRead = 4 << 20
	moveWait    = 2 * time.Second
)

// moveAnswer is every answer but records.
type moveAnswer struct {
	Error    string             `json:"error,omitempty"`
	Stage    migrate.Stage      `json:"stage,omitempty"`
	Ends     []event.Offset     `json:"ends,omitempty"`
	Counts   []eventlog.Count   `json:"counts,omitempty"`
	Registry *property.Snapshot `json:"registry,omitempty"`
	Report   *report.Result     `json:"report,omitempty"`
}

// moveOrders adds the orders of a move to those of the operator.
func (s *server) moveOrders(mux *http.ServeMux) {
	for order, do := range map[string]func(r *http.Request) (moveAnswer, error){
		"GET /move":          func(*http.Request) (moveAnswer, error) { return s.moveStatus(), nil },
		"GET /move/counts":   s.moveCounts,
		"GET /move/registry": s.moveRegistry,
		"POST /move/wait":    s.moveWait,
		"POST /move/report":  s.moveReport,
		"POST /move/commit":  s.moveCommit,
		"POST /move/stop":    s.moveStop,
		"POST /move/resume":  s.moveResume,
		"POST /move/leave":   s.moveLeave,
	} {
		mux.HandleFunc(order, func(w http.ResponseWriter, r *http.Request) {
			if s.Config.OnKafka() {
				answer(w, http.StatusNotImplemented, moveAnswer{Error: "the event log is in Kafka: only an installation with a log of its own can be moved"})
				return
			}
			a, err := do(r)
			if err != nil {
				answer(w, http.StatusConflict, moveAnswer{Error: err.Error()})
				return
			}
			answer(w, http.StatusOK, a)
		})
	}
	mux.HandleFunc("GET /move/records", s.moveRecords)
}

func (s *server) moveStatus() moveAnswer {
	a := moveAnswer{Stage: migrate.Taking}
	if s.gate.isShut() != nil {
		a.Stage = migrate.Stopped
		if m, some, err := config.ReadMove(s.Config.DataDir); err == nil && some && m.IsGone {
			a.Stage = migrate.Gone
		}
	}
	for p := range s.log.Partitions() {
		a.Ends = append(a.Ends, s.log.End(event.Partition(p)))
	}
	return a
}

func (s *server) moveCounts(r *http.Request) (a moveAnswer, err error) {
	a.Counts, err = s.log.Counts(r.Context())
	return a, err
}

func (s *server) moveRegistry(r *http.Request) (a moveAnswer, err error) {
	exporter, ok := s.registry.(property.Exporter)
	if !ok {
		return a, errors.New("the registry cannot be taken out")
	}
	a.Registry, err = exporter.Export(r.Context())
	return a, err
}

// moveWait answers when there are records behind what the asker has, or after a while.
func (s *server) moveWait(r *http.Request) (moveAnswer, error) {
	var ends []event.Offset
	if err := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxOrder)).Decode(&ends); err != nil {
		return moveAnswer{}, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), moveWait)
	defer cancel()
	if err := s.log.Wait(ctx, ends); err != nil && ctx.Err() == nil {
		return moveAnswer{}, err
	}
	return s.moveStatus(), nil
}

func (s *server) moveReport(r *http.Request) (a moveAnswer, err error) {
	var q report.Query
	if err := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxOrder)).Decode(&q); err != nil {
		return a, err
	}
	results, err := s.reports.Run(r.Context(), []*report.Query{&q})
	if err == nil {
		a.Report = results[0]
	}
	return a, err
}

// moveCommit makes a checkpoint and a copy of the state after it. Segments are linked by who asks: the state names them.
func (s *server) moveCommit(r *http.Request) (moveAnswer, error) {
	if err := s.processor.Checkpoint(r.Context()); err != nil {
		return moveAnswer{}, err
	}
	dir := filepath.Join(config.MigrationDir(s.Config.DataDir), "state")
	if err := os.RemoveAll(dir); err != nil {
		return moveAnswer{}, err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return moveAnswer{}, err
	}
	return s.moveStatus(), s.state.Copy(r.Context(), dir)
}

// moveStop is durable before it takes effect: whoever starts after a crash takes no events either.
func (s *server) moveStop(r *http.Request) (moveAnswer, error) {
	m := config.Move{At: time.Now().UTC()}
	if had, some, err := config.ReadMove(s.Config.DataDir); err != nil || some && had.IsGone {
		return s.moveStatus(), err
	}
	if err := config.WriteMove(s.Config.DataDir, m); err != nil {
		return moveAnswer{}, err
	}
	s.gate.shut(errors.New(m.Reason()))
	s.Logger.Warn("no events are taken: " + m.Reason())
	// What was acknowledged is in the log now; it is compared when it can be seen.
	return s.moveStatus(), s.processor.WaitVisible(r.Context())
}

func (s *server) moveResume(*http.Request) (moveAnswer, error) {
	if m, some, err := config.ReadMove(s.Config.DataDir); err != nil || some && m.IsGone {
		return moveAnswer{}, errors.Join(err, errors.New("the installation was moved for good"))
	}
	if err := config.RemoveMove(s.Config.DataDir); err != nil {
		return moveAnswer{}, err
	}
	s.gate.shut(nil)
	s.Logger.Info("events are taken again: the move did not come to its end")
	return s.moveStatus(), nil
}

func (s *server) moveLeave(*http.Request) (moveAnswer, error) {
	if had, some, err := config.ReadMove(s.Config.DataDir); err != nil || some && had.IsGone {
		return s.moveStatus(), err
	}
	m := config.Move{IsGone: true, At: time.Now().UTC()}
	if err := config.WriteMove(s.Config.DataDir, m); err != nil {
		return moveAnswer{}, err
	}
	s.gate.shut(errors.New(m.Reason()))
	s.Logger.Warn("no events are taken any more: " + m.Reason())
	return s.moveStatus(), nil
}

// moveRecords answers with the payloads of records, each behind its length; the first has the offset that was asked for.
func (s *server) moveRecords(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	p, err1 := strconv.ParseUint(q.Get("partition"), 10, 16)
	from, err2 := strconv.ParseUint(q.Get("from"), 10, 64)
	size, err3 := strconv.Atoi(q.Get("bytes"))
	if err := errors.Join(err1, err2, err3); err != nil || int(p) >= s.log.Partitions() {
		answer(w, http.StatusBadRequest, moveAnswer{Error: "partition, from and bytes are numbers, and the partition is one of the log"})
		return
	}
	entries, err := s.log.Read(r.Context(), event.Partition(p), event.Offset(from), min(size, maxMoveRead), nil)
	switch {
	case errors.Is(err, eventlog.ErrTruncated):
		answer(w, http.StatusGone, moveAnswer{Error: err.Error()})
		return
	case err != nil:
		answer(w, http.StatusConflict, moveAnswer{Error: err.Error()})
		return
	}
	var body []byte
	for _, e := range entries {
		body = append(binary.AppendUvarint(body, uint64(len(e.Payload))), e.Payload...)
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // the asker may have gone
}

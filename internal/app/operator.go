// Operator: commands of whoever may read the data directory, over a socket in it.
// What the socket does is not reachable from the network, and file permissions say who
// may use it.
package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"time"

	"tidemark/internal/cli"
	"tidemark/internal/collect"
	"tidemark/internal/config"
	"tidemark/internal/event"
	"tidemark/internal/property"
	"tidemark/internal/replay"
	"tidemark/internal/report"
)

// maxSocketPath is what the systems we know take of a socket's path.
const maxSocketPath = 103

// maxOrder bounds the body of an order.
const maxOrder = 1 << 20

func (s *server) openOperator(context.Context) error {
	if err := s.openReplays(); err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /replays", s.startReplay)
	mux.HandleFunc("POST /replays/apply", s.applyReplay)
	mux.HandleFunc("POST /replays/discard", s.discardReplay)
	mux.HandleFunc("POST /erasures", s.eraseClients)
	s.moveOrders(mux)
	return s.listenOperator(mux)
}

// openRoledOperator takes the orders that a process with roles can carry out. It refuses the others.
func (s *server) openRoledOperator(context.Context) error {
	mux := http.NewServeMux()
	refuse := func(path, why string) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			answer(w, http.StatusNotImplemented, struct {
				Error string `json:"error"`
			}{why + "; nothing was changed"})
		})
	}
	refuse("/", "this process shares its store with others: tidemark replay --config FILE replays there, as a command of its own, without --data-dir")
	if s.has(roleProcessor) || s.has(roleAPI) {
		mux.HandleFunc("POST /erasures", s.eraseClients)
	} else {
		refuse("POST /erasures", "this process only collects: order erasures from one with the role api or processor")
	}
	return s.listenOperator(mux)
}

func (s *server) listenOperator(orders http.Handler) error {
	s.operator.ctx, s.operator.stop = context.WithCancel(context.Background())
	path := config.OperatorSocket(s.Config.DataDir)
	if len(path) > maxSocketPath {
		s.Logger.Warn("the path of the data directory is too long for a socket: tidemark replay cannot reach this server",
			"path", path, "bytes", len(path), "most", maxSocketPath)
		return nil
	}
	// The lock on the data directory is ours: a socket that is there is a dead one.
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove old operator socket: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return fmt.Errorf("open operator socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return errors.Join(fmt.Errorf("protect operator socket: %w", err), l.Close())
	}
	s.operator.listener = l
	s.operator.http = &http.Server{Handler: orders, ReadHeaderTimeout: headerTimeout, ErrorLog: newErrorLog(s.Logger),
		BaseContext: func(net.Listener) context.Context { return s.operator.ctx }}
	return nil
}

func (s *server) serveOperator(ctx context.Context) error {
	if s.operator.http == nil {
		<-ctx.Done()
		return nil
	}
	ended := make(chan error, 1)
	go func() { ended <- s.operator.http.Serve(s.operator.listener) }()
	select {
	case err := <-ended:
		return fmt.Errorf("operator socket: %w", err)
	case <-ctx.Done():
		return nil
	}
}

// closeOperator ends what is under way: a replay that was not applied changes nothing.
func (s *server) closeOperator(ctx context.Context) error {
	s.operator.stop()
	if s.operator.http == nil {
		return nil
	}
	return errors.Join(s.operator.http.Shutdown(ctx), s.dropReplay())
}

// startReplay streams how far a replay is, a JSON object a line, and then its result.
func (s *server) startReplay(w http.ResponseWriter, r *http.Request) {
	var order cli.ReplayOrder
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxOrder)).Decode(&order); err != nil {
		answer(w, http.StatusBadRequest, cli.ReplayLine{Error: "read order: " + err.Error()})
		return
	}
	lines := json.NewEncoder(w)
	flush := http.NewResponseController(w)
	result, err := s.runReplay(r.Context(), order, func(stage string, share float64) {
		// Who does not read any more has hung up, and the context says so.
		_ = lines.Encode(cli.ReplayLine{Stage: stage, Share: share})
		_ = flush.Flush()
	})
	last := cli.ReplayLine{Result: result}
	if err != nil {
		last.Error = err.Error()
		s.Logger.Warn("replay failed", "property", order.Property, "error", err)
	}
	_ = lines.Encode(last)
}

func (s *server) applyReplay(w http.ResponseWriter, r *http.Request) {
	if err := s.switchReplay(r.Context()); err != nil {
		s.Logger.Error("replay was not applied", "error", err)
		answer(w, http.StatusConflict, cli.ReplayLine{Error: err.Error()})
		return
	}
	answer(w, http.StatusOK, cli.ReplayLine{})
}

func (s *server) discardReplay(w http.ResponseWriter, _ *http.Request) {
	if err := s.dropReplay(); err != nil {
		answer(w, http.StatusInternalServerError, cli.ReplayLine{Error: err.Error()})
		return
	}
	answer(w, http.StatusOK, cli.ReplayLine{})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the asker may have gone
}

// runReplay folds what is ordered and keeps the result for switchReplay.
func (s *server) runReplay(ctx context.Context, order cli.ReplayOrder, progress func(string, float64)) (*cli.ReplayResult, error) {
	o, err := orderOf(ctx, s.registry, order)
	if err != nil {
		return nil, err
	}
	o.Progress = progress
	if err := s.dropReplay(); err != nil { // one that nobody decided about
		return nil, err
	}
	result, err := s.operator.replays.Run(ctx, o)
	if err != nil {
		return nil, err
	}
	s.keepReplay(result, o.Was, o.Now)
	return foundBy(result, o.Now.ID), nil
}

// orderOf reads an order, and looks up how its property counts.
func orderOf(ctx context.Context, registry property.Registry, order cli.ReplayOrder) (o replay.Order, err error) {
	id, err := event.ParsePropertyID(order.Property)
	if err != nil {
		return o, fmt.Errorf("%q is no property id", order.Property)
	}
	if o.Was, err = registry.Property(ctx, id); err != nil {
		return o, fmt.Errorf("look up property %s: %w", id, err)
	}
	if o.Now, err = order.Definitions.Apply(o.Was); err != nil {
		return o, err
	}
	if o.From, err = dayOf(order.From); err != nil {
		return o, err
	}
	o.To, err = dayOf(order.To)
	return o, err
}

func foundBy(r *replay.Result, id event.PropertyID) *cli.ReplayResult {
	return &cli.ReplayResult{Property: id.String(), From: dayText(r.From), To: dayText(r.To), Derived: r.Derived, Kept: r.Kept,
		Difference: r.Difference}
}

// undecided is how long a result waits for whoever ordered it.
const undecided = 10 * time.Minute

func (s *server) keepReplay(result *replay.Result, was, now property.Property) {
	s.operator.mu.Lock()
	defer s.operator.mu.Unlock()
	s.operator.pending, s.operator.was, s.operator.now = result, was, now
	time.AfterFunc(undecided, func() {
		s.operator.mu.Lock()
		mine := s.operator.pending == result
		s.operator.mu.Unlock()
		if !mine {
			return
		}
		if err := s.dropReplay(); err != nil {
			s.Logger.Error("cannot discard a replay that nobody decided about", "error", err)
		}
	})
}

// switchReplay makes the new definition hold and puts the rows in place. The
// definition goes first: after a crash between the two the same replay can be ordered
// again, and history and future agree.
func (s *server) switchReplay(ctx context.Context) error {
	s.operator.mu.Lock()
	result, was, now := s.operator.pending, s.operator.was, s.operator.now
	s.operator.pending = nil
	s.operator.mu.Unlock()
	if result == nil {
		return errors.New("there is no replay to apply")
	}
	if err := s.redefine(ctx, was, now); err != nil {
		return errors.Join(err, result.Discard())
	}
	return result.Apply(ctx)
}

func (s *server) redefine(ctx context.Context, was, now property.Property) error {
	if err := s.gate.isShut(); err != nil {
		return err
	}
	return redefine(ctx, s.registry, s.directory, was, now)
}

// redefine makes now the property's settings, in the registry and in the log, unless they are.
func redefine(ctx context.Context, registry property.Registry, directory *collect.Directory, was, now property.Property) error {
	current, err := registry.Property(ctx, was.ID)
	if err != nil {
		return fmt.Errorf("look up property %s: %w", was.ID, err)
	}
	if current.Version != was.Version {
		return errors.New("the property's settings were changed meanwhile: replay again")
	}
	if current.SameSettings(now) {
		return nil
	}
	now.RowDays = current.RowDays // may have been set while the replay ran
	if now, err = registry.UpdateProperty(ctx, now); err != nil {
		return fmt.Errorf("change settings of property %s: %w", was.ID, err)
	}
	return directory.EnsureDefined(ctx, &now)
}

func dayOf(text string) (report.Day, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return report.Day{}, fmt.Errorf("%q is no day such as 2026-03-01", text)
	}
	y, m, d := t.Date()
	return report.Day{Year: y, Month: m, Day: d}, nil
}

func dayText(d report.Day) string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day) }

func (s *server) dropReplay() error {
	s.operator.mu.Lock()
	result := s.operator.pending
	s.operator.pending = nil
	s.operator.mu.Unlock()
	if result == nil {
		return nil
	}
	return result.Discard()
}

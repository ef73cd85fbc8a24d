// Server: start the engine, ask it, and end it in all the ways there are.
package clickserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tidemark/internal/testkit/child"
)

// Within is how long a test waits for what the server does: a bound for
// machines that are busy with other tests.
const Within = 60 * time.Second

// User and Password are those that the server takes.
const (
	User     = "tidemark"
	Password = "test only"
)

// Server is one folder of data and, while it runs, its process.
type Server struct {
	Dir string // holds everything: data/, server.log, the shim

	library, shim string

	mu    sync.Mutex // Kill may come from any goroutine
	cmd   *exec.Cmd
	ended chan struct{}
	url   string
	made  int // databases
}

// Start starts the engine on a new folder. Close ends and removes it.
func Start(ctx context.Context) (*Server, error) {
	library, err := Library(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "tidemark-click-")
	if err != nil {
		return nil, fmt.Errorf("make folder for ClickHouse: %w", err)
	}
	s := &Server{Dir: dir, library: library}
	if s.shim, err = build(ctx, dir); err == nil {
		err = s.Begin()
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Begin starts the process and waits until it takes requests. After Kill it is the
// restart, at the same address.
func (s *Server) Begin() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	address := filepath.Join(s.Dir, "address")
	if err := os.Rename(address, address+".former"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("start ClickHouse: %w", err)
	}
	out, err := os.OpenFile(filepath.Join(s.Dir, "server.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("open log of ClickHouse: %w", err)
	}
	defer out.Close()
	cmd := exec.Command(s.shim, s.library, filepath.Join(s.Dir, "data"), address, User, Password)
	cmd.Stdout, cmd.Stderr = out, out
	child.BindLife(cmd)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start ClickHouse: %w", err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended is in its log
		close(ended)
	}()
	s.cmd, s.ended = cmd, ended
	found, err := waitFor(address, ended)
	if err != nil {
		return fmt.Errorf("start ClickHouse: %w\n%s", err, s.Log())
	}
	s.url = "http://" + found
	return nil
}

// waitFor returns what is in the file once it is there.
func waitFor(path string, ended chan struct{}) (string, error) {
	poll := time.NewTicker(2 * time.Millisecond)
	defer poll.Stop()
	deadline := time.After(Within)
	for {
		if text, err := os.ReadFile(path); err == nil {
			return string(text), nil
		}
		select {
		case <-ended:
			return "", errors.New("the process ended before it was ready")
		case <-deadline:
			return "", fmt.Errorf("it is not ready after %v", Within)
		case <-poll.C:
		}
	}
}

// URL returns where the server is now.
func (s *Server) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.url
}

// Kill ends the process with SIGKILL: nothing is written any more, no client is
// told.
func (s *Server) Kill() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil || s.ended == nil {
		return nil
	}
	select {
	case <-s.ended:
		return nil
	default:
	}
	if err := s.cmd.Process.Signal(syscall.SIGKILL); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill ClickHouse: %w", err)
	}
	<-s.ended
	return nil
}

// Freeze stops the process where it is: connections stay and get no answer.
func (s *Server) Freeze() error { return s.onProcess(child.Freeze) }

// Thaw lets a frozen process go on.
func (s *Server) Thaw() error { return s.onProcess(child.Thaw) }

func (s *Server) onProcess(do func(pids ...int) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return do(s.cmd.Process.Pid)
}

// Close kills the process and removes its folder.
func (s *Server) Close() error {
	return errors.Join(s.Kill(), os.RemoveAll(s.Dir))
}

// Log returns what the process has printed so far, over all its starts.
func (s *Server) Log() string {
	text, err := os.ReadFile(filepath.Join(s.Dir, "server.log"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// NewDatabase makes an empty database and returns its name.
func (s *Server) NewDatabase(t testing.TB) string {
	t.Helper()
	s.mu.Lock()
	s.made++
	name := fmt.Sprintf("test_%d", s.made)
	s.mu.Unlock()
	s.MustQuery(t, "CREATE DATABASE "+name, nil)
	return name
}

// Query runs a statement with settings and params, as in the URL of a request, and
// returns what the server answers.
func (s *Server) Query(sql string, settings url.Values) (string, error) {
	return s.Post(sql, settings, nil)
}

// Post is Query with a body, which is the rows of an INSERT.
func (s *Server) Post(sql string, settings url.Values, body []byte) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), Within)
	defer cancel()
	values := url.Values{"query": {sql}}
	for name, v := range settings {
		values[name] = v
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL()+"/?"+values.Encode(), strings.NewReader(string(body)))
	if err != nil {
		return "", err
	}
	req.Header.Set("X-ClickHouse-User", User)
	req.Header.Set("X-ClickHouse-Key", Password)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, strings.TrimSpace(string(text)))
	}
	return strings.TrimSuffix(string(text), "\n"), err
}

// MustQuery is Query in a test.
func (s *Server) MustQuery(t testing.TB, sql string, settings url.Values) string {
	t.Helper()
	text, err := s.Query(sql, settings)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return text
}

// Server: make a cluster once, start it, and end it in all the ways there are.
package pgserver

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Within is how long a test waits for what the server does: a bound for
// machines that are busy with other tests.
const Within = 60 * time.Second

const superuser = "tidemark"

// Options change how the server's processes are run; see FakeClock.
type Options struct {
	clock string // library that sets the clock
}

// Server is one cluster and, while it runs, its processes.
type Server struct {
	Dir string // holds everything: the socket, data/, server.log

	bin    string
	owner  *syscall.Credential // nil: the one who runs the test
	opts   Options
	cmd    *exec.Cmd
	ended  chan struct{}
	frozen []int
	made   int // databases
}

// Start makes a new cluster in a temporary folder and starts it. Close ends
// and removes it.
func Start(opts Options) (*Server, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	// Not below the test's own folder: the server's user may not look into it, and
	// the path of a socket has at most 107 bytes.
	dir, err := os.MkdirTemp("/tmp", "tidemark-pg-")
	if err != nil {
		return nil, fmt.Errorf("make folder for PostgreSQL: %w", err)
	}
	s := &Server{Dir: dir, bin: bin, opts: opts}
	if err := s.initialize(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := s.SetClock(0); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := s.Begin(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// programs finds the folder of initdb and postgres: that of the PATH, or the
// newest that Debian has put aside.
func programs() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", errors.New("find PostgreSQL: initdb is missing (on Debian: apt-get install postgresql)")
	}
	return filepath.Dir(found[len(found)-1]), nil
}

func (s *Server) initialize() error {
	owner, err := ownerOf(os.Getuid())
	if err != nil {
		return err
	}
	s.owner = owner
	if owner != nil {
		if err := os.Chown(s.Dir, int(owner.Uid), int(owner.Gid)); err != nil {
			return fmt.Errorf("give folder to the user of PostgreSQL: %w", err)
		}
	}
	cmd := s.command("initdb", "--pgdata", s.data(), "--username", superuser, "--auth", "trust",
		"--encoding", "UTF8", "--locale", "C", "--wal-segsize", "1", "--no-sync")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("make PostgreSQL cluster: %w\n%s", err, out)
	}
	return nil
}

func (s *Server) data() string { return filepath.Join(s.Dir, "data") }

// command is one of PostgreSQL's, as the user that it runs as.
func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	cmd.Dir = s.Dir
	cmd.Env = append(os.Environ(), "LC_ALL=C", "PGTZ=UTC")
	// Should the test itself be killed, the server shuts down at once.
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.owner, Pdeathsig: syscall.SIGQUIT}
	return cmd
}

// Begin starts the server and waits until it takes connections. After Kill or
// Stop it is the restart.
func (s *Server) Begin() error {
	ctx, cancel := context.WithTimeout(context.Background(), Within)
	defer cancel()
	for {
		if err := s.launch(); err != nil {
			return err
		}
		err := s.waitReady(ctx)
		if err == nil {
			return nil
		}
		// After a kill, a process that was in the middle of a statement may still hold
		// the shared memory, and the new server refuses to start beside it.
		if ctx.Err() != nil || !strings.Contains(s.Log(), "shared memory block") {
			return fmt.Errorf("start PostgreSQL: %w\n%s", err, s.Log())
		}
	}
}

func (s *Server) launch() error {
	args := []string{"-D", s.data(), "-k", s.Dir, "-c", "listen_addresses=", "-c", "fsync=on",
		"-c", "max_connections=200", "-c", "shared_buffers=16MB", "-c", "log_checkpoints=off",
		// Small, so that a test can read all of it.
		"-c", "max_wal_size=8MB", "-c", "min_wal_size=2MB"}
	out, err := os.OpenFile(s.logPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("open log of PostgreSQL: %w", err)
	}
	defer out.Close()
	s.cmd = s.command("postgres", args...)
	s.cmd.Env = append(s.cmd.Env, s.clockEnv()...)
	s.cmd.Stdout, s.cmd.Stderr = out, out
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	s.ended = make(chan struct{})
	go func(cmd *exec.Cmd, ended chan struct{}) {
		_ = cmd.Wait() // how it ended is in its log
		close(ended)
	}(s.cmd, s.ended)
	return nil
}

// waitReady asks as a client would; pg_isready may not be installed.
func (s *Server) waitReady(ctx context.Context) error {
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for {
		if err := s.execute(ctx, "postgres", "SELECT 1"); err == nil {
			return nil
		}
		select {
		case <-s.ended:
			return errors.New("the server ended before it was ready")
		case <-ctx.Done():
			return ctx.Err()
		case <-poll.C:
		}
	}
}

// Log returns what the server has printed so far, over all its starts.
func (s *Server) Log() string {
	text, err := os.ReadFile(s.logPath())
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func (s *Server) logPath() string { return filepath.Join(s.Dir, "server.log") }

// URL returns how to reach a database of the server.
func (s *Server) URL(database string) string {
	q := url.Values{"host": {s.Dir}, "user": {superuser}, "sslmode": {"disable"}}
	return "postgres:///" + url.PathEscape(database) + "?" + q.Encode()
}

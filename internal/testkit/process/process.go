// Server: build the binary once, start it on a free port, wait, stop or kill it.
package process

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"tidemark/internal/testkit/child"
)

// Build builds the binary into dir and returns its path.
func Build(dir string) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "tidemark")
	cmd := exec.Command("go", "build", "-o", bin, "./cmd/tidemark")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build tidemark: %w\n%s", err, out)
	}
	return bin, nil
}

// Root returns the directory of the module.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("find module root: no go.mod above the working directory")
		}
		dir = filepath.Dir(dir)
	}
}

// Server is one running process.
type Server struct {
	URL     string
	DataDir string
	// ReadyAfter is how long it took from the start to the first good /readyz.
	ReadyAfter time.Duration

	cmd   *exec.Cmd
	log   string
	ended chan error
}

// readyWithin is a bound for machines that are busy with other tests.
const readyWithin = 60 * time.Second

// Start runs `bin command --data-dir dir --listen 127.0.0.1:0 args...` and waits
// until it is ready. The output goes to dir/output.log.
func Start(t testing.TB, bin, command, dir string, args ...string) *Server {
	t.Helper()
	s := &Server{DataDir: dir, log: filepath.Join(dir, "output.log"), ended: make(chan error, 1)}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	out, err := os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if err := os.Remove(filepath.Join(dir, "server.json")); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	s.cmd = exec.Command(bin, append([]string{command, "--data-dir", dir, "--listen", "127.0.0.1:0"}, args...)...)
	s.cmd.Stdout, s.cmd.Stderr = out, out
	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { s.ended <- s.cmd.Wait() }()
	t.Cleanup(func() { s.Kill() })
	if err := s.waitReady(began); err != nil {
		t.Fatalf("%v\n%s", err, s.Output())
	}
	return s
}

func (s *Server) waitReady(began time.Time) error {
	ctx, cancel := context.WithTimeout(context.Background(), readyWithin)
	defer cancel()
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for {
		select {
		case err := <-s.ended:
			s.ended <- err
			return fmt.Errorf("server ended before it was ready: %w", err)
		case <-ctx.Done():
			return fmt.Errorf("server was not ready within %v", readyWithin)
		case <-poll.C:
		}
		if s.URL == "" {
			s.URL = readURL(s.DataDir)
			continue
		}
		if resp, err := http.Get(s.URL + "/readyz"); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				s.ReadyAfter = time.Since(began)
				return nil
			}
		}
	}
}

func readURL(dir string) string {
	text, err := os.ReadFile(filepath.Join(dir, "server.json"))
	if err != nil {
		return ""
	}
	var server struct{ URL string }
	if json.Unmarshal(text, &server) != nil {
		return ""
	}
	return server.URL
}

// Kill ends the process as a power cut of the process would: SIGKILL.
func (s *Server) Kill() {
	_ = s.cmd.Process.Signal(syscall.SIGKILL) // it may have ended
	err := <-s.ended
	s.ended <- err
}

// Freeze stops the process where it is, as a virtual machine that is moved does.
func (s *Server) Freeze() error { return child.Freeze(s.cmd.Process.Pid) }

// Thaw lets it go on.
func (s *Server) Thaw() error { return child.Thaw(s.cmd.Process.Pid) }

// Terminate asks the process to end and returns how it did.
func (s *Server) Terminate() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	err := <-s.ended
	s.ended <- err
	return err
}

// Output returns what the process has printed so far, over all its starts.
func (s *Server) Output() string {
	text, err := os.ReadFile(s.log)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// Command runs another command of the binary and returns its output.
func Command(t testing.TB, bin string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(bin, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tidemark %v: %v\n%s", args, err, out)
	}
	return out
}

// TryCommand runs another command of the binary that may fail, and returns all
// that it printed.
func TryCommand(bin string, args ...string) ([]byte, error) {
	return exec.Command(bin, args...).CombinedOutput()
}

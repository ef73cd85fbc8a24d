// Server: a `tidemark serve` process, and what the bench asks of it.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tidemark/internal/config"
)

// credentials are what `property create --json` prints.
type credentials struct{ Property, MeasurementID, APISecret, ReadKey string }

// server is one data directory with, at times, a process that serves it.
type server struct {
	bin, dir string
	settings string // YAML
	role     string // "": all
	credentials
	address    string // host:port
	profiles   string // address of its profiles
	readyAfter time.Duration
	cmd        *exec.Cmd
}

// newServer makes a data directory with one property.
func (b *bench) newServer(name, settings string) (*server, error) {
	s := &server{bin: b.bin, dir: filepath.Join(b.dir, name), settings: settings}
	out, err := exec.Command(b.bin, "property", "create", "--data-dir", s.dir, "--name", "Bench",
		"--time-zone", zoneName, "--currency", "EUR", "--json").Output()
	if err != nil {
		return nil, fmt.Errorf("create property: %w", err)
	}
	if err := json.Unmarshal(out, &s.credentials); err != nil {
		return nil, fmt.Errorf("read credentials: %w", err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, credentialsFile), out, 0o600); err != nil {
		return nil, fmt.Errorf("keep credentials: %w", err)
	}
	return s, nil
}

// credentialsFile lets a later run ask a data directory that was kept.
const credentialsFile = "bench.json"

// keptServer is the data directory of an earlier run.
func (b *bench) keptServer() (*server, error) {
	s := &server{bin: b.bin, dir: b.kept}
	out, err := os.ReadFile(filepath.Join(s.dir, credentialsFile))
	if err != nil {
		return nil, fmt.Errorf("-of: not a history that was kept: %w", err)
	}
	if err := json.Unmarshal(out, &s.credentials); err != nil {
		return nil, fmt.Errorf("read credentials: %w", err)
	}
	return s, nil
}

// base lets the load generator say from which addresses its events come.
const base = `http:
  trusted_proxies: [127.0.0.1/32]
log:
  level: error
`

func (s *server) start() error {
	s.profiles = freeAddress()
	file := filepath.Join(s.dir, "bench.yaml")
	text := base + "debug:\n  profiles: " + s.profiles + "\n" + s.settings
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	_ = config.RemoveServer(s.dir) // left by a kill
	s.cmd = exec.Command(s.bin, "serve", "--data-dir", s.dir, "--listen", "127.0.0.1:0", "--config", file)
	if s.role != "" {
		s.cmd.Args = append(s.cmd.Args, "--role", s.role)
	}
	s.cmd.Stderr = os.Stderr
	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("start server: %w", err)
	}
	return s.waitReady(began)
}

func (s *server) waitReady(began time.Time) error {
	for time.Since(began) < time.Minute {
		if at, err := config.ReadServer(s.dir); err == nil {
			s.address = strings.TrimPrefix(at.URL, "http://")
			if resp, err := http.Get(at.URL + "/readyz"); err == nil {
				_ = resp.Body.Close()
				if resp.StatusCode == http.StatusOK {
					s.readyAfter = time.Since(began)
					return nil
				}
			}
		}
		time.Sleep(2 * time.Millisecond)
	}
	return errors.Join(errors.New("the server was not ready within a minute"), s.kill())
}

// freeAddress returns an address that nobody listens on now.
func freeAddress() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return ""
	}
	defer l.Close()
	return l.Addr().String()
}

func (s *server) pid() int { return s.cmd.Process.Pid }

// kill ends the process with SIGKILL.
func (s *server) kill() error {
	err := s.cmd.Process.Kill()
	_ = s.cmd.Wait() // it says that it was killed
	return err
}

// stop ends the process in good order and returns the processor time of its
// whole life.
func (s *server) stop() (time.Duration, error) {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return 0, fmt.Errorf("stop server: %w", err)
	}
	if err := s.cmd.Wait(); err != nil {
		return 0, fmt.Errorf("stop server: %w", err)
	}
	return s.cmd.ProcessState.UserTime() + s.cmd.ProcessState.SystemTime(), nil
}

// personAgent keeps probes from being set apart as those of a program.
const personAgent = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"

// callError is an answer other than 200.
type callError struct{ method, path, status, answer string }

func (e *callError) Error() string {
	return e.method + " " + e.path + ": " + e.status + ": " + e.answer
}

// isRefused tells whether the server had no memory or time for a report.
func isRefused(err error) bool {
	var refused *callError
	return errors.As(err, &refused) && strings.HasPrefix(refused.status, "429 ")
}

func (s *server) call(ctx context.Context, method, path string, body any, into any) error {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+s.address+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", personAgent)
	req.Header.Set("Authorization", "Bearer "+s.ReadKey)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return &callError{method, path, resp.Status, string(answer)}
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}

// heap returns what Go's heap holds, in bytes; the rest of a process is the
// query engine's.
func (s *server) heap(ctx context.Context) (float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.address+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), "go_memstats_heap_inuse_bytes "); ok {
			return strconv.ParseFloat(text, 64)
		}
	}
	return 0, errors.Join(errors.New("telemetry does not tell the heap"), lines.Err())
}

// ledger is what the ledger says that the bench needs.
// Lag is that of all properties.
type ledger struct{ Accepted, Pending, Stored, Duplicate, TooLate, Lag int64 }

func (s *server) ledger(ctx context.Context) (l ledger, err error) {
	err = s.call(ctx, http.MethodGet, "/v1/properties/"+s.Property+"/ledger", nil, &l)
	return l, err
}

// until waits for a state of the ledger.
func (s *server) until(ctx context.Context, good func(l ledger) bool) error {
	for {
		l, err := s.ledger(ctx)
		if err != nil || good(l) {
			return err
		}
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
}

// drain waits until everything accepted is visible.
func (s *server) drain(ctx context.Context) (ledger, error) {
	for {
		l, err := s.ledger(ctx)
		if err != nil || l.Pending == 0 {
			return l, err
		}
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			return l, err
		}
	}
}

// rest waits until everything is visible and the process does next to nothing:
// what comes next has the machine to itself.
func (s *server) rest(ctx context.Context) error {
	if _, err := s.drain(ctx); err != nil {
		return err
	}
	const look = 300 * time.Millisecond
	for {
		before, err := cpuOf(s.pid())
		if err != nil {
			return err
		}
		if err := pause(ctx, look); err != nil {
			return err
		}
		after, err := cpuOf(s.pid())
		if err != nil || after-before <= look/10 {
			return err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// profile takes a CPU profile of the server into the folder of profiles, if
// there is one. The returned function waits for it.
func (b *bench) profile(s *server, name string, length time.Duration) func() {
	if b.profiles == "" {
		return func() {}
	}
	done := make(chan error, 1)
	go func() { done <- fetchProfile(s, filepath.Join(b.profiles, name+".pprof"), length) }()
	return func() {
		if err := <-done; err != nil {
			fmt.Fprintln(os.Stderr, "bench: profile:", err)
		}
	}
}

// heapProfile writes what Go's heap holds now into the folder of profiles, if there
// is one.
func (b *bench) heapProfile(s *server, name string) {
	if b.profiles == "" {
		return
	}
	client := &http.Client{Timeout: 10 * time.Second}
	if err := fetch(client, "http://"+s.profiles+"/debug/pprof/heap", filepath.Join(b.profiles, name+".heap.pprof")); err != nil {
		fmt.Fprintln(os.Stderr, "bench: profile:", err)
	}
}

func fetchProfile(s *server, file string, length time.Duration) error {
	client := &http.Client{Timeout: length + 10*time.Second}
	return fetch(client, fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", s.profiles, max(1, int(length.Seconds()))), file)
}

func fetch(client *http.Client, from, file string) error {
	resp, err := client.Get(from)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", resp.Status, text)
	}
	return os.WriteFile(file, text, 0o600)
}

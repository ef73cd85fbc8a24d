// Server: start it, reach it, look into its folder.
package objectserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"tidemark/internal/testkit/child"
)

// Within is how long a test waits for what the server does: a bound for
// machines that are busy with other tests.
const Within = 60 * time.Second

// What clients need to get in.
const (
	AccessKey = "tidemark-test"
	SecretKey = "not-so-secret"
	Region    = "us-east-1"
)

// Options change how the server is run.
type Options struct {
	// TLS has it speak TLS only, with a certificate for 127.0.0.1.
	TLS bool
}

// Server is one folder and, while it runs, one process.
type Server struct {
	Dir    string // holds everything
	CAFile string // what clients trust; empty without TLS

	program string
	opts    Options
	port    int
	cmd     *exec.Cmd
	ended   chan struct{}
	made    int // buckets
}

// Start makes a temporary folder and starts the server
// on a free port. Close ends and removes it.
func Start(ctx context.Context, opts Options) (*Server, error) {
	program, err := Program(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "tidemark-s3-")
	if err != nil {
		return nil, fmt.Errorf("make folder for versitygw: %w", err)
	}
	s := &Server{Dir: dir, program: program, opts: opts}
	if s.port, err = child.FreePort(); err != nil {
		return nil, fmt.Errorf("find a port for versitygw: %w", err)
	}
	err = os.Mkdir(s.data(), 0o755)
	if err == nil && opts.TLS {
		s.CAFile, err = makeCertificate(dir)
	}
	if err == nil {
		err = s.Begin()
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Server) data() string { return filepath.Join(s.Dir, "data") }

// Host returns host and port.
func (s *Server) Host() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

// URL returns the endpoint.
func (s *Server) URL() string {
	if s.opts.TLS {
		return "https://" + s.Host()
	}
	return "http://" + s.Host()
}

// Begin starts the server and waits until it answers. After Kill it is the
// restart.
func (s *Server) Begin() error {
	out, err := os.OpenFile(s.logPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("open log of versitygw: %w", err)
	}
	defer func() { _ = out.Close() }()
	args := []string{"--port", s.Host(), "--access", AccessKey, "--secret", SecretKey, "--region", Region,
		"--keep-alive", "--quiet"}
	if s.opts.TLS {
		args = append(args, "--cert", certFile(s.Dir), "--key", keyFile(s.Dir))
	}
	s.cmd = exec.Command(s.program, append(args, "posix", s.data())...)
	s.cmd.Dir = s.Dir
	s.cmd.Stdout, s.cmd.Stderr = out, out
	child.BindLife(s.cmd)
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("start versitygw: %w", err)
	}
	s.ended = make(chan struct{})
	go func(cmd *exec.Cmd, ended chan struct{}) {
		_ = cmd.Wait() // how it ended is in its log
		close(ended)
	}(s.cmd, s.ended)
	if err := s.waitReady(); err != nil {
		return fmt.Errorf("start versitygw: %w\n%s", err, s.Log())
	}
	return nil
}

func (s *Server) waitReady() error {
	deadline := time.NewTimer(Within)
	defer deadline.Stop()
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for {
		if conn, err := net.DialTimeout("tcp", s.Host(), time.Second); err == nil {
			return conn.Close()
		}
		select {
		case <-s.ended:
			return errors.New("the server ended before it was ready")
		case <-deadline.C:
			return fmt.Errorf("it does not answer within %v", Within)
		case <-poll.C:
		}
	}
}

// Kill ends the server with SIGKILL: no request is finished, no client is told.
func (s *Server) Kill() error {
	if !s.running() {
		return nil
	}
	if err := s.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		return fmt.Errorf("kill versitygw: %w", err)
	}
	<-s.ended
	return nil
}

// Freeze stops the server where it is. Connections stay and get no answer; new
// ones are taken by the kernel, and get none either.
func (s *Server) Freeze() error { return child.Freeze(s.cmd.Process.Pid) }

// Thaw lets a frozen server go on.
func (s *Server) Thaw() error { return child.Thaw(s.cmd.Process.Pid) }

// Close kills the server and removes its folder.
func (s *Server) Close() error { return errors.Join(s.Kill(), os.RemoveAll(s.Dir)) }

func (s *Server) running() bool {
	if s.ended == nil {
		return false
	}
	select {
	case <-s.ended:
		return false
	default:
		return true
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

// Client returns a bare client of the server, for tests that look past ours.
func (s *Server) Client(t testing.TB) *minio.Client {
	t.Helper()
	opts := &minio.Options{
		Creds: credentials.NewStaticV4(AccessKey, SecretKey, ""), Region: Region, BucketLookup: minio.BucketLookupPath,
	}
	if s.opts.TLS {
		config, err := trust(s.CAFile)
		if err != nil {
			t.Fatal(err)
		}
		opts.Secure, opts.Transport = true, &http.Transport{TLSClientConfig: config}
	}
	c, err := minio.New(s.Host(), opts)
	if err != nil {
		t.Fatalf("make client of versitygw: %v", err)
	}
	return c
}

// NewBucket makes an empty bucket.
func (s *Server) NewBucket(t testing.TB) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Within)
	defer cancel()
	s.made++
	name := fmt.Sprintf("test-%d", s.made)
	if err := s.Client(t).MakeBucket(ctx, name, minio.MakeBucketOptions{Region: Region}); err != nil {
		t.Fatalf("make bucket: %v\n%s", err, s.Log())
	}
	return name
}

// File returns where the server keeps the bytes of an object, for a test that
// damages them.
func (s *Server) File(bucket, key string) string {
	return filepath.Join(s.data(), bucket, filepath.FromSlash(key))
}

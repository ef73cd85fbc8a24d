// The floor: a net/http server that reads the body and answers 200. Nothing
// that speaks HTTP with net/http can be faster, so results are ratios to it.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

// floorCommand makes this program be the floor, in a process of its own.
const floorCommand = "serve-floor"

func serveFloor() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	fmt.Println(l.Addr())
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			w.WriteHeader(http.StatusOK)
		})}
	go func() { // it ends with the bench, however that ends
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = server.Close()
	}()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// floor is a running floor.
type floor struct {
	address string
	cmd     *exec.Cmd
	stdin   io.Closer
}

func startFloor() (*floor, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find own program: %w", err)
	}
	f := &floor{cmd: exec.Command(self, floorCommand)}
	stdin, err := f.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := f.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	f.stdin, f.cmd.Stderr = stdin, os.Stderr
	if err := f.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start floor: %w", err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read address of floor: %w", err), f.stop())
	}
	f.address = strings.TrimSpace(line)
	return f, nil
}

func (f *floor) stop() error { return errors.Join(f.stdin.Close(), f.cmd.Wait()) }

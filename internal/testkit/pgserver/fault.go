// Ways for a server to go: in order, killed, frozen; and all of it removed.
package pgserver

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tidemark/internal/testkit/child"
)

// Kill ends the server and all its processes with SIGKILL: nothing is written
// any more, no client is told.
func (s *Server) Kill() error {
	if !s.running() {
		return nil
	}
	children := s.children()
	if err := s.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		return fmt.Errorf("kill PostgreSQL: %w", err)
	}
	<-s.ended
	for _, pid := range children {
		// They end by themselves when they miss the server; this is sooner. One
		// that has ended is no error.
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("kill process of PostgreSQL: %w", err)
		}
	}
	s.frozen = nil
	return nil
}

// Stop ends the server as an operator would who does not wait for clients.
func (s *Server) Stop() error {
	if !s.running() {
		return nil
	}
	if err := s.cmd.Process.Signal(syscall.SIGINT); err != nil {
		return fmt.Errorf("stop PostgreSQL: %w", err)
	}
	select {
	case <-s.ended:
		return nil
	case <-time.After(Within):
		return fmt.Errorf("stop PostgreSQL: it still runs after %v", Within)
	}
}

// Freeze stops all processes of the server where they are. Connections stay
// and get no answer; new ones are taken by the kernel, and get none either.
func (s *Server) Freeze() error {
	// The postmaster first: it makes no further children then.
	if err := child.Freeze(s.cmd.Process.Pid); err != nil {
		return err
	}
	s.frozen = append([]int{s.cmd.Process.Pid}, s.children()...)
	return child.Freeze(s.frozen...)
}

// Thaw lets a frozen server go on.
func (s *Server) Thaw() error {
	pids := s.frozen
	s.frozen = nil
	return child.Thaw(pids...)
}

// Close kills the server and removes its folder.
func (s *Server) Close() error {
	err := errors.Join(s.Kill(), os.RemoveAll(s.Dir))
	// A process that has not seen its end yet may have made a file meanwhile.
	for deadline := time.Now().Add(Within); err != nil && time.Now().Before(deadline); {
		err = os.RemoveAll(s.Dir)
	}
	return err
}

func (s *Server) running() bool {
	if s.cmd == nil || s.ended == nil {
		return false
	}
	select {
	case <-s.ended:
		return false
	default:
		return true
	}
}

// children returns the processes that the server has started.
func (s *Server) children() []int {
	pid := strconv.Itoa(s.cmd.Process.Pid)
	lists, err := filepath.Glob(filepath.Join("/proc", pid, "task", "*", "children"))
	if err != nil {
		return nil
	}
	var pids []int
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			continue // it ended
		}
		for _, field := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(field); err == nil {
				pids = append(pids, child)
			}
		}
	}
	return pids
}

// ownerOf says as whom the server runs: PostgreSQL refuses root.
func ownerOf(uid int) (*syscall.Credential, error) {
	if uid != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("find a user for PostgreSQL, which refuses root (on Debian: apt-get install postgresql): %w", err)
	}
	id, err1 := strconv.ParseUint(u.Uid, 10, 32)
	group, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(err1, err2); err != nil {
		return nil, fmt.Errorf("read ids of user postgres: %w", err)
	}
	return &syscall.Credential{Uid: uint32(id), Gid: uint32(group)}, nil
}

// server.json in the data directory: where the running server is reached.
package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Server is what a running server says about itself to commands on the same
// machine. The file is gone when the server has stopped in good order.
type Server struct {
	URL     string    `json:"url"`
	PID     int       `json:"pid"`
	Version string    `json:"version"`
	Started time.Time `json:"started"`
}

// ErrNoServer means that no server has said where it is.
var ErrNoServer = errors.New("no server runs on this data directory")

func serverFile(dataDir string) string { return filepath.Join(dataDir, "server.json") }

// WriteServer replaces the file as a whole.
func WriteServer(dataDir string, s Server) error {
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("write server address: %w", err)
	}
	next := serverFile(dataDir) + ".new"
	if err := os.WriteFile(next, append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("write server address: %w", err)
	}
	if err := os.Rename(next, serverFile(dataDir)); err != nil {
		return fmt.Errorf("write server address: %w", err)
	}
	return nil
}

// ReadServer returns ErrNoServer if there is no file.
func ReadServer(dataDir string) (s Server, err error) {
	text, err := os.ReadFile(serverFile(dataDir))
	if errors.Is(err, fs.ErrNotExist) {
		return s, fmt.Errorf("%s: %w", dataDir, ErrNoServer)
	}
	if err != nil {
		return s, fmt.Errorf("read server address: %w", err)
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return s, fmt.Errorf("read server address in %s: %w", serverFile(dataDir), err)
	}
	return s, nil
}

// RemoveServer is for the end of a server. No file is no error.
func RemoveServer(dataDir string) error {
	if err := os.Remove(serverFile(dataDir)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove server address: %w", err)
	}
	return nil
}

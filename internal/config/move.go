// Move: the note in a data directory that its installation takes no more events, for a while or for good.
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

// Move says what became of an installation.
type Move struct {
	// IsGone: it was moved into a cluster. Else it has stopped for the moment of a switch.
	IsGone bool      `json:"isGone"`
	At     time.Time `json:"at"`
}

// Reason says why events are not taken.
func (m Move) Reason() string {
	if m.IsGone {
		return "this installation was moved into a cluster at " + m.At.Format(time.RFC3339) + ": send to its collectors"
	}
	return "this installation is being moved into a cluster: try again in a moment (if nobody moves it, tidemark migrate --abort lets it go on)"
}

// MigrationDir is where a move keeps its copy of a commit point.
func MigrationDir(dataDir string) string { return filepath.Join(dataDir, "migration") }

func moveFile(dataDir string) string { return filepath.Join(dataDir, "moved.json") }

// ReadMove returns the note; false if there is none.
func ReadMove(dataDir string) (m Move, some bool, err error) {
	text, err := os.ReadFile(moveFile(dataDir))
	if errors.Is(err, fs.ErrNotExist) {
		return m, false, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil {
		return m, false, fmt.Errorf("read whether the installation was moved: %w", err)
	}
	return m, true, nil
}

// WriteMove makes the note durable.
func WriteMove(dataDir string, m Move) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write that the installation moves: %w", err)
		}
	}()
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	next := moveFile(dataDir) + ".new"
	f, err := os.OpenFile(next, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(next, moveFile(dataDir)); err != nil {
		return err
	}
	return syncDir(dataDir)
}

// RemoveMove lets the installation go on, durably.
func RemoveMove(dataDir string) error {
	if err := os.Remove(moveFile(dataDir)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the note of a move: %w", err)
	}
	return syncDir(dataDir)
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

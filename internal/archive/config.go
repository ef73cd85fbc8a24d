// What an operator chooses about the archive.
package archive

import (
	"errors"
	"time"
)

// Config is the operator's choices.
type Config struct {
	// Interval is how often an archiver looks for days that became final or were changed. It
	// bounds for how long rows that were erased stay in the archive.
	Interval time.Duration
	// KeepDays is for how many local days before the last final one rows are archived; 0: for as long
	// as the store keeps them.
	KeepDays int
	// FileRows is how many rows a file has at most, but for rows at one instant. A service takes 5 GiB in
	// one object, and whoever reads a file may want it in memory.
	FileRows int64
}

// DefaultConfig returns the defaults.
func DefaultConfig() Config { return Config{Interval: 5 * time.Minute, FileRows: 8_000_000} }

// Validate says what is wrong with c.
func (c Config) Validate() error {
	switch {
	case c.Interval < time.Second || c.Interval > 24*time.Hour:
		return errors.New("interval: must be 1 second to 24 hours: rows that were erased stay in the archive for so long")
	case c.KeepDays < 0:
		return errors.New("keep_days: must not be negative; 0 is for as long as the store keeps rows")
	case c.FileRows < 1:
		return errors.New("file_rows: must be positive")
	}
	return nil
}

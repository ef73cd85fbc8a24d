// Logs: text for a person at a terminal, JSON for a machine.
package obs

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"golang.org/x/term"
)

// LogConfig is what an operator says about logs.
type LogConfig struct {
	// Level is the least severe line that is written: debug, info, warn or
	// error. Default info. debug explains starts and stops; error is silent
	// about overload.
	Level string `yaml:"level"`
	// Format is text, json, or auto: text on a terminal, else json. Default auto.
	Format string `yaml:"format"`
}

// DefaultLogConfig returns the defaults.
func DefaultLogConfig() LogConfig { return LogConfig{Level: "info", Format: "auto"} }

// Validate says what is wrong.
func (c LogConfig) Validate() error {
	if _, err := c.level(); err != nil {
		return err
	}
	switch c.Format {
	case "auto", "text", "json":
		return nil
	}
	return fmt.Errorf("format: %q is not auto, text or json", c.Format)
}

func (c LogConfig) level() (l slog.Level, err error) {
	switch c.Level {
	case "debug", "info", "warn", "error":
		return l, l.UnmarshalText([]byte(strings.ToUpper(c.Level)))
	}
	return l, fmt.Errorf("level: %q is not debug, info, warn or error", c.Level)
}

// NewLogger returns a logger that writes to w.
func NewLogger(w io.Writer, c LogConfig) (*slog.Logger, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	level, err := c.level()
	if err != nil {
		return nil, err
	}
	options := &slog.HandlerOptions{Level: level}
	if c.Format == "text" || c.Format == "auto" && IsTerminal(w) {
		return slog.New(slog.NewTextHandler(w, options)), nil
	}
	return slog.New(slog.NewJSONHandler(w, options)), nil
}

// IsTerminal tells whether a person reads what is written to w.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

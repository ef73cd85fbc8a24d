// Error log of the HTTP server: its lines name client addresses, which must not
// reach a log (D10).
package app

import (
	"bytes"
	"log"
	"log/slog"
	"regexp"
)

// addressText matches IPv4 and bracketed or bare IPv6 addresses with their ports.
var addressText = regexp.MustCompile(`\[?[0-9a-fA-F:.]*(?:\d+\.\d+\.\d+\.\d+|[0-9a-fA-F]*:[0-9a-fA-F]*:[0-9a-fA-F:.%]*)\]?(?::\d+)?`)

type scrubber struct{ to *slog.Logger }

// Write logs one line of net/http without the addresses in it.
func (s scrubber) Write(line []byte) (int, error) {
	s.to.Debug("http server", "message", string(scrub(bytes.TrimSpace(line))))
	return len(line), nil
}

func scrub(line []byte) []byte { return addressText.ReplaceAll(line, []byte("(client)")) }

func newErrorLog(to *slog.Logger) *log.Logger { return log.New(scrubber{to}, "", 0) }

// What the terminal can do (CL3).
package cli

import (
	"io"
	"math"
	"os"

	"golang.org/x/term"

	"tidemark/internal/obs"
)

// terminal is where a person reads. The zero width of a file is no limit.
type terminal struct {
	is    bool
	color bool
	width int
}

// terminalOf looks at w. NO_COLOR is the agreed way to say that one wants none.
func terminalOf(w io.Writer) terminal {
	t := terminal{width: math.MaxInt32}
	if !obs.IsTerminal(w) {
		return t
	}
	t.is = true
	t.color = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	if f, ok := w.(*os.File); ok {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 0 {
			t.width = n
		}
	}
	return t
}

func (t terminal) style(code, s string) string {
	if !t.color || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (t terminal) bold(s string) string { return t.style("1", s) }
func (t terminal) dim(s string) string  { return t.style("2", s) }
func (t terminal) blue(s string) string { return t.style("34", s) }
func (t terminal) red(s string) string  { return t.style("31", s) }

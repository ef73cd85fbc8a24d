// Progress: one line on a terminal that says how far the run is.
package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

type progress struct {
	out     io.Writer // nil: nobody looks
	began   time.Time
	total   int
	before  int // weight of what is done
	current int // weight of what is under way
	title   string
}

func newProgress(f *os.File, all []measure) *progress {
	p := &progress{began: time.Now()}
	if term.IsTerminal(int(f.Fd())) {
		p.out = f
	}
	for _, m := range all {
		p.total += m.weight
	}
	return p
}

// begin says that m begins and what was under way is done.
func (p *progress) begin(m measure) {
	p.before += p.current
	p.current, p.title = m.weight, m.title
	p.say("")
}

// say draws the bar with what is being done.
func (p *progress) say(what string) {
	if p.out == nil {
		return
	}
	const width = 24
	full := width * p.before / p.total
	bar := strings.Repeat("#", full) + strings.Repeat(".", width-full)
	line := fmt.Sprintf("[%s] %s  %s", bar, time.Since(p.began).Round(time.Second), p.title)
	if what != "" {
		line += ": " + what
	}
	fmt.Fprintf(p.out, "\r\x1b[K%s", line)
}

// clear removes the bar, for lines that stay.
func (p *progress) clear() {
	if p.out != nil {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}

func (p *progress) end() { p.clear() }

// Parse: from the text of a .spec file to cases and commands.
package spec

import (
	"fmt"
	"os"
	"regexp"
	"strings"
)

// File is one .spec file.
type File struct {
	Path  string
	Cases []*Case
	lines []string
}

// Case is a list of commands that start from nothing.
type Case struct {
	Title    string
	Rules    []string // S12, D3, ...
	Fixed    bool     // the order of arrival is what the case is about
	Line     int      // from 1
	Commands []*Command
}

// Command is one command of a case.
type Command struct {
	Name  string
	Args  []arg
	Input []string // lines below it
	Line  int

	// Expected lines stand between these lines of the file, from 0; both 0 if
	// the command expects nothing.
	Expected   []string
	start, end int
}

// arg is key=value, or a bare word with an empty value.
type arg struct{ key, value string }

// get returns the first value of key.
func (c *Command) get(key string) (string, bool) {
	for _, a := range c.Args {
		if a.key == key {
			return a.value, true
		}
	}
	return "", false
}

// text returns the value of key, or other.
func (c *Command) text(key, other string) string {
	if v, ok := c.get(key); ok {
		return v
	}
	return other
}

// ReadFile parses a .spec file.
func ReadFile(path string) (*File, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read spec: %w", err)
	}
	f := &File{Path: path, lines: strings.Split(strings.TrimRight(string(b), "\n"), "\n")}
	if err := f.parse(); err != nil {
		return nil, fmt.Errorf("parse %s:%w", path, err)
	}
	return f, nil
}

func (f *File) parse() error {
	for i := 0; i < len(f.lines); {
		line := strings.TrimSpace(f.lines[i])
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
			i++
		case strings.HasPrefix(line, "case "):
			f.Cases = append(f.Cases, parseCase(line, i+1))
			i++
		case len(f.Cases) == 0:
			return fmt.Errorf("%d: a command before the first case", i+1)
		default:
			c, next, err := f.parseCommand(i)
			if err != nil {
				return fmt.Errorf("%d: %w", i+1, err)
			}
			last := f.Cases[len(f.Cases)-1]
			last.Commands = append(last.Commands, c)
			i = next
		}
	}
	return nil
}

// parseCase reads "case title [S1 S2; fixed]".
func parseCase(line string, number int) *Case {
	c := &Case{Title: strings.TrimSpace(strings.TrimPrefix(line, "case ")), Line: number}
	m := regexp.MustCompile(`^(.*?)\s*\[([^\]]*)\]$`).FindStringSubmatch(c.Title)
	if m == nil {
		return c
	}
	c.Title = m[1]
	rules, flags, _ := strings.Cut(m[2], ";")
	c.Rules = strings.Fields(rules)
	c.Fixed = strings.TrimSpace(flags) == "fixed"
	return c
}

// parseCommand reads the command at line i and returns where the next one can start.
func (f *File) parseCommand(i int) (*Command, int, error) {
	c := &Command{Line: i + 1}
	words, err := splitWords(f.lines[i])
	if err != nil {
		return nil, 0, err
	}
	c.Name = words[0]
	for _, w := range words[1:] {
		key, value, _ := strings.Cut(w, "=")
		c.Args = append(c.Args, arg{key, value})
	}
	if c.Name == "property" || c.Name == "age" { // These are one line, whatever follows.
		return c, i + 1, nil
	}
	for i++; i < len(f.lines); i++ {
		line := strings.TrimSpace(f.lines[i])
		switch {
		case line == "":
			if c.start > 0 {
				c.end = i
			}
			return c, i, nil
		case strings.HasPrefix(line, "#"):
		case line == "----" && c.start == 0:
			c.start = i + 1
		case c.start > 0:
			c.Expected = append(c.Expected, line)
		default:
			c.Input = append(c.Input, line)
		}
	}
	if c.start > 0 {
		c.end = i
	}
	return c, i, nil
}

// splitWords splits at spaces outside double quotes and drops the quotes.
func splitWords(s string) ([]string, error) {
	var words []string
	var word strings.Builder
	quoted, open := false, false
	for _, r := range s {
		switch {
		case r == '"':
			quoted, open = !quoted, true
		case !quoted && (r == ' ' || r == '\t'):
			if open {
				words = append(words, word.String())
			}
			word.Reset()
			open = false
		default:
			word.WriteRune(r)
			open = true
		}
	}
	if quoted {
		return nil, fmt.Errorf("a quote is not closed: %s", s)
	}
	if open {
		words = append(words, word.String())
	}
	return words, nil
}

// rewrite replaces the expected lines of commands by what was answered.
func (f *File) rewrite(answers map[*Command][]string) error {
	var out []string
	at := 0
	for _, c := range f.Cases {
		for _, cmd := range c.Commands {
			got, ok := answers[cmd]
			if !ok {
				continue
			}
			out = append(out, f.lines[at:cmd.start]...)
			out = append(out, got...)
			at = cmd.end
		}
	}
	out = append(out, f.lines[at:]...)
	text := strings.Join(out, "\n") + "\n"
	if err := os.WriteFile(f.Path, []byte(text), 0o644); err != nil {
		return fmt.Errorf("rewrite spec: %w", err)
	}
	return nil
}

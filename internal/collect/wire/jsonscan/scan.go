// Scanner: the position in a JSON text and the steps over it.
package jsonscan

import "errors"

// Errors of all methods. They carry no position: Pos has it.
var (
	ErrSyntax = errors.New("not JSON")
	ErrDepth  = errors.New("JSON is nested too deeply")
)

// Kind is what the next value is.
type Kind uint8

// The kinds. End is the end of the text; Invalid is no beginning of a value.
const (
	Invalid Kind = iota
	End
	Object
	Array
	String
	Number
	True
	False
	Null
)

// Scanner walks one JSON text. Copying it is how to look ahead.
type Scanner struct {
	text  string
	pos   int
	depth int
	max   int
}

// New returns a scanner at the start of text that follows at most maxDepth
// objects and arrays into each other.
func New(text string, maxDepth int) Scanner { return Scanner{text: text, max: maxDepth} }

// Pos returns the byte at which the scanner stands.
func (s *Scanner) Pos() int { return s.pos }

// Rest returns the text from here on.
func (s *Scanner) Rest() string { return s.text[s.pos:] }

// SkipLine moves past the next line feed, or to the end, and out of every
// object and array: how to go on after a line that could not be read.
func (s *Scanner) SkipLine() {
	s.depth = 0
	for s.pos < len(s.text) {
		s.pos++
		if s.text[s.pos-1] == '\n' {
			return
		}
	}
}

func (s *Scanner) space() {
	for s.pos < len(s.text) {
		switch s.text[s.pos] {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return
		}
	}
}

// Next moves to the next value and tells what it is.
func (s *Scanner) Next() Kind {
	s.space()
	if s.pos == len(s.text) {
		return End
	}
	switch c := s.text[s.pos]; {
	case c == '{':
		return Object
	case c == '[':
		return Array
	case c == '"':
		return String
	case c == '-' || c >= '0' && c <= '9':
		return Number
	case c == 't':
		return True
	case c == 'f':
		return False
	case c == 'n':
		return Null
	}
	return Invalid
}

// Enter steps into the object or array that is next.
func (s *Scanner) Enter() error {
	if k := s.Next(); k != Object && k != Array {
		return ErrSyntax
	}
	if s.depth == s.max {
		return ErrDepth
	}
	s.depth++
	s.pos++
	return nil
}

// Member moves to the next member of the object that was entered and returns
// its name, or more = false behind the object's end. first is true for the
// first call.
func (s *Scanner) Member(first bool) (name string, more bool, err error) {
	if more, err = s.step(first, '}'); !more {
		return "", false, err
	}
	if s.Next() != String {
		return "", false, ErrSyntax
	}
	if name, err = s.String(); err != nil {
		return "", false, err
	}
	s.space()
	if s.pos == len(s.text) || s.text[s.pos] != ':' {
		return "", false, ErrSyntax
	}
	s.pos++
	return name, true, nil
}

// Element moves to the next element of the array that was entered, or returns
// more = false behind the array's end.
func (s *Scanner) Element(first bool) (more bool, err error) {
	return s.step(first, ']')
}

// step reads the separator or the closing bracket.
func (s *Scanner) step(first bool, closing byte) (more bool, err error) {
	s.space()
	if s.pos == len(s.text) {
		return false, ErrSyntax
	}
	if s.text[s.pos] == closing {
		s.pos++
		s.depth--
		return false, nil
	}
	if first {
		return true, nil
	}
	if s.text[s.pos] != ',' {
		return false, ErrSyntax
	}
	s.pos++
	s.space()
	if s.pos == len(s.text) || s.text[s.pos] == closing {
		return false, ErrSyntax
	}
	return true, nil
}

// Literal reads true, false or null.
func (s *Scanner) Literal() error {
	word := ""
	switch s.Next() {
	case True:
		word = "true"
	case False:
		word = "false"
	case Null:
		word = "null"
	default:
		return ErrSyntax
	}
	if len(s.text)-s.pos < len(word) || s.text[s.pos:s.pos+len(word)] != word {
		return ErrSyntax
	}
	s.pos += len(word)
	return nil
}

// Number reads a number and returns its text.
func (s *Scanner) Number() (string, error) {
	if s.Next() != Number {
		return "", ErrSyntax
	}
	start := s.pos
	if s.text[s.pos] == '-' {
		s.pos++
	}
	if s.pos < len(s.text) && s.text[s.pos] == '0' {
		s.pos++
	} else if s.digits() == 0 {
		return "", ErrSyntax
	}
	if s.pos < len(s.text) && s.text[s.pos] == '.' {
		s.pos++
		if s.digits() == 0 {
			return "", ErrSyntax
		}
	}
	if s.pos < len(s.text) && (s.text[s.pos] == 'e' || s.text[s.pos] == 'E') {
		s.pos++
		if s.pos < len(s.text) && (s.text[s.pos] == '+' || s.text[s.pos] == '-') {
			s.pos++
		}
		if s.digits() == 0 {
			return "", ErrSyntax
		}
	}
	return s.text[start:s.pos], nil
}

func (s *Scanner) digits() int {
	start := s.pos
	for s.pos < len(s.text) && s.text[s.pos] >= '0' && s.text[s.pos] <= '9' {
		s.pos++
	}
	return s.pos - start
}

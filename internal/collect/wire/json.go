// JSON steps that the JSON protocols share.
package wire

import (
	"errors"
	"strings"
	"unicode/utf8"

	"tidemark/internal/collect/wire/jsonscan"
	"tidemark/internal/event"
)

// ErrUnreadable: the body as a whole cannot be read.
var ErrUnreadable = errors.New("body cannot be read")

// NewScanner returns a scanner over body, as valid UTF-8 and without a byte
// order mark.
func NewScanner(body string, limits Limits) jsonscan.Scanner {
	body = strings.TrimPrefix(body, "\ufeff")
	if !utf8.ValidString(body) {
		body = strings.ToValidUTF8(body, "\uFFFD")
	}
	return jsonscan.New(body, limits.MaxDepth)
}

// ReadScalar reads the next value as one. present is false for null. An object
// or array is a text: its JSON as sent.
func ReadScalar(s *jsonscan.Scanner) (v Scalar, present bool, err error) {
	switch s.Next() {
	case jsonscan.String:
		v.Text, err = s.String()
	case jsonscan.Number:
		v.Kind = NumberScalar
		v.Text, err = s.Number()
	case jsonscan.True:
		v.Kind, v.Text = BooleanScalar, "true"
		err = s.Literal()
	case jsonscan.False:
		v.Kind, v.Text = BooleanScalar, "false"
		err = s.Literal()
	case jsonscan.Null:
		return v, false, s.Literal()
	case jsonscan.Array:
		v.Text, err = ReadArray(s, event.MaxParamText)
	default:
		v.Text, err = s.Raw()
	}
	return v, err == nil, err
}

// ReadArray reads the next array and returns its JSON: whole elements only,
// from the first on, as many as fit into limit, so that it stays JSON.
func ReadArray(s *jsonscan.Scanner, limit int) (string, error) {
	look := *s
	raw, err := look.Raw()
	if err != nil {
		return "", err
	}
	if len(raw) <= limit {
		*s = look
		return raw, nil
	}
	kept := make([]byte, 0, limit)
	kept = append(kept, '[')
	fits := true
	if err := s.Enter(); err != nil {
		return "", err
	}
	for first := true; ; first = false {
		more, err := s.Element(first)
		if !more {
			return string(append(kept, ']')), err
		}
		element, err := s.Raw()
		if err != nil {
			return "", err
		}
		if fits = fits && len(kept)+len(element)+2 <= limit; !fits {
			continue
		}
		if len(kept) > 1 {
			kept = append(kept, ',')
		}
		kept = append(kept, element...)
	}
}

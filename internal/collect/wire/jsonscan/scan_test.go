// The scanner against encoding/json: what one accepts the other accepts (J1),
// and both read the same strings and numbers (J2).
package jsonscan

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

const testDepth = 32

// whole reads exactly one value.
func whole(text string) error {
	s := New(text, testDepth)
	if err := s.Skip(); err != nil {
		return err
	}
	if s.Next() != End {
		return ErrSyntax
	}
	return nil
}

var corpus = []string{
	``, ` `, `{}`, `[]`, `{"a":1}`, `{"a":1,}`, `[1,]`, `[,1]`, `{"a"}`, `{"a":}`, `{a:1}`, `{"a":1 "b":2}`,
	`[1 2]`, `[1,2] x`, `nul`, `null`, `true`, `falsee`, `-`, `-0`, `-01`, `01`, `1.`, `.5`, `1.5e`, `1.5e+3`,
	`1E-2`, `"`, `"a`, `"\"`, `"\q"`, `"\u12"`, `"\u12G4"`, `"\ud83d\ude00"`, `"\ud83d"`, `"\ud83dx"`,
	`"\ud83d\u0041"`, "\"\n\"", "\"\x7f\"", `"\/\b\f\n\r\t\\"`, `{"a":{"b":[1,{"c":[]}]}}`, `]`, `}`, `[}`,
	`{]`, `[[]`, `{"a":[}`, "\ufeff{}", `{"a":"\u0000"}`, `"é"`, "\t[ 1 ,\r\n2 ]\n",
}

func TestAcceptsWhatRFC8259Accepts(t *testing.T) {
	for _, text := range corpus {
		if got, want := whole(text) == nil, json.Valid([]byte(text)); got != want {
			t.Errorf("%q: accepted = %v, want %v", text, got, want)
		}
	}
}

func TestReadsTheSameStringsAsEncodingJSON(t *testing.T) {
	for _, text := range corpus {
		compareString(t, text)
	}
}

func compareString(t *testing.T, text string) {
	t.Helper()
	s := New(text, testDepth)
	if s.Next() != String || !utf8.ValidString(text) {
		return // encoding/json repairs UTF-8 itself; here the caller has done it.
	}
	got, err := s.String()
	var want string
	if wantErr := json.Unmarshal([]byte(text[:s.Pos()]), &want); err == nil && (wantErr != nil || got != want) {
		t.Errorf("%q: got %q, want %q (%v)", text, got, want, wantErr)
	}
	if !utf8.ValidString(got) {
		t.Errorf("%q: %q is not valid UTF-8", text, got)
	}
}

func TestD8NestingIsLimited(t *testing.T) {
	ok := strings.Repeat("[", testDepth) + strings.Repeat("]", testDepth)
	if err := whole(ok); err != nil {
		t.Errorf("at the limit: %v", err)
	}
	for _, bomb := range []string{strings.Repeat("[", 1<<20), strings.Repeat(`{"a":`, 1<<20)} {
		if err := whole(bomb); !errors.Is(err, ErrDepth) {
			t.Errorf("over the limit: %v, want ErrDepth", err)
		}
	}
}

func TestMembersAndElementsAreWalked(t *testing.T) {
	s := New(`{"a": 1, "b": [true, "x"], "c": null}`, testDepth)
	var names []string
	if err := s.Enter(); err != nil {
		t.Fatal(err)
	}
	for first := true; ; first = false {
		name, more, err := s.Member(first)
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			break
		}
		raw, err := s.Raw()
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name+"="+raw)
	}
	if got, want := strings.Join(names, " "), `a=1 b=[true, "x"] c=null`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if s.Next() != End {
		t.Errorf("rest: %q", s.Rest())
	}
}

func FuzzScanner(f *testing.F) {
	for _, text := range corpus {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		err := whole(text)
		if !errors.Is(err, ErrDepth) && (err == nil) != json.Valid([]byte(text)) {
			t.Errorf("%q: accepted = %v, encoding/json says %v", text, err == nil, err != nil)
		}
		compareString(t, text)
	})
}

// Tests of what all decoders share: cutting, money, times.
package wire

import (
	"math"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTextsAreCutAtARune(t *testing.T) {
	for _, c := range []struct {
		text  string
		limit int
		want  string
	}{
		{"abc", 3, "abc"}, {"abcd", 3, "abc"}, {"aéb", 2, "a"}, {"aéb", 3, "aé"}, {"é", 1, ""},
		{"a\xffb", 8, "a\uFFFDb"}, {"\xff\xff", 8, "\uFFFD"}, {"a\x00b", 9, "a\uFFFDb"}, {"\xff", 2, ""},
	} {
		if got := Cut(c.text, c.limit); got != c.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", c.text, c.limit, got, c.want)
		}
	}
}

func TestLongIdentifiersStayDifferent(t *testing.T) {
	a, b := Identifier(strings.Repeat("x", 100)+"a", 64), Identifier(strings.Repeat("x", 100)+"b", 64)
	if a == b || len(a) != 32 {
		t.Errorf("got %q and %q", a, b)
	}
	if got := Identifier("short", 64); got != "short" {
		t.Errorf("got %q", got)
	}
}

func TestS35MoneyIsExact(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "1": 1_000_000, "0.1": 100_000, "-0.1": -100_000, "+2.5": 2_500_000, ".5": 500_000, "5.": 5_000_000,
		"1.0000005": 1_000_001, "1.0000004": 1_000_000, "-1.0000005": -1_000_001, "0.0000001": 0, "19.99": 19_990_000,
		"1e2": 100_000_000, "9000000000": 9_000_000_000_000_000, "0.99999999": 1_000_000,
	} {
		if got, ok := Micros(text); !ok || got != want {
			t.Errorf("Micros(%q) = %d, %v, want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "-", "+", ".", "x", "1x", "1.x", "--1", "1.2.3", "99999999999", "1e99", "NaN", "Inf", "1 ", strings.Repeat("9", 400)} {
		if got, ok := Micros(text); ok {
			t.Errorf("Micros(%q) = %d, want none", text, got)
		}
	}
}

func FuzzMicros(f *testing.F) {
	f.Add("12.345678")
	f.Add("-1e-3")
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := Micros(text)
		if !ok {
			return
		}
		want, err := strconv.ParseFloat(text, 64)
		if err != nil || math.Abs(want*1e6-float64(got)) > 1+math.Abs(want)*1e-9 || got > maxMicros+1 || got < -maxMicros-1 {
			t.Errorf("Micros(%q) = %d, want %v (%v)", text, got, want*1e6, err)
		}
	})
}

func FuzzCut(f *testing.F) {
	f.Add("aé\xff\x00b", 3)
	f.Fuzz(func(t *testing.T, text string, limit int) {
		limit = min(max(limit, 0), 100)
		got := Cut(text, limit)
		if len(got) > limit || !utf8.ValidString(got) || strings.Contains(got, "\x00") {
			t.Errorf("Cut(%q, %d) = %q", text, limit, got)
		}
	})
}

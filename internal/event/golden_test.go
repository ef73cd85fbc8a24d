// Golden bytes of log records, and a fuzz test of their decoder.
package event_test

import (
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	"tidemark/internal/event"
)

var rewrite = flag.Bool("rewrite", false, "write golden files that are missing")

func wrap(e *event.Event) *event.Record {
	return &event.Record{Kind: &event.Record_Event{Event: e}}
}

// goldenRecords are the records whose bytes must stay as they are.
func goldenRecords() map[string]*event.Record {
	return map[string]*event.Record{
		"event_full":    wrap(fullEvent()),
		"event_minimal": wrap(&event.Event{Property: 1, ClientId: "c", Name: "page_view"}),
		"event_params": wrap(&event.Event{Params: []*event.Param{
			{Key: "text", Value: &event.Param_Text{Text: "a b"}},
			{Key: "empty_text", Value: &event.Param_Text{}},
			{Key: "number", Value: &event.Param_Number{Number: -0.5}},
			{Key: "boolean", Value: &event.Param_Boolean{Boolean: true}},
			{Key: "integer", Value: &event.Param_Integer{Integer: -7}},
			{Key: "none"},
		}}),
		"definition": {Kind: &event.Record_Definition{Definition: &event.Definition{
			Property: 123456789, Version: 3, TimeZone: "Asia/Kolkata", Currency: "INR",
			SessionTimeoutMs: 1_800_000, KeyEvents: []string{"purchase", "sign_up"},
			ObservedUsers: true, IgnoredReferrers: []string{"pay.example"},
			ChannelRules: "ga4@2026", IngestTime: 1_790_000_000_000_000,
		}}},
		"tick":       {Kind: &event.Record_Tick{Tick: &event.Tick{IngestTime: 1_790_000_000_000_001}}},
		"tick_empty": {Kind: &event.Record_Tick{Tick: &event.Tick{}}},
		"no_kind":    {},
	}
}

// fullEvent sets every field.
func fullEvent() *event.Event {
	return &event.Event{
		Property: 123456789, MeasurementId: "G-ABCDEF1234", ClientId: "1234.5678",
		Cookieless: true, UserId: "u-1", SessionId: "1790000000", Sessionless: true,
		Key: "k-0001", Index: 2,
		EventTime: 1_789_999_999_000_000, IngestTime: 1_790_000_000_000_000,
		ClockFix: event.ClockFix_CLOCK_FIX_SKEW, Trusted: true,
		Name: "purchase", Url: "https://shop.example/a?b=c", Referrer: "https://search.example/",
		Title: "Kaufen - \u00fcber", UserAgent: "Mozilla/5.0", Language: "de-de", Screen: "1920x1080",
		Geo: &event.Geo{Country: "DE", Region: "Bayern", City: "M\u00fcnchen", Source: "city@1"},
		Device: &event.Device{
			Category: "mobile", Browser: "Chrome", BrowserVersion: "126", OperatingSystem: "Android",
			OperatingSystemVersion: "14", Brand: "Google", Model: "Pixel 8",
		},
		Campaign: &event.Campaign{
			Source: "news", Medium: "email", Name: "spring", Id: "c1", Term: "shoes", Content: "top",
		},
		AddressVerdict: "datacenter@1", EngagementMs: 1500, EngagementKnown: true, Engaged: true,
		Passive: true, FirstVisit: true, SessionStart: true, SessionCount: 4, IgnoreReferrer: true,
		ValueMicros: -12_340_000, HasValue: true, Currency: "EUR",
		Params:         []*event.Param{{Key: "items", Value: &event.Param_Text{Text: "[]"}}},
		UserProperties: []*event.Param{{Key: "plan", Value: &event.Param_Integer{Integer: 2}}},
		KeyEvent:       true,
	}
}

// hexLines prints bytes as lines of 32.
func hexLines(b []byte) string {
	var sb strings.Builder
	for len(b) > 0 {
		n := min(32, len(b))
		fmt.Fprintf(&sb, "%x\n", b[:n])
		b = b[n:]
	}
	return sb.String()
}

func TestGoldenRecordsKeepTheirBytes(t *testing.T) {
	for name, record := range goldenRecords() {
		t.Run(name, func(t *testing.T) {
			encoded, err := record.MarshalVT()
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", "golden", name+".hex")
			if _, err := os.Stat(path); *rewrite && os.IsNotExist(err) {
				if err := os.WriteFile(path, []byte(hexLines(encoded)), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			golden, err := hex.DecodeString(strings.Join(strings.Fields(string(text)), ""))
			if err != nil {
				t.Fatal(err)
			}
			if string(encoded) != string(golden) {
				t.Errorf("encoded as\n%swant\n%s", hexLines(encoded), text)
			}
			decoded := &event.Record{}
			if err := decoded.UnmarshalVT(golden); err != nil {
				t.Fatal(err)
			}
			if !proto.Equal(decoded, record) {
				t.Errorf("decoded as\n%s\nwant\n%s", prototext.Format(decoded), prototext.Format(record))
			}
		})
	}
}

// TestGoldenEventSetsEveryField makes the golden event grow with record.proto.
func TestGoldenEventSetsEveryField(t *testing.T) {
	e := fullEvent().ProtoReflect()
	fields := e.Descriptor().Fields()
	for i := range fields.Len() {
		if !e.Has(fields.Get(i)) {
			t.Errorf("field %s is not set", fields.Get(i).Name())
		}
	}
}

// TestUnknownFieldsSurvive: rule 6 of docs/format/log-record.md.
func TestUnknownFieldsSurvive(t *testing.T) {
	// An event with property 1 and a field 1000, varint 5.
	newer := []byte{0x0a, 0x05, 0x08, 0x01, 0xc0, 0x3e, 0x05}
	r := &event.Record{}
	if err := r.UnmarshalVT(newer); err != nil {
		t.Fatal(err)
	}
	if got := r.GetEvent().GetProperty(); got != 1 {
		t.Errorf("property %d, want 1", got)
	}
	again, err := r.MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	if string(again) != string(newer) {
		t.Errorf("written again as %x, want %x", again, newer)
	}
}

// FuzzRecord: decoding never panics, and what it accepts comes back the same.
func FuzzRecord(f *testing.F) {
	for _, r := range goldenRecords() {
		encoded, err := r.MarshalVT()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(encoded)
		f.Add(encoded[:len(encoded)/2])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := &event.Record{}
		if r.UnmarshalVT(b) != nil {
			return
		}
		first, err := r.MarshalVT()
		if err != nil {
			t.Fatal(err)
		}
		again := &event.Record{}
		if err := again.UnmarshalVT(first); err != nil {
			t.Fatalf("decode what was encoded: %v", err)
		}
		second, err := again.MarshalVT()
		if err != nil {
			t.Fatal(err)
		}
		if string(first) != string(second) {
			t.Fatalf("encoded as %x, then as %x", first, second)
		}
	})
}

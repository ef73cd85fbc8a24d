// The bytes of frames stay what they are, and hostile ones do no harm.
package spool

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

func goldenFrames() []struct {
	name string
	f    frame
} {
	return []struct {
		name string
		f    frame
	}{
		{"an event with its count", frame{
			oldest: 1_700_000_000_000_000, payloads: [][]byte{[]byte("payload")},
			counts: []eventlog.Count{{Property: 7, Day: 20000, N: 1, Record: 1}},
		}},
		{"two events and a refusal", frame{
			oldest: -1, payloads: [][]byte{[]byte("a"), {}},
			counts: []eventlog.Count{
				{Property: 7, Day: 20000, N: 1, Record: 1}, {Property: 7, Day: 20000, N: 1, Record: 2},
				{Property: math.MaxUint64, Day: -1, Reason: event.RefuseNoName, N: -300},
			},
		}},
		{"a tick", frame{oldest: 1, essential: true, payloads: [][]byte{[]byte("tick")}}},
		{"refusals alone", frame{oldest: 1, counts: []eventlog.Count{{Property: 7, Reason: event.RefuseNoName, N: 2}}}},
	}
}

// TestGoldenFrames compares with lines that are never edited once released.
func TestGoldenFrames(t *testing.T) {
	var got strings.Builder
	for _, g := range goldenFrames() {
		encoded := appendFrame(nil, &g.f)
		fmt.Fprintf(&got, "%s: %x\n", g.name, encoded)
		back, err := parseFrame(encoded)
		if err != nil {
			t.Fatalf("%s: %v", g.name, err)
		}
		if diff := cmp.Diff(g.f, back, cmp.AllowUnexported(frame{})); diff != "" {
			t.Errorf("%s came back different (-want +got):\n%s", g.name, diff)
		}
		if len(encoded) > g.f.size() {
			t.Errorf("%s takes %d bytes, at most %d were expected", g.name, len(encoded), g.f.size())
		}
	}
	want, err := os.ReadFile("testdata/golden.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
}

func FuzzFramesNeverPanic(f *testing.F) {
	for _, g := range goldenFrames() {
		f.Add(appendFrame(nil, &g.f))
	}
	f.Add([]byte{1, 0, 2, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Add([]byte{2, 0})
	f.Fuzz(func(t *testing.T, src []byte) {
		parsed, err := parseFrame(src)
		if err != nil {
			return
		}
		again := appendFrame(nil, &parsed)
		back, err := parseFrame(again)
		if err != nil || !bytes.Equal(appendFrame(nil, &back), again) {
			t.Errorf("%+v came back as %+v, %v", parsed, back, err)
		}
	})
}

func FuzzPayloadsNeverPanic(f *testing.F) {
	f.Add(eventRecord(0, "key", 17).Payload)
	f.Add([]byte{0x0a, 0x02, 0x58})
	f.Fuzz(func(_ *testing.T, payload []byte) {
		ingestTime(payload)
		propertyOf(payload)
	})
}

// TestWhatIsReadOfAPayload agrees with the message as a whole.
func TestWhatIsReadOfAPayload(t *testing.T) {
	for name, r := range map[string]*event.Record{
		"event":      {Kind: &event.Record_Event{Event: &event.Event{Property: 300, ClientId: "c", Key: "k", EventTime: 5, IngestTime: 42, Name: "n"}}},
		"definition": {Kind: &event.Record_Definition{Definition: &event.Definition{Property: 300, IngestTime: 42}}},
		"tick":       {Kind: &event.Record_Tick{Tick: &event.Tick{IngestTime: 42}}},
		"erasure":    {Kind: &event.Record_Erasure{Erasure: &event.Erasure{IngestTime: 42}}},
	} {
		payload, err := r.MarshalVT()
		if err != nil {
			t.Fatal(err)
		}
		if at, ok := ingestTime(payload); !ok || at != 42 {
			t.Errorf("IngestTime of the %s is %d, %v", name, at, ok)
		}
		if p, ok := propertyOf(payload); ok != (name == "event") || ok && p != 300 {
			t.Errorf("property of the %s is %d, %v", name, p, ok)
		}
	}
}

// TestNewerFramesAreNotGuessedAt: a process of an older version must not forward
// what it cannot read.
func TestNewerFramesAreNotGuessedAt(t *testing.T) {
	near := nearLog()
	newer := append([]byte{frameVersion + 1}, appendFrame(nil, &frame{})[1:]...)
	if err := near.Append(t.Context(), &eventlog.Batch{Records: []eventlog.Record{{Partition: 1, Payload: newer}}}); err != nil {
		t.Fatal(err)
	}
	_, err := Open(testConfig(), Deps{Near: near, OpenFar: newFar(newWorld()).open})
	if err == nil || !strings.Contains(err.Error(), "format version 2") {
		t.Errorf("got error %v", err)
	}
}

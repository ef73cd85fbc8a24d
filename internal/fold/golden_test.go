// The client record's bytes are on disks: what this version wrote must stay
// readable (docs/format/client-record.md). UPDATE_GOLDEN=1 writes the file anew,
// which is right only together with a new format version.
package fold

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

const goldenFile = "testdata/golden/client-record-v1.hex"

func goldenClient() *ClientRecord {
	place := &Place{EventTime: 1_795_000_000_000_001, Index: 2, Key: "k"}
	return &ClientRecord{
		Number: 7, ClientId: "a.1", FirstEvent: place, FirstRow: 9, FirstPart: 11, LastEventTime: 13,
		Keys:    []byte(strings.Repeat("k", keySize)),
		Told:    []*Told{{Session: 11, Checksum: 12}},
		History: &History{Sessions: 3, LastOrigin: goldenOrigin(place), LastOriginStart: 4, FirstSession: goldenOrigin(place)},
		Parts: []*Part{{
			Id: 11, Absorbed: []uint64{12}, ToldSession: 10, Thread: THREAD_SID, SessionId: "s", GapUs: 86_400_000_000,
			LocalDay: 20_000, First: place, End: 5, Landing: goldenPage(place), Exit: goldenPage(place),
			Visit: &Visit{Country: "DE", Region: "HB", City: "Bremen", Language: "de", Screen: "1x1", Category: "mobile",
				Browser: "Chrome", Os: "Android", OsMajor: "16"},
			Origin: goldenOrigin(place), UserPlace: place, UserId: "u", Events: 1, Views: 2, KeyEvents: 3,
			EngagementMs: 4, RevenueMicros: 5, CountedBefore: true,
		}},
	}
}

func goldenOrigin(p *Place) *Origin {
	return &Origin{Place: p, Source: "paper", Medium: "cpc", Campaign: "autumn"}
}

func goldenPage(p *Place) *Page {
	return &Page{Place: p, Host: "shop.example", Path: "/a", Query: "b=c"}
}

func TestClientRecordOfVersion1IsReadable(t *testing.T) {
	want := goldenClient()
	b, err := want.MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(goldenFile, []byte(hex.EncodeToString(b)+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	golden, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	got := &ClientRecord{}
	if err := got.UnmarshalVT(golden); err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(got, want) {
		t.Errorf("the golden record reads as\n%v\nwant\n%v", got, want)
	}
	if string(b) != string(golden) {
		t.Errorf("the record is written as\n%x\nthe golden one was\n%x", b, golden)
	}
}

// A field that the golden record leaves out would not be protected by it.
func TestGoldenClientRecordHasEveryField(t *testing.T) {
	missingFields(t, goldenClient().ProtoReflect())
}

func missingFields(t *testing.T, m protoreflect.Message) {
	t.Helper()
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if !m.Has(f) {
			t.Errorf("field %s is not set", f.FullName())
			continue
		}
		switch {
		case f.IsList() && f.Message() != nil:
			missingFields(t, m.Get(f).List().Get(0).Message())
		case f.Message() != nil:
			missingFields(t, m.Get(f).Message())
		}
	}
}

func FuzzClientRecord(f *testing.F) {
	b, err := goldenClient().MarshalVT()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		c := &ClientRecord{}
		if c.UnmarshalVT(b) != nil {
			return
		}
		again, err := c.MarshalVT()
		if err != nil {
			t.Fatal(err)
		}
		d := &ClientRecord{}
		if err := d.UnmarshalVT(again); err != nil || !proto.Equal(c, d) {
			t.Errorf("does not survive a round trip: %v\n%v\n%v", err, c, d)
		}
	})
}

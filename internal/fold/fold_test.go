// The fold's specification. Files in testdata/fold hold lines such as
//
//	define zone=Europe/Berlin timeout=30m key=sign_up
//	event 23T10:00 c1 page_view /a ref=https://google.com/ sid=1 engage=5s at=23T11:00 key=k1
//
// Times are of November 2026, UTC; at= is the IngestTime (default: EventTime).
// `batch` prints the sessions of its clients after one Flush; `restart` goes through a checkpoint.
package fold

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"tidemark/internal/event"
)

func TestFold(t *testing.T) {
	datadriven.Walk(t, "testdata/fold", func(t *testing.T, path string) {
		h := newHarness(t)
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			h.t = t
			switch d.Cmd {
			case "define":
				h.define(parseDefinition(t, d))
			case "batch":
				clients := map[string]bool{}
				for line := range strings.Lines(d.Input) {
					e := h.parseEvent(t, strings.TrimSpace(line))
					clients[e.ClientId] = true
					h.event(e)
				}
				h.flush()
				return strings.Join(h.sessions(clients), "\n") + "\n"
			case "tick":
				h.tick(parseTime(t, d.CmdArgs[0].String()))
				h.flush()
			case "restart":
				h.restart()
			case "ledger":
				l := h.fold.Ledgers()[testProperty]
				return fmt.Sprintf("stored=%d duplicate=%d too_late=%d expired=%d synthetic=%d unmerged=%d overflow=%d late=%d\n",
					l.Stored, l.Duplicate, l.TooLate, l.Expired, l.Synthetic, l.Unmerged, l.Overflow, l.Late)
			default:
				t.Fatalf("unknown command %s", d.Cmd)
			}
			return ""
		})
	})
}

func parseDefinition(t *testing.T, d *datadriven.TestData) *event.Definition {
	def := &event.Definition{Version: 1, TimeZone: "UTC", Currency: "EUR"}
	for _, a := range d.CmdArgs {
		switch a.Key {
		case "zone":
			def.TimeZone = a.Vals[0]
		case "timeout":
			def.SessionTimeoutMs = parseDuration(t, a.Vals[0]).Milliseconds()
		case "key":
			def.KeyEvents = a.Vals
		default:
			t.Fatalf("unknown argument %s", a.Key)
		}
	}
	return def
}

func (h *harness) parseEvent(t *testing.T, line string) *event.Event {
	fields := strings.Fields(line)
	if len(fields) < 4 {
		t.Fatalf("%q: want TIME CLIENT NAME PATH", line)
	}
	at := parseTime(t, fields[0])
	h.keyNum++
	e := &event.Event{EventTime: int64(at), IngestTime: int64(at), ClientId: fields[1], Name: fields[2],
		Url: "https://shop.example" + fields[3], Key: fmt.Sprint("k", h.keyNum), Trusted: true, EngagementKnown: true,
		UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
	for _, f := range fields[4:] {
		key, value, _ := strings.Cut(f, "=")
		switch key {
		case "at":
			e.IngestTime = int64(parseTime(t, value))
		case "sid":
			e.SessionId = value
		case "key":
			e.Key = value
		case "ref":
			e.Referrer = value
		case "engage":
			e.EngagementMs = parseDuration(t, value).Milliseconds()
		case "none":
			e.Sessionless = true
		case "fv":
			e.FirstVisit = true
		case "ss":
			e.SessionStart = true
		case "sct":
			fmt.Sscan(value, &e.SessionCount)
		case "untrusted":
			e.Trusted = false
		case "value":
			var v float64
			fmt.Sscan(value, &v)
			e.HasValue, e.ValueMicros, e.Currency = true, int64(v*1e6), "EUR"
		default:
			t.Fatalf("%q: unknown field %s", line, key)
		}
	}
	return e
}

func parseTime(t *testing.T, s string) event.Time {
	for _, layout := range []string{"02T15:04:05", "02T15:04"} {
		if at, err := time.Parse(layout, s); err == nil {
			return event.TimeOf(time.Date(2026, 11, at.Day(), at.Hour(), at.Minute(), at.Second(), 0, time.UTC))
		}
	}
	t.Fatalf("%q is no time like 23T10:00", s)
	return 0
}

func parseDuration(t *testing.T, s string) time.Duration {
	d, err := time.ParseDuration(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

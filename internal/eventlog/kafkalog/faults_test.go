// Faults that a broker inside the test can be made to have, and planted bugs.
package kafkalog

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/eventlog/eventlogtest"
)

// deafCable loses the first answer that comes on each connection after deafen:
// the broker has done what was asked, and the program does not know.
type deafCable struct {
	mu    sync.Mutex
	conns map[*deafConn]bool
}

type deafConn struct {
	net.Conn
	cable *deafCable
	deaf  bool // guarded by cable.mu
}

func (c *deafCable) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conns == nil {
		c.conns = make(map[*deafConn]bool)
	}
	d := &deafConn{Conn: conn, cable: c}
	c.conns[d] = true
	return d, nil
}

func (c *deafCable) deafen() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.conns {
		conn.deaf = true
	}
}

func (d *deafConn) Read(b []byte) (int, error) {
	n, err := d.Conn.Read(b)
	d.cable.mu.Lock()
	defer d.cable.mu.Unlock()
	if d.deaf {
		delete(d.cable.conns, d)
		_ = d.Close()
		return 0, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	}
	return n, err
}

// appendDeaf appends records whose first answers are lost and returns what is
// in the log.
func appendDeaf(t *testing.T, bug plant) (sent, got []string) {
	t.Helper()
	wire := &deafCable{}
	l := mustOpen(t, testConfig(fake(t).ListenAddrs(), freshTopic(t)), Deps{Dial: wire.dial}, bug)
	for i := range 10 {
		text := fmt.Sprint("record ", i)
		if i > 0 {
			wire.deafen()
		}
		if err := l.Append(t.Context(), &eventlog.Batch{Records: []eventlog.Record{{Payload: []byte(text)}}}); err != nil {
			t.Fatal(err)
		}
		sent = append(sent, text)
	}
	if err := l.await(t.Context(), func() bool { return l.End(0) >= event.Offset(len(sent)) }); err != nil {
		t.Fatal(err)
	}
	for _, e := range eventlogtest.ReadAll(t, l, 0, 1<<20) {
		got = append(got, string(e.Payload))
	}
	return sent, got
}

func TestRetryAfterALostAnswerIsWrittenOnce(t *testing.T) {
	sent, got := appendDeaf(t, plantNothing)
	if fmt.Sprint(got) != fmt.Sprint(sent) {
		t.Errorf("got %q, want %q", got, sent)
	}
}

func TestPlantedRetryWithoutSequenceNumbersIsFound(t *testing.T) {
	sent, got := appendDeaf(t, plantNotIdempotent)
	if fmt.Sprint(got) == fmt.Sprint(sent) {
		t.Error("a producer that is not idempotent wrote everything once: the test would find nothing")
	}
}

// TestBrokersAwayAreSaidInTime: the first Append cannot know, those after it are
// refused at once, and all goes on when the brokers are back.
func TestBrokersAwayAreSaidInTime(t *testing.T) {
	wire := &cable{}
	cfg := testConfig(fake(t).ListenAddrs(), freshTopic(t))
	cfg.AppendTimeout, cfg.CloseWait = 300*time.Millisecond, time.Second
	l := mustOpen(t, cfg, Deps{Dial: wire.dial}, plantNothing)
	one := func(text string) error {
		return l.Append(t.Context(), &eventlog.Batch{Records: []eventlog.Record{{Payload: []byte(text)}}})
	}
	if err := one("before"); err != nil {
		t.Fatal(err)
	}
	wire.pull()
	if err := one("perhaps"); !errors.Is(err, eventlog.ErrUnknown) {
		t.Fatalf("got error %v, want ErrUnknown", err)
	}
	if err := one("refused"); !errors.Is(err, eventlog.ErrFull) {
		t.Fatalf("got error %v, want ErrFull", err)
	}
	wire.plugIn()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	appendPatiently(ctx, t, l, "after")
	var got []string
	for _, e := range eventlogtest.ReadAll(t, l, 0, 1<<20) {
		got = append(got, string(e.Payload))
	}
	if want := "[before perhaps after]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

// TestForeignRecordsAreCorruption: who else writes to the topic, or changes a
// record on the way, is found.
func TestForeignRecordsAreCorruption(t *testing.T) {
	good := func() *kgo.Record { return newRecord("t", 1, []byte("payload"), nil) }
	for name, change := range map[string]func(*kgo.Record){
		"no header":      func(r *kgo.Record) { r.Headers = nil },
		"short header":   func(r *kgo.Record) { r.Headers[0].Value = r.Headers[0].Value[:4] },
		"newer version":  func(r *kgo.Record) { r.Headers[0].Value[0] = 2 },
		"other payload":  func(r *kgo.Record) { r.Value = []byte("Payload") },
		"more counts":    func(r *kgo.Record) { r.Headers[0].Value = append(r.Headers[0].Value, 1, 0, 2, 0) },
		"elsewhere":      func(r *kgo.Record) { r.Partition = 2 },
		"broken counts":  func(r *kgo.Record) { *r = *newRecord("t", 1, nil, []byte{1, 0, 2, 9}) },
		"endless varint": func(r *kgo.Record) { *r = *newRecord("t", 1, nil, []byte(strings.Repeat("\xff", 20))) },
	} {
		r := good()
		if _, err := parseRecord(r); err != nil {
			t.Fatal(err)
		}
		change(r)
		if _, err := parseRecord(r); !errors.Is(err, eventlog.ErrCorrupt) {
			t.Errorf("%s: got error %v, want ErrCorrupt", name, err)
		}
	}
}

func FuzzCountsNeverPanic(f *testing.F) {
	f.Add(appendCount(nil, &eventlog.Count{Property: 1 << 63, Day: -3, Reason: "r", N: -1}))
	f.Add([]byte{1, 0, 2, 9})
	f.Fuzz(func(t *testing.T, src []byte) {
		counts, err := parseCounts(src)
		if err != nil {
			return
		}
		var again []byte
		for i := range counts {
			again = appendCount(again, &counts[i])
		}
		if back, err := parseCounts(again); err != nil || fmt.Sprint(back) != fmt.Sprint(counts) {
			t.Errorf("%v came back as %v, %v", counts, back, err)
		}
	})
}

func TestLogThatOnlyAppendsReadsNothing(t *testing.T) {
	cfg := testConfig(fake(t).ListenAddrs(), freshTopic(t))
	reader := mustOpen(t, cfg, Deps{}, plantNothing)
	cfg.AppendOnly = true
	l := mustOpen(t, cfg, Deps{}, plantNothing)
	b := &eventlog.Batch{
		Records: []eventlog.Record{{Payload: []byte("x")}}, Counts: []eventlog.Count{{Property: 1, N: 1}},
	}
	if err := l.Append(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	_, err := l.Read(t.Context(), 0, 0, 1, nil)
	_, err2 := l.CountsOf(t.Context(), 1)
	if err == nil || err2 == nil || l.Wait(t.Context(), make([]event.Offset, cfg.Partitions)) == nil {
		t.Error("an append-only log was read")
	}
	// Another program sees the record, and its count.
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := reader.Wait(ctx, make([]event.Offset, cfg.Partitions)); err != nil {
		t.Fatal(err)
	}
	if got := eventlogtest.Sums(t, reader)["1/0/"]; got != 1 {
		t.Errorf("%d are counted", got)
	}
}

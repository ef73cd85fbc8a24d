// Promise D8: what strangers send is bounded in bytes, depth, number and time.
package collect

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"tidemark/internal/event"
)

func gzipped(t testing.TB, r io.Reader) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.Copy(z, r); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zstandard(t testing.TB, r io.Reader, options ...zstd.EOption) []byte {
	t.Helper()
	var b bytes.Buffer
	z, err := zstd.NewWriter(&b, options...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(z, r); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// spaces is a reader of n spaces: the cheapest bomb, since JSON allows them.
func spaces(n int64) io.Reader { return io.LimitReader(space{}, n) }

type space struct{}

func (space) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestD8CompressionBombsAreRefusedAndCounted(t *testing.T) {
	const size = 64 << 20
	bombs := map[string][]byte{
		"gzip": gzipped(t, spaces(size)),
		"zstd": zstandard(t, spaces(size)),
	}
	bombs["gzip, many members"] = bytes.Repeat(gzipped(t, spaces(1<<20)), 40)
	for name, bomb := range bombs {
		encoding, _, _ := strings.Cut(name, ",")
		f := newFixture(t, nil)
		if len(bomb) > f.cfg.MaxBody {
			t.Fatalf("%s: the bomb of %d bytes does not pass the first limit", name, len(bomb))
		}
		w := f.send(http.MethodPost, "/v1/events?measurement_id=G-UTC", bytes.NewReader(bomb), "Content-Encoding", encoding)
		if w.Code != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: got %d, want 413", name, w.Code)
		}
		w = f.send(http.MethodPost, "/mp/collect?measurement_id=G-UTC&api_secret=sesame", bytes.NewReader(bomb), "Content-Encoding", encoding)
		if w.Code != http.StatusNoContent {
			t.Errorf("%s: Measurement Protocol got %d, want 204", name, w.Code)
		}
		if got := f.counts(t)["property 101 too_large"]; got != 2 {
			t.Errorf("%s: counted %v, want 2 too_large", name, f.counts(t))
		}
		if used := f.memory.used.Load(); used != 0 {
			t.Errorf("%s: %d bytes are still taken", name, used)
		}
	}
}

func TestD8AWindowLargerThanTheLimitIsRefused(t *testing.T) {
	f := newFixture(t, nil)
	frame := zstandard(t, io.MultiReader(strings.NewReader(`{"name":"a"}`), spaces(10<<20)), zstd.WithWindowSize(64<<20))
	w := f.send(http.MethodPost, "/v1/events?measurement_id=G-UTC", bytes.NewReader(frame), "Content-Encoding", "zstd")
	if w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("got %d, want 413", w.Code)
	}
}

func TestD8BodiesOverTheLimitAreRefused(t *testing.T) {
	f := newFixture(t, nil)
	size := int64(f.cfg.MaxBody) + 1
	for _, length := range []int64{size, -1} { // Announced, and chunked.
		r := httptest.NewRequest(http.MethodPost, "/v1/events?measurement_id=G-UTC", spaces(size))
		r.ContentLength = length
		w := httptest.NewRecorder()
		f.handler.ServeHTTP(w, r)
		if w.Code != http.StatusRequestEntityTooLarge {
			t.Errorf("length %d: got %d, want 413", length, w.Code)
		}
	}
}

func TestD8CompressedBodiesOverTheLimitAreRefused(t *testing.T) {
	f := newFixture(t, nil)
	// Random bytes do not shrink: the body is over its limit as sent, and would
	// not be after decompression.
	noise := make([]byte, f.cfg.MaxBody+1<<20)
	rand.NewChaCha8([32]byte{1}).Read(noise)
	body := gzipped(t, io.MultiReader(strings.NewReader(`{"name":"a","x":"`), bytes.NewReader(noise)))
	r := httptest.NewRequest(http.MethodPost, "/v1/events?measurement_id=G-UTC", bytes.NewReader(body))
	r.ContentLength = -1
	r.Header.Set("Content-Encoding", "gzip")
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, r)
	if w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("got %d, want 413", w.Code)
	}
}

func TestD8MegabyteStringsAreCut(t *testing.T) {
	f := newFixture(t, nil)
	long := strings.Repeat("é", 500_000)
	body := fmt.Sprintf(`[{"name":"a","client_id":"%[1]s","user_id":"%[1]s","session_id":"%[1]s","event_id":"%[1]s",
		"url":"%[1]s","title":"%[1]s"},{"name":"a","language":"%[1]s","screen":"%[1]s","campaign":{"source":"%[1]s"}}]`, long[:600_000])
	if w := f.post("/v1/events?measurement_id=G-UTC", body, "User-Agent", long[:100_000]); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("got %d, want 413 for a body over the limit", w.Code)
	}
	body = strings.ReplaceAll(body, long[:600_000], long[:200_000])
	if w := f.post("/v1/events?measurement_id=G-UTC", body, "User-Agent", long[:100_000]); w.Code != http.StatusOK {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	events := f.events(t)
	if len(events) != 2 {
		t.Fatalf("got %d events, want 2", len(events))
	}
	for _, e := range events {
		checkLimits(t, e)
	}
}

// checkLimits fails if e is over a limit (V2).
func checkLimits(t testing.TB, e *event.Event) {
	t.Helper()
	for name, text := range map[string]struct {
		text  string
		limit int
	}{
		"key": {e.Key, event.MaxKey}, "client id": {e.ClientId, event.MaxClientID},
		"user id": {e.UserId, event.MaxUserID}, "session id": {e.SessionId, event.MaxSessionID},
		"name": {e.Name, event.MaxName}, "user agent": {e.UserAgent, event.MaxUserAgent},
		"url": {e.Url, event.MaxURL}, "referrer": {e.Referrer, event.MaxURL},
		"title": {e.Title, event.MaxTitle}, "language": {e.Language, event.MaxLanguage},
		"screen": {e.Screen, event.MaxScreen},
	} {
		if len(text.text) > text.limit || strings.ToValidUTF8(text.text, "") != text.text {
			t.Errorf("%s has %d bytes, limit %d, valid UTF-8: %q", name, len(text.text), text.limit, text.text)
		}
	}
	for _, list := range [][]*event.Param{e.Params, e.UserProperties} {
		if len(list) > event.MaxParams {
			t.Errorf("%d params", len(list))
		}
		for _, p := range list {
			if len(p.Key) > event.MaxParamKey || len(p.Text()) > event.MaxParamText || p.Key == "" {
				t.Errorf("param %q has %d bytes", p.Key, len(p.Text()))
			}
		}
	}
}

func TestD8TooManyParamsAndTooLargeEventsAreRefused(t *testing.T) {
	f := newFixture(t, nil)
	params := func(n, size int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `%s"k%d":"%s"`, ",", i, strings.Repeat("x", size))
		}
		return b.String()[1:]
	}
	w := f.post("/v1/events?measurement_id=G-UTC", `[{"name":"a","params":{`+params(event.MaxParams+1, 1)+`}},
		{"name":"b","params":{`+params(event.MaxParams, 1000)+`}},{"name":"c","params":{`+params(event.MaxParams, 1)+`}}]`)
	want := `{"accepted":1,"refused":[{"index":0,"reason":"too_many_params"},{"index":1,"reason":"too_large"}]}`
	if got := strings.TrimSpace(w.Body.String()); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestD8MemoryOfAllRequestsIsBounded(t *testing.T) {
	f := newFixture(t, nil)
	// Small on the wire, large in memory: each element becomes an event.
	body := "[" + strings.Repeat(`{"name":"a"},`, f.cfg.MaxEvents-1) + `{"name":"a"}]`
	taken := f.memory.max - int64(len(body)) - 4<<20
	if !f.memory.take(taken) {
		t.Fatal("cannot take memory")
	}
	w := f.post("/v1/events?measurement_id=G-UTC", body)
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "1" {
		t.Errorf("got %d, want 503 with Retry-After: 1", w.Code)
	}
	if len(f.counts(t)) != 0 {
		t.Errorf("counted %v, want nothing", f.counts(t))
	}
	f.memory.give(taken)
	if w := f.post("/v1/events?measurement_id=G-UTC", body); w.Code != http.StatusOK {
		t.Errorf("with memory free: got %d, want 200", w.Code)
	}
	if used := f.memory.used.Load(); used != 0 {
		t.Errorf("%d bytes are still taken", used)
	}
}

// TestD8SlowClientsAreCutOff sends half a body and waits for what comes.
func TestD8SlowClientsAreCutOff(t *testing.T) {
	f := newFixture(t, func(cfg *Config, _ *Deps) { cfg.BodyTimeout = 20 * time.Millisecond })
	server := httptest.NewServer(f.handler)
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	_, err = io.WriteString(conn, "POST /v1/events?measurement_id=G-UTC HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{\"name\"")
	if err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn) // Ends only if the server closes.
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 408") {
		t.Errorf("got %q, %v; want 408 and the end", answer, err)
	}
	if len(f.counts(t)) != 0 {
		t.Errorf("counted %v: nothing was received", f.counts(t))
	}
}

// TestAConnectionLivesOnAfterItsBody: the deadline of one body must not end the
// connection for the next, which comes after it.
func TestAConnectionLivesOnAfterItsBody(t *testing.T) {
	const timeout = 200 * time.Millisecond
	f := newFixture(t, func(cfg *Config, _ *Deps) { cfg.BodyTimeout = timeout })
	var connections atomic.Int32
	server := httptest.NewUnstartedServer(f.handler)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	for range 2 {
		answer, err := server.Client().Post(server.URL+"/v1/events?measurement_id=G-UTC", "text/plain", strings.NewReader(`{"name":"a"}`))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, answer.Body); err != nil {
			t.Fatal(err)
		}
		if err := answer.Body.Close(); err != nil || answer.StatusCode != http.StatusOK {
			t.Errorf("got %d, %v", answer.StatusCode, err)
		}
		<-time.After(2 * timeout)
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections, want one that lives on", n)
	}
}

// Logs, health and profiles as an operator meets them.
package obs

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
)

func get(t *testing.T, h http.Handler, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Code, strings.TrimSpace(w.Body.String())
}

func TestLogIsJSONWhereNobodyReads(t *testing.T) {
	var out bytes.Buffer
	log, err := NewLogger(&out, LogConfig{Level: "warn", Format: "auto"})
	if err != nil {
		t.Fatal(err)
	}
	log.Info("not written")
	log.Warn("log is full", slog.Int("partition", 3))
	got := out.String()
	if !strings.HasPrefix(got, `{"time":`) || !strings.Contains(got, `"partition":3`) || strings.Contains(got, "not written") {
		t.Errorf("got %s", got)
	}
}

func TestLogIsTextWhenAsked(t *testing.T) {
	var out bytes.Buffer
	log, err := NewLogger(&out, LogConfig{Level: "debug", Format: "text"})
	if err != nil {
		t.Fatal(err)
	}
	log.Debug("started", "part", "store")
	if got := out.String(); !strings.Contains(got, "level=DEBUG msg=started part=store") {
		t.Errorf("got %s", got)
	}
}

func TestLogConfigNamesWhatIsWrong(t *testing.T) {
	for want, c := range map[string]LogConfig{
		`level: "loud" is not debug, info, warn or error`: {Level: "loud", Format: "auto"},
		`level: "" is not debug, info, warn or error`:     {Format: "auto"},
		`format: "xml" is not auto, text or json`:         {Level: "info", Format: "xml"},
	} {
		if _, err := NewLogger(io.Discard, c); err == nil || err.Error() != want {
			t.Errorf("%+v: got error %v, want %s", c, err, want)
		}
	}
	if err := DefaultLogConfig().Validate(); err != nil {
		t.Errorf("defaults: %v", err)
	}
}

func TestFileIsNoTerminal(t *testing.T) {
	f, err := os.Create(t.TempDir() + "/out")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if IsTerminal(f) || IsTerminal(&bytes.Buffer{}) {
		t.Error("a file or buffer is taken for a terminal")
	}
}

func TestOB1_HealthzAnswersWhateverTheChecksSay(t *testing.T) {
	mux, health := http.NewServeMux(), NewHealth()
	Routes(mux, health, NewRegistry("test"))
	health.Set("store", func(context.Context) error { return errors.New("recovering") })
	if code, body := get(t, mux, "/healthz"); code != 200 || body != "ok" {
		t.Errorf("got %d %s", code, body)
	}
}

func TestOB2_ReadyzNamesTheChecksThatFail(t *testing.T) {
	mux, health := http.NewServeMux(), NewHealth()
	Routes(mux, health, NewRegistry("test"))
	if code, body := get(t, mux, "/readyz"); code != 200 || body != `{"ready":true,"checks":[]}` {
		t.Errorf("without checks: got %d %s", code, body)
	}
	health.Set("store", func(context.Context) error { return errors.New("recovering") })
	health.Set("log", func(context.Context) error { return nil })
	want := `{"ready":false,"checks":[{"name":"log","ok":true},{"name":"store","ok":false,"reason":"recovering"}]}`
	if code, body := get(t, mux, "/readyz"); code != 503 || body != want {
		t.Errorf("got %d %s, want %s", code, body, want)
	}
	health.Set("store", func(context.Context) error { return nil })
	if code, _ := get(t, mux, "/readyz"); code != 200 {
		t.Errorf("after recovery: got %d", code)
	}
}

func TestOB2_CheckThatHangsIsNotReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		health := NewHealth()
		health.Set("log", func(context.Context) error { return nil })
		health.Set("store", func(context.Context) error { <-release; return nil })
		ready, results := health.Ready(t.Context())
		if ready || len(results) != 2 || results[1] != (CheckResult{Name: "store", Reason: "does not answer"}) {
			t.Errorf("got %v %+v", ready, results)
		}
	})
}

func TestTelemetryNamesTheVersion(t *testing.T) {
	mux := http.NewServeMux()
	Routes(mux, NewHealth(), NewRegistry("v9"))
	code, body := get(t, mux, "/metrics")
	if code != 200 || !strings.Contains(body, `version="v9"} 1`) || !strings.Contains(body, "go_goroutines") {
		t.Errorf("got %d %.300s", code, body)
	}
}

func TestOB3_ProfilesAreOnLoopbackOnly(t *testing.T) {
	for _, address := range []string{":6060", "0.0.0.0:6060", "[::]:6060", "192.0.2.1:6060", "example.com:6060", "6060"} {
		if p, err := ListenProfiles(address); err == nil {
			_ = p.Stop(t.Context())
			t.Errorf("%s was taken", address)
		}
	}
}

func TestProfilesAnswer(t *testing.T) {
	p, err := ListenProfiles("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- p.Run(t.Context()) }()
	r, err := http.Get("http://" + p.Addr().String() + "/debug/pprof/goroutine?debug=1")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != 200 || !bytes.Contains(body, []byte("goroutine profile")) {
		t.Errorf("got %d %.100s, %v", r.StatusCode, body, err)
	}
	if err := r.Body.Close(); err != nil {
		t.Error(err)
	}
	if err := p.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("run: %v", err)
	}
}

// The server itself: what is acknowledged outlives a kill, errors are those of
// ClickHouse, and nothing is left behind.
package clickserver

import (
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
)

func TestServerLivesThroughKillAndFreeze(t *testing.T) {
	s, err := Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(s.Dir); !os.IsNotExist(err) {
			t.Errorf("the folder is still there: %v", err)
		}
	}()
	if got, want := s.MustQuery(t, "SELECT version()", nil), "26."; !strings.HasPrefix(got, want) {
		t.Errorf("version: got %s, want %s", got, want)
	}
	other := url.Values{"database": {s.NewDatabase(t)}}
	s.MustQuery(t, "CREATE TABLE kept (x String) ENGINE = MergeTree ORDER BY x", other)
	db := url.Values{"database": {s.NewDatabase(t)}}
	s.MustQuery(t, "CREATE TABLE kept (x String) ENGINE = MergeTree ORDER BY x", db)
	if _, err := s.Post("INSERT INTO kept FORMAT RowBinary", db, []byte("\x04here\x03\x00'\xff")); err != nil {
		t.Fatal(err)
	}
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Query("SELECT 1", nil); err == nil {
		t.Error("a killed server answers")
	}
	if err := s.Begin(); err != nil {
		t.Fatal(err)
	}
	if err := s.Freeze(); err != nil {
		t.Fatal(err)
	}
	if err := s.Thaw(); err != nil {
		t.Fatal(err)
	}
	if got, want := s.MustQuery(t, "SELECT hex(x) FROM kept ORDER BY x", db), "0027FF\n68657265"; got != want {
		t.Errorf("after a kill: got %q, want %q", got, want)
	}
	if got := s.MustQuery(t, "SELECT count() FROM kept", other); got != "0" {
		t.Errorf("the other database: got %s rows, want none", got)
	}
}

func TestErrorsAreThoseOfClickHouse(t *testing.T) {
	s, err := Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	for sql, want := range map[string]string{
		"SELEC 1":                     "400 Bad Request: Code: 62.",
		"SELECT * FROM missing":       "404 Not Found: Code: 60.",
		"SELECT throwIf(1)":           "500 Internal Server Error: Code: 395.",
		"SELECT sleep(3) FORMAT Null": "408 Request Timeout: Code: 159.",
	} {
		if _, err := s.Query(sql, url.Values{"max_execution_time": {"0.1"}}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", sql, err, want)
		}
	}
	if _, err := s.Query("SELECT 1", url.Values{"database": {"missing"}}); err == nil || !strings.HasPrefix(err.Error(), "404 Not Found: Code: 81.") {
		t.Errorf("a database that is not there: got %v", err)
	}
	if _, err := s.Query("SELECT 1", url.Values{"no_such_setting": {"1"}}); err == nil || !strings.Contains(err.Error(), "Code: 115.") {
		t.Errorf("an unknown setting: got %v", err)
	}
	resp, err := http.Post(s.URL()+"/?query=SELECT+1", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized || resp.Header.Get("X-ClickHouse-Exception-Code") != "516" {
		t.Errorf("without a user: got %s, code %s", resp.Status, resp.Header.Get("X-ClickHouse-Exception-Code"))
	}
}

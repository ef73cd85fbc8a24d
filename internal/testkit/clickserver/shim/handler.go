// The handler: requests of ClickHouse's HTTP interface become statements.
package main

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
)

// handler answers requests. A statement is never interrupted: who goes away misses
// its answer only, as with a server that was not told otherwise.
type handler struct {
	engine         *engine
	user, password string
	// How an INSERT begins, where it names its format, and the number of an error.
	insert, format, code *regexp.Regexp
	// How an INSERT reads its body through a SELECT.
	input *regexp.Regexp
}

func newHandler(e *engine) *handler {
	return &handler{engine: e, insert: regexp.MustCompile(`(?is)^\s*INSERT\s`),
		format: regexp.MustCompile(`(?is)\sFORMAT\s+(\w+)\s*$`), code: regexp.MustCompile(`^Code: (\d+)`),
		input: regexp.MustCompile(`(?i)\sFROM\s+input\(`)}
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/ping" {
		_, _ = io.WriteString(w, "Ok.\n")
		return
	}
	if h.user != "" && (r.Header.Get("X-ClickHouse-User") != h.user || r.Header.Get("X-ClickHouse-Key") != h.password) {
		h.fail(w, &exception{516, fmt.Sprintf("%s: Authentication failed", r.Header.Get("X-ClickHouse-User")), "AUTHENTICATION_FAILED"})
		return
	}
	s, err := h.read(r)
	if err != nil {
		h.fail(w, err)
		return
	}
	a, err := h.run(s)
	if err != nil {
		h.fail(w, err)
		return
	}
	w.Header().Set("X-ClickHouse-Summary", fmt.Sprintf(`{"read_rows":"%d","written_rows":"%d"}`, a.read, a.written))
	w.Header().Set("X-ClickHouse-Format", s.format)
	_, _ = w.Write(a.data)
}

// run answers a statement. The library takes no rows for input(): they are in a file that the statement reads.
func (h *handler) run(s *statement) (a *answer, err error) {
	at := h.input.FindStringIndex(s.sql)
	if !s.isInsert || at == nil {
		return h.engine.run(s)
	}
	f, err := os.CreateTemp("", "clickserver-input-")
	if err != nil {
		return nil, fmt.Errorf("keep rows: %w", err)
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	_, err = f.Write(s.body)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("keep rows: %w", err)
	}
	return h.engine.run(&statement{sql: s.sql[:at[0]] + fmt.Sprintf(" FROM file('%s', '%s', ", f.Name(), s.format) + s.sql[at[1]:],
		format: "TabSeparated", settings: s.settings, params: s.params, database: s.database})
}

// read makes a statement of a request: the text is in the URL, or in the body unless
// that holds the rows of an INSERT.
func (h *handler) read(r *http.Request) (*statement, error) {
	if r.Method != http.MethodPost {
		return nil, &exception{164, "the shim takes POST only", "READONLY"}
	}
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	s := &statement{format: "TabSeparated", settings: map[string]string{}, params: map[string]string{}}
	for name, values := range r.URL.Query() {
		value := values[len(values)-1]
		param, isParam := strings.CutPrefix(name, "param_")
		switch {
		case isParam:
			s.params[param] = value
		case name == "query":
			s.sql = value
		case name == "database":
			s.database = value
		case name == "default_format":
			s.format = value
		case name == "query_id" || name == "wait_end_of_query":
			// An answer is always whole before it is sent.
		default:
			s.settings[name] = value
		}
	}
	if at := h.format.FindStringSubmatchIndex(s.sql); at != nil && h.insert.MatchString(s.sql) {
		s.isInsert, s.body = true, body
		s.format, s.sql = s.sql[at[2]:at[3]], s.sql[:at[0]]
		return s, nil
	}
	s.sql += string(body)
	return s, nil
}

func readBody(r *http.Request) ([]byte, error) {
	var from io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			return nil, fmt.Errorf("read compressed body: %w", err)
		}
		from = z
	}
	body, err := io.ReadAll(from)
	if err != nil {
		return nil, fmt.Errorf("read body: %w", err)
	}
	return body, nil
}

// fail sends an error as the server does: the code in a header, the text in the body.
func (h *handler) fail(w http.ResponseWriter, err error) {
	code := "1002" // unknown exception
	if m := h.code.FindStringSubmatch(err.Error()); m != nil {
		code = m[1]
	}
	w.Header().Set("X-ClickHouse-Exception-Code", code)
	status := map[string]int{"516": http.StatusUnauthorized, "60": http.StatusNotFound, "81": http.StatusNotFound,
		"47": http.StatusNotFound, "62": http.StatusBadRequest, "159": http.StatusRequestTimeout}[code]
	if status == 0 {
		status = http.StatusInternalServerError
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, err.Error()+"\n")
}

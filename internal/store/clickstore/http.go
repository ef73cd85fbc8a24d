// Requests: statements and rows over ClickHouse's HTTP interface.
package clickstore

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// grace is how much longer than the server we wait: it ends what takes too long, and
// says so. Where it says nothing, it is gone or frozen.
const grace = 5 * time.Second

// maxErrorText bounds what is read of an error.
const maxErrorText = 64 << 10

// client asks one server.
type client struct {
	base     string
	database string
	header   http.Header
	http     *http.Client
}

func newClient(cfg Config, transport http.RoundTripper) *client {
	if transport == nil {
		// Many small requests at once, to one host.
		transport = &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 64, IdleConnTimeout: 30 * time.Second}
	}
	header := http.Header{}
	if cfg.User != "" {
		header.Set("X-ClickHouse-User", cfg.User)
		header.Set("X-ClickHouse-Key", cfg.Password)
	}
	return &client{base: strings.TrimSuffix(cfg.URL, "/") + "/", database: cfg.Database, header: header,
		http: &http.Client{Transport: transport}}
}

// settings of a statement, by name.
type settings map[string]string

// limited returns settings that end a statement by itself.
func limited(timeout time.Duration) settings {
	return settings{
		"max_execution_time": strconv.FormatFloat(timeout.Seconds(), 'f', -1, 64),
		// An answer is sent when it is whole, so that the status tells whether it is one.
		"wait_end_of_query": "1",
	}
}

// request is a statement; rows are the body of an INSERT, and so is stream, which is read once.
type request struct {
	sql      string
	rows     []byte
	stream   io.Reader
	settings settings
	timeout  time.Duration
}

// do sends a request and returns the answer's body, which read takes.
func (c *client) do(ctx context.Context, r request, read func(*bufio.Reader) error) error {
	own, cancel := context.WithTimeout(ctx, r.timeout+grace)
	defer cancel()
	err := c.send(own, r, read)
	if err != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: no answer in %v", errSilent, r.timeout+grace)
	}
	return err
}

func (c *client) send(ctx context.Context, r request, read func(*bufio.Reader) error) error {
	values := url.Values{"database": {c.database}}
	for name, v := range r.settings {
		values.Set(name, v)
	}
	// Texts of statements can be longer than a URL may be, so they are the body where that
	// is not taken by rows.
	var body io.Reader = bytes.NewReader([]byte(r.sql))
	switch {
	case r.stream != nil:
		values.Set("query", r.sql)
		body = r.stream
	case r.rows != nil:
		values.Set("query", r.sql)
		body = bytes.NewReader(r.rows)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"?"+values.Encode(), body)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	req.Header = c.header.Clone()
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("ask clickhouse: %w", withoutURL(err))
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return readError(resp)
	}
	in := bufio.NewReaderSize(resp.Body, 32<<10)
	if read != nil {
		if err := read(in); err != nil {
			return err
		}
	}
	// The rest is read, so that the connection can be used again.
	if _, err := io.Copy(io.Discard, in); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	return nil
}

// withoutURL drops the URL from an error: it holds texts of statements.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func readError(resp *http.Response) error {
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorText))
	if err != nil {
		return fmt.Errorf("read error of clickhouse: %w", err)
	}
	code, err := strconv.Atoi(resp.Header.Get("X-ClickHouse-Exception-Code"))
	if err != nil {
		code = 0 // not from ClickHouse: a proxy between
	}
	return &serverError{status: resp.StatusCode, code: code, text: strings.TrimSpace(string(text))}
}

// Sending one event until it is answered.
package simulate

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"tidemark/internal/testkit/traffic"
)

const (
	firstBackoff = 100 * time.Millisecond
	maxBackoff   = 5 * time.Second
	maxAnswer    = 64 << 10
)

type sender struct {
	cfg  Config
	deps Deps

	mu     sync.Mutex
	totals Totals
}

// deliver sends e until it is answered 2xx. An answer that will not change is
// an error; the end of the context is not.
func (s *sender) deliver(ctx context.Context, e traffic.Sent) error {
	backoff := firstBackoff
	for {
		if ctx.Err() != nil {
			s.count(func(t *Totals) { t.Lost++ })
			return nil
		}
		status, refused, wait, err := s.post(ctx, e)
		switch {
		case err == nil && status/100 == 2:
			return s.done(e, refused)
		case err == nil && status/100 == 4 && status != http.StatusTooManyRequests:
			return fmt.Errorf("send event: server answers %d to %s", status, e.Protocol)
		}
		s.count(func(t *Totals) { t.Retries++ })
		if wait == 0 {
			wait = backoff
			backoff = min(2*backoff, maxBackoff)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// done counts an answered event and writes its record.
func (s *sender) done(e traffic.Sent, refused int) error {
	var err error
	s.count(func(t *Totals) {
		t.Sent++
		t.Refused += refused
		if e.IsCopy {
			t.Copies++
		}
		if e.IsBot {
			t.Bots++
		}
		if s.deps.Record != nil {
			if _, err = s.deps.Record.Write(e.AppendRecord(nil)); err != nil {
				err = fmt.Errorf("write record: %w", err)
			}
		}
		if s.deps.Progress != nil {
			s.deps.Progress(*t)
		}
	})
	return err
}

func (s *sender) count(f func(t *Totals)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.totals)
}

// post sends one request. wait is what the server asks for before the next try.
func (s *sender) post(ctx context.Context, e traffic.Sent) (status, refused int, wait time.Duration, err error) {
	req, err := s.request(ctx, e)
	if err != nil {
		return 0, 0, 0, err
	}
	r, err := s.deps.Client.Do(req)
	if err != nil {
		return 0, 0, 0, err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(io.LimitReader(r.Body, maxAnswer))
	if err != nil {
		return 0, 0, 0, err
	}
	var answer struct {
		Refused []json.RawMessage `json:"refused"`
	}
	if r.StatusCode == http.StatusOK && len(body) > 0 {
		_ = json.Unmarshal(body, &answer) // only the native protocol answers with JSON
	}
	if n, err := strconv.Atoi(r.Header.Get("Retry-After")); err == nil && n > 0 {
		wait = min(time.Duration(n)*time.Second, maxBackoff)
	}
	return r.StatusCode, len(answer.Refused), wait, nil
}

// request writes the event as its client would send it. The address rides in
// a header, which a server believes only of its proxies.
func (s *sender) request(ctx context.Context, e traffic.Sent) (*http.Request, error) {
	q := url.Values{"measurement_id": {e.Event.MeasurementId}}
	path, body := "/v1/events", []byte(nil)
	if e.Protocol == traffic.MeasurementProtocol {
		path, body = "/mp/collect", e.AppendMP(nil)
		q.Set("api_secret", s.cfg.Secrets[e.Event.MeasurementId])
	} else {
		body = e.AppendNative(nil, false)
	}
	target := strings.TrimRight(s.cfg.URL, "/") + path + "?" + q.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", e.Event.UserAgent)
	if e.Address.IsValid() {
		req.Header.Set("X-Forwarded-For", e.Address.String())
	}
	return req, nil
}

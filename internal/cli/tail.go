// tail: events as they are accepted, one line each, from the server's stream.
package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

type tailCmd struct {
	server
	output
	Count int `short:"n" help:"Stop after this many events; 0 for never."`
}

// maxMessage bounds one event of the stream.
const maxMessage = 1 << 20

func (c *tailCmd) Run(ctx context.Context, env *Env) error {
	cl, err := c.client(ctx)
	if err != nil {
		return err
	}
	r, err := cl.send(ctx, http.MethodGet, cl.path("/v1/properties/", "/tail"), nil)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	t := terminalOf(env.Stdout)
	seen := 0
	err = readStream(r.Body, func(kind string, data []byte) error {
		if kind != "" && kind != "message" && kind != "event" {
			// What the server says beside events, such as how many it left out.
			_, err := fmt.Fprintf(env.Stderr, "%s: %s\n", safe(kind), safe(string(data)))
			return err
		}
		line := string(data)
		if !c.JSON {
			line = tailLine(t, data)
		}
		if _, err := fmt.Fprintln(env.Stdout, line); err != nil {
			return fmt.Errorf("print event: %w", err)
		}
		if seen++; seen == c.Count {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) || ctx.Err() != nil {
		return nil // an interrupt is how one ends it
	}
	if err == nil {
		err = errors.New("the server ended the stream")
	}
	return err
}

var errEnough = errors.New("enough")

// readStream reads server-sent events and calls f for each.
func readStream(r io.Reader, f func(kind string, data []byte) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 64<<10), maxMessage)
	var kind string
	var data []string
	for lines.Scan() {
		field, text, _ := strings.Cut(lines.Text(), ":")
		text = strings.TrimPrefix(text, " ")
		switch {
		case lines.Text() == "":
			if len(data) > 0 {
				if err := f(kind, []byte(strings.Join(data, "\n"))); err != nil {
					return err
				}
			}
			kind, data = "", nil
		case field == "event":
			kind = text
		case field == "data":
			data = append(data, text)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read stream: %w", err)
	}
	return nil
}

// tailEvent is what a line shows of an event; the stream has more.
type tailEvent struct {
	Name      string          `json:"name"`
	EventTime json.RawMessage `json:"eventTime"`
	URL       string          `json:"url"`
	Title     string          `json:"title"`
	Country   string          `json:"country"`
	ClientID  string          `json:"clientId"`
}

func tailLine(t terminal, data []byte) string {
	var e tailEvent
	if json.Unmarshal(data, &e) != nil {
		return safe(string(data))
	}
	where := e.URL
	if u, err := url.Parse(e.URL); err == nil && u.Host != "" {
		where = u.Host + u.RequestURI()
	}
	parts := []string{t.dim(clockText(e.EventTime)), pad(fit(safe(e.Name), 20), 20, false)}
	for _, s := range []string{where, e.Title, e.Country} {
		if s != "" {
			parts = append(parts, safe(s))
		}
	}
	if e.ClientID != "" {
		parts = append(parts, t.dim(fit(safe(e.ClientID), 12)))
	}
	return strings.Join(parts, gap)
}

// clockText reads a time that is RFC 3339 text or milliseconds since 1970.
func clockText(raw json.RawMessage) string {
	var at time.Time
	if json.Unmarshal(raw, &at) != nil {
		var ms int64
		if json.Unmarshal(raw, &ms) != nil {
			return "--:--:--"
		}
		at = time.UnixMilli(ms)
	}
	return at.Local().Format(time.TimeOnly)
}

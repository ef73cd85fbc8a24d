// The HTTP client of the commands that ask a running server.
package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tidemark/internal/config"
	"tidemark/internal/property"
	"tidemark/internal/property/sqlreg"
)

// server is the flags that say which server and which property.
type server struct {
	URL      string `help:"Address of the server, such as http://127.0.0.1:8080." env:"TIDEMARK_URL" placeholder:"URL"`
	DataDir  string `help:"Data directory: finds a running server on this machine." env:"TIDEMARK_DATA_DIR" placeholder:"DIR"`
	ReadKey  string `help:"Read key of the property." env:"TIDEMARK_READ_KEY" placeholder:"KEY"`
	Property string `help:"Property id; found by the read key when --data-dir is given." env:"TIDEMARK_PROPERTY" placeholder:"ID"`
}

// maxAnswer bounds what is read of one answer. 250,000 rows are some 50 MB.
const maxAnswer = 256 << 20

// address returns the server's base URL.
func (s server) address() (string, error) {
	if s.URL != "" {
		u, err := url.Parse(s.URL)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return "", usagef("--url: %q is not an address such as http://127.0.0.1:8080", s.URL)
		}
		return strings.TrimRight(s.URL, "/"), nil
	}
	dir := dataDir{s.DataDir}.dir()
	running, err := config.ReadServer(dir)
	if errors.Is(err, config.ErrNoServer) {
		return "", fmt.Errorf("%w: start it, or say where it is with --url", err)
	}
	return running.URL, err
}

// client is a server, a property and the right to read it.
type client struct {
	base, property, key string
	http                *http.Client
}

func (s server) client(ctx context.Context) (*client, error) {
	base, err := s.address()
	if err != nil {
		return nil, err
	}
	if s.ReadKey == "" {
		return nil, usagef("--read-key is needed: tidemark property create printed it")
	}
	c := &client{base: base, property: s.Property, key: s.ReadKey, http: &http.Client{}}
	if c.property == "" {
		if c.property, err = s.propertyOfKey(ctx); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// propertyOfKey asks the registry beside the running server.
func (s server) propertyOfKey(ctx context.Context) (id string, err error) {
	if s.URL != "" {
		return "", usagef("--property is needed with --url")
	}
	r, err := sqlreg.Open(config.RegistryFile(dataDir{s.DataDir}.dir()))
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	ids, err := r.PropertiesOfReadKey(ctx, s.ReadKey)
	if errors.Is(err, property.ErrNotFound) {
		return "", fmt.Errorf("no property in %s has this read key", dataDir{s.DataDir}.dir())
	}
	if err != nil {
		return "", err
	}
	if len(ids) != 1 {
		return "", usagef("--property is needed: the key reads %d properties", len(ids))
	}
	return ids[0].String(), nil
}

// path is of the property: path("/v1/properties/", "/ledger").
func (c *client) path(prefix, suffix string) string {
	return c.base + prefix + url.PathEscape(c.property) + suffix
}

// ask sends a request and returns the answer's body.
func (c *client) ask(ctx context.Context, method, target string, body any) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	r, err := c.send(ctx, method, target, body)
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	text, err := io.ReadAll(io.LimitReader(r.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read answer of %s: %w", c.base, err)
	}
	return text, nil
}

// send returns an answer whose status is 200; the caller closes it.
func (c *client) send(ctx context.Context, method, target string, body any) (*http.Response, error) {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		content = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, target, content)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+c.key)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	r, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask server: %w", err)
	}
	if r.StatusCode != http.StatusOK {
		defer r.Body.Close()
		return nil, refusal(r)
	}
	return r, nil
}

// refusal makes an error of an answer that is none.
func refusal(r *http.Response) error {
	text, _ := io.ReadAll(io.LimitReader(r.Body, 64<<10)) // what is there is enough
	var answer struct {
		Error struct {
			Message string `json:"message"`
			Status  string `json:"status"`
		} `json:"error"`
	}
	if json.Unmarshal(text, &answer) == nil && answer.Error.Message != "" {
		return fmt.Errorf("server says %s: %s", safe(answer.Error.Status), safe(answer.Error.Message))
	}
	return fmt.Errorf("server says %s: %s", r.Status, safe(strings.TrimSpace(string(text))))
}

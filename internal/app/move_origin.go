// The installation that moves, as the moving command sees it: over the operator's socket, and in its data directory.
package app

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"tidemark/internal/config"
	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/migrate"
	"tidemark/internal/property"
	"tidemark/internal/property/secret"
	"tidemark/internal/report"
)

// socketOrigin implements migrate.Origin.
type socketOrigin struct {
	cfg  config.Config // of the installation
	http *http.Client
	lock *dirLock
	id   string
}

// openOrigin takes the move of a data directory for this process alone.
func openOrigin(cfg config.Config) (*socketOrigin, error) {
	dir := config.MigrationDir(cfg.DataDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make directory of the move: %w", err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, fmt.Errorf("another tidemark migrate works on %s: %w", cfg.DataDir, err)
	}
	o := &socketOrigin{cfg: cfg, lock: lock}
	o.http = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, "unix", config.OperatorSocket(cfg.DataDir))
		if err != nil {
			return nil, fmt.Errorf("no server runs on %s (it takes events while it moves: start it): %w", cfg.DataDir, err)
		}
		return conn, nil
	}}}
	if o.id, err = moveID(filepath.Join(dir, "id")); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return o, nil
}

// moveID reads the name of the move, or draws one.
func moveID(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err == nil && len(text) > 0 {
		return string(text), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read the name of the move: %w", err)
	}
	id := secret.New()
	if err := os.WriteFile(path+".new", []byte(id), 0o600); err != nil {
		return "", fmt.Errorf("write the name of the move: %w", err)
	}
	return id, os.Rename(path+".new", path)
}

func (o *socketOrigin) Close() error {
	o.http.CloseIdleConnections()
	return o.lock.Close()
}

// ask sends an order and reads its answer.
func (o *socketOrigin) ask(ctx context.Context, method, path string, body any) (a moveAnswer, err error) {
	var text []byte
	if body != nil {
		if text, err = json.Marshal(body); err != nil {
			return a, fmt.Errorf("encode order: %w", err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://operator"+path, bytes.NewReader(text))
	if err != nil {
		return a, fmt.Errorf("make request: %w", err)
	}
	r, err := o.http.Do(req)
	if err != nil {
		return a, fmt.Errorf("ask the installation: %w", err)
	}
	defer r.Body.Close()
	if err := json.NewDecoder(r.Body).Decode(&a); err != nil {
		return a, fmt.Errorf("read the installation's answer to %s (%s): %w", path, r.Status, err)
	}
	switch {
	case r.StatusCode == http.StatusNotImplemented:
		return a, fmt.Errorf("the installation says: %s: %w", a.Error, migrate.ErrRefused)
	case a.Error != "" || r.StatusCode != http.StatusOK:
		return a, fmt.Errorf("the installation says: %s", strings.TrimSpace(a.Error))
	}
	return a, nil
}

// Status implements migrate.Origin.
func (o *socketOrigin) Status(ctx context.Context) (migrate.Status, error) {
	a, err := o.ask(ctx, http.MethodGet, "/move", nil)
	return migrate.Status{ID: o.id, Stage: a.Stage, Ends: a.Ends}, err
}

// Read implements migrate.Origin.
func (o *socketOrigin) Read(ctx context.Context, p event.Partition, from event.Offset, maxBytes int) ([]eventlog.Entry, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet,
		fmt.Sprintf("http://operator/move/records?partition=%d&from=%d&bytes=%d", p, from, maxBytes), nil)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	r, err := o.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the installation: %w", err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read records: %w", err)
	case r.StatusCode == http.StatusGone:
		return nil, fmt.Errorf("the installation says: %s: %w", body, eventlog.ErrTruncated)
	case r.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("the installation says: %s", body)
	}
	var out []eventlog.Entry
	for len(body) > 0 {
		size, n := binary.Uvarint(body)
		if n <= 0 || uint64(len(body)-n) < size {
			return nil, fmt.Errorf("read records: a record is cut: %w", io.ErrUnexpectedEOF)
		}
		out = append(out, eventlog.Entry{Offset: from + event.Offset(len(out)), Payload: body[n : n+int(size)]})
		body = body[n+int(size):]
	}
	return out, nil
}

// Wait implements migrate.Origin.
func (o *socketOrigin) Wait(ctx context.Context, ends []event.Offset) error {
	_, err := o.ask(ctx, http.MethodPost, "/move/wait", ends)
	return err
}

// Counts implements migrate.Origin.
func (o *socketOrigin) Counts(ctx context.Context) ([]eventlog.Count, error) {
	a, err := o.ask(ctx, http.MethodGet, "/move/counts", nil)
	return a.Counts, err
}

// Registry implements migrate.Origin.
func (o *socketOrigin) Registry(ctx context.Context) (*property.Snapshot, error) {
	a, err := o.ask(ctx, http.MethodGet, "/move/registry", nil)
	return a.Registry, err
}

// Report implements migrate.Origin.
func (o *socketOrigin) Report(ctx context.Context, q *report.Query) (*report.Result, error) {
	a, err := o.ask(ctx, http.MethodPost, "/move/report", q)
	return a.Report, err
}

// Stop implements migrate.Origin.
func (o *socketOrigin) Stop(ctx context.Context) error { return o.order(ctx, "/move/stop") }

// Resume implements migrate.Origin.
func (o *socketOrigin) Resume(ctx context.Context) error { return o.order(ctx, "/move/resume") }

// Leave implements migrate.Origin.
func (o *socketOrigin) Leave(ctx context.Context) error { return o.order(ctx, "/move/leave") }

func (o *socketOrigin) order(ctx context.Context, path string) error {
	_, err := o.ask(ctx, http.MethodPost, path, nil)
	return err
}

// Forget implements migrate.Origin.
func (o *socketOrigin) Forget(context.Context) error {
	dir := config.MigrationDir(o.cfg.DataDir)
	for _, name := range []string{"id", "whole", "store", "state"} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("remove the copy of the commit point: %w", err)
		}
	}
	return nil
}

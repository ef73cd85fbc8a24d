// The engine: one in-memory DuckDB instance, its connections, and how its
// errors read. It speaks to the C API through the driver's mapping package,
// because database/sql boxes every value that goes in or out.
package duckstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/duckdb/duckdb-go/v2/mapping"

	"tidemark/internal/store"
)

// engine is one DuckDB instance. It lives in memory; files reach it only
// through read_parquet and COPY below the store's directory.
type engine struct {
	db   mapping.Database
	mu   sync.Mutex
	idle []*conn
}

// engineConfig bounds an engine.
type engineConfig struct {
	memoryLimit int64
	threads     int
	dir         string // the only directory that SQL may touch
	tempDir     string // where it may spill
	tempLimit   int64
}

// openEngine starts an instance and shuts what a hostile text could reach:
// no file outside dir, no extension from outside, no change of settings.
func openEngine(cfg engineConfig) (*engine, error) {
	var c mapping.Config
	if mapping.CreateConfig(&c) == mapping.StateError {
		return nil, errors.New("create engine configuration")
	}
	defer mapping.DestroyConfig(&c)
	for _, kv := range [][2]string{
		{"memory_limit", strconv.FormatInt(cfg.memoryLimit, 10) + "B"},
		{"threads", strconv.Itoa(cfg.threads)},
		{"temp_directory", cfg.tempDir},
		{"autoinstall_known_extensions", "false"},
		{"autoload_known_extensions", "false"},
		// A checkpoint of an instance in memory rewrites and compresses its tables
		// within some COMMIT. Heads live a minute; left on, it took three quarters of
		// the time of Append.
		{"checkpoint_threshold", "1TB"},
	} {
		if mapping.SetConfig(c, kv[0], kv[1]) == mapping.StateError {
			return nil, fmt.Errorf("set engine option %s=%s", kv[0], kv[1])
		}
	}
	e := &engine{}
	var msg string
	if mapping.OpenExt(":memory:", &e.db, c, &msg) == mapping.StateError {
		return nil, fmt.Errorf("open engine: %s", msg)
	}
	if err := e.lockDown(cfg); err != nil {
		e.close()
		return nil, err
	}
	return e, nil
}

// lockDown makes the settings that an instance takes only while it runs, and
// forbids any change of them. (max_temp_directory_size given at the start is shown by
// duckdb_settings, but nothing obeys it.)
func (e *engine) lockDown(cfg engineConfig) error {
	cn, err := e.get()
	if err != nil {
		return err
	}
	defer e.put(cn)
	for _, q := range []string{
		"SET max_temp_directory_size = '" + strconv.FormatInt(cfg.tempLimit, 10) + "B'",
		"SET parquet_metadata_cache = true",
		"SET allowed_directories = [" + quote(cfg.dir+"/") + "]",
		"SET enable_external_access = false",
		"SET lock_configuration = true",
	} {
		if err := cn.exec(context.Background(), q); err != nil {
			return fmt.Errorf("lock engine down: %w", err)
		}
	}
	return nil
}

// get returns a connection for the caller alone; put gives it back.
func (e *engine) get() (*conn, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if n := len(e.idle); n > 0 {
		cn := e.idle[n-1]
		e.idle = e.idle[:n-1]
		return cn, nil
	}
	cn := &conn{}
	if mapping.Connect(e.db, &cn.c) == mapping.StateError {
		return nil, errors.New("connect to engine")
	}
	return cn, nil
}

func (e *engine) put(cn *conn) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.idle = append(e.idle, cn)
}

// close ends the instance. No connection may be in use.
func (e *engine) close() {
	if e == nil {
		return // it was never opened
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, cn := range e.idle {
		mapping.Disconnect(&cn.c)
	}
	e.idle = nil
	mapping.Close(&e.db)
}

// run executes q on some connection and gives each chunk of its result to f.
func (e *engine) run(ctx context.Context, q string, f func(*result) error) error {
	cn, err := e.get()
	if err != nil {
		return err
	}
	defer e.put(cn)
	return cn.query(ctx, q, f)
}

func (e *engine) exec(ctx context.Context, q string) error { return e.run(ctx, q, nil) }

// conn is one connection. One goroutine uses it at a time.
type conn struct{ c mapping.Connection }

func (cn *conn) exec(ctx context.Context, q string) error { return cn.query(ctx, q, nil) }

// query runs q to its end, or until ctx is done.
func (cn *conn) query(ctx context.Context, q string, f func(*result) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	stop := cn.interruptWhenDone(ctx)
	var res mapping.Result
	state := mapping.Query(cn.c, q, &res)
	stop()
	defer mapping.DestroyResult(&res)
	if state == mapping.StateError {
		return queryError(ctx, mapping.ResultErrorType(&res), mapping.ResultError(&res))
	}
	if f == nil {
		return nil
	}
	for {
		chunk := mapping.FetchChunk(res)
		if chunk.Ptr == nil {
			return nil
		}
		err := f(newResult(chunk))
		mapping.DestroyDataChunk(&chunk)
		if err != nil {
			return err
		}
	}
}

// interruptWhenDone interrupts what runs on cn once ctx is done. An interrupt
// that comes before the query has begun is lost, so it is repeated until the
// returned function is called; that function waits for the last one, so that
// none hits the connection's next query.
func (cn *conn) interruptWhenDone(ctx context.Context) (stop func()) {
	if ctx.Done() == nil {
		return func() {}
	}
	ended, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		select {
		case <-ended:
			return
		case <-ctx.Done():
		}
		again := time.NewTicker(5 * time.Millisecond)
		defer again.Stop()
		for {
			mapping.Interrupt(cn.c)
			select {
			case <-ended:
				return
			case <-again.C:
			}
		}
	}()
	return func() { close(ended); <-stopped }
}

func queryError(ctx context.Context, t mapping.ErrorType, msg string) error {
	msg, _, _ = strings.Cut(msg, "\n\n") // advice and stack traces follow
	switch {
	case isOutOfMemory(t, msg):
		return fmt.Errorf("%w: %s", store.ErrResources, msg)
	case t == mapping.ErrorTypeInterrupt && ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return errors.New(msg)
}

// isOutOfMemory says whether memory, or room to spill, was missing. Where a
// COMMIT fails for that, the engine gives the error another type and keeps the text,
// which ends with (what is used/the limit used).
func isOutOfMemory(t mapping.ErrorType, msg string) bool {
	return t == mapping.ErrorTypeOutOfMemory ||
		(strings.Contains(msg, "Failed to commit: ") || strings.Contains(msg, "Failed to append: ")) &&
			strings.Contains(msg, " used)")
}

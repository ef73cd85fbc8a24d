// Store: opening, and the calls that everything else makes.
package clickstore

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

var _ store.Shared = (*Store)(nil)

var errClosed = errors.New("store is closed")

// Store keeps rows in ClickHouse.
type Store struct {
	cfg     Config
	client  *client
	dialect *dialect
	log     *slog.Logger
	tel     *telemetry
	now     func() time.Time // for what is measured against Config.Grace

	mu     sync.Mutex
	closed bool
	lanes  map[event.Partition]lane
	known  *state // of the last commit that was read; nil: none was
}

// Open connects to ClickHouse and makes the tables if they are not there.
func Open(ctx context.Context, cfg Config, deps Deps) (*Store, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	tel, err := newTelemetry(deps.Registerer)
	if err != nil {
		return nil, err
	}
	d, err := newDialect()
	if err != nil {
		return nil, err
	}
	s := &Store{cfg: cfg, client: newClient(cfg, deps.HTTP), dialect: d, log: deps.Logger, tel: tel, now: time.Now,
		lanes: map[event.Partition]lane{}}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if err := s.migrate(ctx); err != nil {
		return nil, fmt.Errorf("open clickhouse: %w", err)
	}
	return s, nil
}

// Close implements store.Shared.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.client.http.CloseIdleConnections()
	return nil
}

func (s *Store) check() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed
	}
	return nil
}

// execute runs a statement that answers nothing.
func (s *Store) execute(ctx context.Context, sql string) error {
	set := limited(s.cfg.InsertTimeout)
	set["distributed_foreground_insert"] = "1"
	return s.client.do(ctx, request{sql: sql, settings: set, timeout: s.cfg.InsertTimeout}, nil)
}

// query runs a SELECT and gives each row of the answer to row.
func (s *Store) query(ctx context.Context, sql string, row func(*decoder)) error {
	return s.client.do(ctx, request{sql: sql + "\nFORMAT RowBinary", settings: s.querySettings(), timeout: s.cfg.QueryTimeout},
		func(in *bufio.Reader) error { return decodeRows(in, row) })
}

// querySettings bound a query, and undo what a profile on the server could have
// changed of the meaning of SQL.
func (s *Store) querySettings() settings {
	set := limited(s.cfg.QueryTimeout)
	for name, v := range map[string]string{
		"max_memory_usage": fmt.Sprint(s.cfg.QueryMemory),
		// Filters may hold long lists.
		"max_query_size": fmt.Sprint(16 << 20),
		// Numbers of filters are read as Go reads them, not nearly so.
		"precise_float_parsing":                        "1",
		"join_use_nulls":                               "0",
		"group_by_use_nulls":                           "0",
		"aggregate_functions_null_for_empty":           "0",
		"empty_result_for_aggregation_by_empty_set":    "0",
		"prefer_column_name_to_alias":                  "0",
		"cancel_http_readonly_queries_on_client_close": "1",
		// A join reads the other tables where the events are (docs/operate/clickhouse.md).
		"distributed_product_mode": "local",
	} {
		set[name] = v
	}
	return set
}

// number runs a SELECT of one UInt64.
func (s *Store) number(ctx context.Context, sql string) (uint64, error) {
	var n uint64
	err := s.query(ctx, sql, func(d *decoder) { n = d.uint64() })
	return n, err
}

// seconds since t, on the monotonic clock.
func seconds(t time.Time) float64 { return time.Since(t).Seconds() }

// Opening and closing a pool.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Config says which server and how patient to be.
type Config struct {
	// URL is a connection URI or keyword list as of libpq, with several hosts if
	// there are standbys: add target_session_attrs=read-write then.
	URL string
	// MaxConns bounds the connections of this pool. Too few make calls wait for
	// each other; too many are refused by the server, whose bound counts all nodes.
	MaxConns int
	// CallTimeout bounds each call, repeats included (PG1). Too short fails calls
	// that a busy server would have answered; too long holds up whoever asks.
	CallTimeout time.Duration
}

// What a Config that does not say takes.
const (
	DefaultMaxConns    = 8
	DefaultCallTimeout = 3 * time.Second
)

// Errors that callers tell apart.
var (
	// ErrAway: the server does not answer, or not in time. Nothing was changed,
	// unless the error is ErrUnknown as well.
	ErrAway = errors.New("the database does not answer")
	// ErrUnknown: the connection was lost during a commit. It may have happened.
	ErrUnknown = errors.New("whether the database took the change is unknown")
)

// DB is a pool of connections to one database.
type DB struct {
	pool    *pgxpool.Pool
	timeout time.Duration
	where   string // for errors: host and database, no password
}

// Open makes a pool. It does not connect: Upgrade and calls do.
func Open(c Config) (*DB, error) {
	if c.MaxConns == 0 {
		c.MaxConns = DefaultMaxConns
	}
	if c.CallTimeout == 0 {
		c.CallTimeout = DefaultCallTimeout
	}
	pc, err := c.pool()
	if err != nil {
		return nil, fmt.Errorf("read database URL: %w", err)
	}
	return open(pc, c.CallTimeout)
}

// pool says what of the configuration concerns connections.
func (c Config) pool() (*pgxpool.Config, error) {
	pc, err := pgxpool.ParseConfig(c.URL)
	if err != nil {
		return nil, err
	}
	pc.MaxConns = int32(c.MaxConns)
	pc.ConnConfig.ConnectTimeout = c.CallTimeout
	bound := strconv.FormatInt(max(c.CallTimeout.Milliseconds(), 1), 10)
	params := pc.ConnConfig.RuntimeParams
	params["application_name"] = "tidemark"
	params["statement_timeout"] = bound
	params["idle_in_transaction_session_timeout"] = bound // PG4
	pc.AfterConnect = awaitDisk
	return pc, nil
}

func open(pc *pgxpool.Config, timeout time.Duration) (*DB, error) {
	// The pool is made under a context that never ends: it lives until Close.
	pool, err := pgxpool.NewWithConfig(context.Background(), pc)
	if err != nil {
		return nil, fmt.Errorf("make pool of connections: %w", err)
	}
	return &DB{pool: pool, timeout: timeout, where: pc.ConnConfig.Host + "/" + pc.ConnConfig.Database}, nil
}

// awaitDisk is PG3. A server that waits for more than its own disk stays as it is.
func awaitDisk(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, `SELECT set_config('synchronous_commit', 'local', false)
		WHERE current_setting('synchronous_commit') = 'off'`)
	return err
}

// Close closes all connections, and waits until calls under way have ended.
func (d *DB) Close() { d.pool.Close() }

// Opening and closing the registry file.
package sqlreg

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	_ "github.com/mattn/go-sqlite3" // the driver "sqlite3"
	"github.com/pressly/goose/v3"

	"tidemark/internal/property"
	"tidemark/internal/property/secret"
)

//go:embed migrations/*.sql
var migrations embed.FS

const (
	// busyTimeout is how long a write waits for another process's write. Too
	// short fails a command under load; too long hides a stuck process.
	busyTimeout = 10 * time.Second
	readers     = 4
	openTimeout = 30 * time.Second
)

// DB is a registry in a SQLite file.
type DB struct {
	write     *sql.DB // one connection, immediate transactions
	read      *sql.DB
	clock     func() time.Time
	passwords *secret.Passwords
}

var _ property.Registry = (*DB)(nil)

// Options are the wiring of Open. The zero value is right outside tests.
type Options struct {
	Clock func() time.Time
}

// Open opens the registry at path and makes it if it does not exist. The
// folder must exist.
func Open(path string) (*DB, error) { return OpenWith(path, Options{}) }

// OpenWith is Open with its wiring.
func OpenWith(path string, o Options) (*DB, error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("find registry %s: %w", path, err)
	}
	unlock, err := lock(path + ".lock")
	if err != nil {
		return nil, fmt.Errorf("lock registry %s: %w", path, err)
	}
	defer unlock()
	if err := makeFile(path); err != nil {
		return nil, fmt.Errorf("make registry %s: %w", path, err)
	}
	d := &DB{clock: o.Clock, passwords: secret.NewPasswords()}
	ctx, cancel := context.WithTimeout(context.Background(), openTimeout)
	defer cancel()
	if err := d.open(ctx, path); err != nil {
		return nil, errors.Join(fmt.Errorf("open registry %s: %w", path, err), d.Close())
	}
	return d, nil
}

func (d *DB) open(ctx context.Context, path string) error {
	var err error
	if d.write, err = sql.Open("sqlite3", dsn(path, false)); err != nil {
		return err
	}
	d.write.SetMaxOpenConns(1)
	if err := migrate(ctx, d.write); err != nil {
		return err
	}
	if d.read, err = sql.Open("sqlite3", dsn(path, true)); err != nil {
		return err
	}
	d.read.SetMaxOpenConns(readers)
	d.read.SetMaxIdleConns(readers)
	return d.read.PingContext(ctx)
}

// Close closes the file. Calls after it fail.
func (d *DB) Close() error {
	var errs []error
	for _, db := range []*sql.DB{d.read, d.write} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// makeFile makes the file before SQLite does, because SQLite would let
// everyone read it. The files of its WAL take the same mode (SQ3).
func makeFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func dsn(path string, readOnly bool) string {
	q := url.Values{
		"_journal_mode":  {"WAL"},
		"_busy_timeout":  {fmt.Sprint(busyTimeout.Milliseconds())},
		"_foreign_keys":  {"on"},
		"_secure_delete": {"on"},
		"_synchronous":   {"FULL"},
		"_txlock":        {"immediate"},
	}
	if readOnly {
		q.Set("_query_only", "on")
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

func migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	if err := refuseNewer(ctx, p); err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("upgrade schema: %w", err)
	}
	return nil
}

// refuseNewer stops an old binary from working on a schema it does not know.
func refuseNewer(ctx context.Context, p *goose.Provider) error {
	have, err := p.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	sources := p.ListSources()
	if known := sources[len(sources)-1].Version; have > known {
		return fmt.Errorf("schema version %d is newer than this binary knows (%d): use the newer binary", have, known)
	}
	return nil
}

// update runs f in one write transaction (SQ1).
func (d *DB) update(ctx context.Context, f func(tx *sql.Tx) error) error {
	tx, err := d.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	if err := f(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// now returns the time as it is stored.
func (d *DB) now() int64 { return d.clock().UnixMicro() }

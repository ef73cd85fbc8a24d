// Schema upgrades (PG5).
package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

const (
	// upgradeTimeout bounds an upgrade, the wait for another program's included.
	upgradeTimeout = 60 * time.Second
	// upgradeLock is the number of the advisory lock; it must not be used for
	// anything else in the database.
	upgradeLock = 0x7469_6465 // "tide"
)

// Upgrade brings the tables that files describe (goose's *.sql) to their newest
// version. name tells apart the schemas that share a database.
func (d *DB) Upgrade(ctx context.Context, name string, files fs.FS) error {
	ctx, cancel := context.WithTimeout(ctx, upgradeTimeout)
	defer cancel()
	if err := d.upgrade(ctx, name, files); err != nil {
		if classify(err) == away {
			err = fmt.Errorf("%w: %w", ErrAway, err)
		}
		return fmt.Errorf("upgrade schema %s of %s: %w", name, d.where, err)
	}
	return nil
}

func (d *DB) upgrade(ctx context.Context, name string, files fs.FS) (err error) {
	// Connections of its own: an upgrade may take longer than a call.
	config := d.pool.Config().ConnConfig
	config.RuntimeParams = maps.Clone(config.RuntimeParams)
	delete(config.RuntimeParams, "statement_timeout")
	delete(config.RuntimeParams, "idle_in_transaction_session_timeout")
	db := stdlib.OpenDB(*config)
	defer func() { err = errors.Join(err, db.Close()) }()
	lock, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if _, err := lock.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, upgradeLock); err != nil {
		return fmt.Errorf("wait for other upgrades: %w", err)
	}
	defer func() { // closing would do, but the connection goes back to the pool first
		_, unlock := lock.ExecContext(ctx, `SELECT pg_advisory_unlock($1)`, upgradeLock)
		err = errors.Join(err, unlock)
	}()
	return migrate(ctx, db, name, files)
}

func migrate(ctx context.Context, db *sql.DB, name string, files fs.FS) error {
	p, err := goose.NewProvider(goose.DialectPostgres, db, files,
		goose.WithDisableGlobalRegistry(true), goose.WithTableName(name+"_version"))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	have, err := p.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	sources := p.ListSources()
	if known := sources[len(sources)-1].Version; have > known {
		return fmt.Errorf("schema version %d is newer than this binary knows (%d): use the newer binary", have, known)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("apply migrations: %w", err)
	}
	return nil
}

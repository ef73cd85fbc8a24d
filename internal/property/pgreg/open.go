// Opening the registry.
package pgreg

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"time"

	"tidemark/internal/postgres"
	"tidemark/internal/property"
	"tidemark/internal/property/secret"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Registry is a registry in a PostgreSQL database.
type Registry struct {
	db        *postgres.DB
	clock     func() time.Time
	passwords *secret.Passwords
	sealer    *sealer
}

var _ property.Registry = (*Registry)(nil)

// Config is the operator's choice.
type Config struct {
	postgres.Config
	// SaltKeys seal the salts of cookieless ids (see the package). New salts take the
	// first; all are tried for reading. All nodes need the same. To replace a key, put
	// the new one in front on all nodes, and after five days, when no salt of the old
	// one lives, remove and destroy that. Empty: salts are not sealed.
	SaltKeys [][]byte
}

// Options are the wiring of Open. The zero value is right outside tests.
type Options struct {
	Clock func() time.Time
}

// Open connects to the database, and makes or upgrades the tables.
func Open(ctx context.Context, c Config, o Options) (*Registry, error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	sealer, err := newSealer(c.SaltKeys)
	if err != nil {
		return nil, fmt.Errorf("read salt keys: %w", err)
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	db, err := postgres.Open(c.Config)
	if err != nil {
		return nil, fmt.Errorf("open registry: %w", err)
	}
	if err := db.Upgrade(ctx, "registry", files); err != nil {
		db.Close()
		return nil, fmt.Errorf("open registry: %w", err)
	}
	return &Registry{db: db, clock: o.Clock, passwords: secret.NewPasswords(), sealer: sealer}, nil
}

// Close closes the connections. Calls after it fail.
func (r *Registry) Close() error {
	r.db.Close()
	return nil
}

// now returns the time as it is stored.
func (r *Registry) now() int64 { return r.clock().UnixMicro() }

// PostgreSQL: the registry of several machines, and what they agree on there.
package config

import (
	"errors"
	"fmt"
	"time"

	"tidemark/internal/postgres"
	"tidemark/internal/property/pgreg"
)

// Postgres is used if it has a URL: the registry is there then, not in the data directory.
type Postgres struct {
	// URL is a connection URI or keyword list as of libpq. It is best taken from the environment: ${NAME}.
	URL Secret `yaml:"url"`
	// MaxConns bounds the connections of each of the pools of a process: registry, nodes, intents.
	MaxConns int `yaml:"max_conns"`
	// CallTimeout bounds each call.
	CallTimeout time.Duration `yaml:"call_timeout"`
	// SaltKeys seal the salts of cookieless ids, so that a backup of the database links nobody. New salts take the first;
	// all are tried for reading. Any text of 16 bytes or more; all processes need the same.
	SaltKeys []Secret `yaml:"salt_keys"`
}

func defaultPostgres() Postgres {
	return Postgres{MaxConns: postgres.DefaultMaxConns, CallTimeout: postgres.DefaultCallTimeout}
}

// OnPostgres tells whether the registry is in PostgreSQL.
func (c Config) OnPostgres() bool { return c.Postgres.URL.Reveal() != "" }

// Database returns how the database is reached.
func (c Config) Database() postgres.Config {
	p := c.Postgres
	return postgres.Config{URL: p.URL.Reveal(), MaxConns: p.MaxConns, CallTimeout: p.CallTimeout}
}

// PostgresRegistry returns the registry's own Config.
func (c Config) PostgresRegistry() pgreg.Config {
	r := pgreg.Config{Config: c.Database()}
	for _, key := range c.Postgres.SaltKeys {
		r.SaltKeys = append(r.SaltKeys, []byte(key.Reveal()))
	}
	return r
}

// Validate says what is wrong with the choices.
func (p Postgres) Validate() error {
	var errs []error
	if p.MaxConns < 1 || p.MaxConns > 1000 {
		errs = append(errs, fmt.Errorf("max_conns: %d is not between 1 and 1000", p.MaxConns))
	}
	if p.CallTimeout <= 0 {
		errs = append(errs, errors.New("call_timeout: must be positive"))
	}
	for i, key := range p.SaltKeys {
		if n := len(key.Reveal()); n < pgreg.MinSaltKey {
			errs = append(errs, fmt.Errorf("salt_keys: key %d has %d bytes, at least %d are needed", i+1, n, pgreg.MinSaltKey))
		}
	}
	return errors.Join(errs...)
}

// Export: the registry as a whole, for another one to take over.
package sqlreg

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"tidemark/internal/property"
)

var _ property.Exporter = (*DB)(nil)

// Export implements property.Exporter. Readers' connections cannot begin a transaction here, so this is
// one of the writer's.
func (d *DB) Export(ctx context.Context) (*property.Snapshot, error) {
	s := &property.Snapshot{}
	err := d.update(ctx, func(tx *sql.Tx) (err error) {
		if s.Properties, err = selectProperties(ctx, tx, `TRUE`); err != nil {
			return err
		}
		return errors.Join(
			each(ctx, tx, `SELECT hash, measurement_id, created FROM api_secret ORDER BY hash`, &s.Secrets,
				func(k *property.KeptSecret) []any { return []any{&k.Hash, &k.MeasurementID, &k.Created} }),
			each(ctx, tx, `SELECT hash, property, created FROM read_key ORDER BY hash, property`, &s.ReadKeys,
				func(k *property.KeptReadKey) []any { return []any{&k.Hash, &k.Property, &k.Created} }),
			each(ctx, tx, `SELECT id, email, password, created FROM member ORDER BY id`, &s.Members,
				func(k *property.KeptMember) []any { return []any{&k.ID, &k.Email, &k.Password, &k.Created} }),
			each(ctx, tx, `SELECT hash, expires FROM setup_token ORDER BY hash`, &s.Tokens,
				func(k *property.KeptToken) []any { return []any{&k.Hash, &k.Expires} }),
			each(ctx, tx, `SELECT hash, member, created, expires FROM login ORDER BY hash`, &s.Logins,
				func(k *property.KeptLogin) []any { return []any{&k.Hash, &k.Member, &k.Created, &k.Expires} }),
			each(ctx, tx, `SELECT day, salt, expires FROM salt ORDER BY day`, &s.Salts,
				func(k *property.KeptSalt) []any { return []any{&k.Day, &k.Salt, &k.Expires} }))
	})
	if err != nil {
		return nil, fmt.Errorf("export registry: %w", err)
	}
	return s, nil
}

// each appends the rows of a query to out.
func each[T any](ctx context.Context, tx *sql.Tx, query string, out *[]T, columns func(*T) []any) error {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var k T
		if err := rows.Scan(columns(&k)...); err != nil {
			return err
		}
		*out = append(*out, k)
	}
	return rows.Err()
}

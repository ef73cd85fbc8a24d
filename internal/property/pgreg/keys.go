// API secrets and read keys.
package pgreg

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"tidemark/internal/event"
	"tidemark/internal/postgres"
	"tidemark/internal/property"
	"tidemark/internal/property/secret"
)

// CheckAPISecret implements property.Registry. The hash is looked up, so the
// time it takes tells nothing about the secret.
func (r *Registry) CheckAPISecret(ctx context.Context, measurementID, given string) (bool, error) {
	if !storable(measurementID) {
		return false, nil
	}
	var ok bool
	err := r.askRow(ctx, []any{&ok}, `SELECT EXISTS (SELECT 1 FROM api_secret
		WHERE hash = $1 AND measurement_id = $2)`, secret.Digest(given), measurementID)
	if err != nil {
		return false, fmt.Errorf("check api secret: %w", err)
	}
	return ok, nil
}

// PropertiesOfReadKey implements property.Registry.
func (r *Registry) PropertiesOfReadKey(ctx context.Context, readKey string) ([]event.PropertyID, error) {
	ids, err := r.ids(ctx, `SELECT property FROM read_key WHERE hash = $1 ORDER BY property`, secret.Digest(readKey))
	if err == nil && len(ids) == 0 {
		err = property.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	return ids, nil
}

func (r *Registry) ids(ctx context.Context, query string, args ...any) (ids []event.PropertyID, err error) {
	err = r.db.Ask(ctx, func(ctx context.Context, q postgres.Querier) error {
		rows, err := q.Query(ctx, query, args...)
		if err != nil {
			return err
		}
		ids, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (event.PropertyID, error) {
			var id int64
			err := row.Scan(&id)
			return event.PropertyID(id), err
		})
		return err
	})
	return ids, err
}

// storable tells whether PostgreSQL takes s as text. What it does not take,
// nothing in the database is called: a stranger's bytes are unknown, not an error.
func storable(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

// Salts of cookieless client ids (S10, R4).
package pgreg

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"tidemark/internal/postgres"
	"tidemark/internal/property"
	"tidemark/internal/property/secret"
)

// Salt implements property.Registry. Two nodes that ask for a new day's salt at
// once get the same one: the first insert stays, and the second waits for it.
func (r *Registry) Salt(ctx context.Context, day string, now time.Time) ([]byte, error) {
	salt, err := r.salt(ctx, day, now)
	if err != nil {
		return nil, fmt.Errorf("read salt of day: %w", err)
	}
	return salt, nil
}

func (r *Registry) salt(ctx context.Context, day string, now time.Time) ([]byte, error) {
	from, until, err := property.SaltSpan(day)
	if err != nil {
		return nil, err
	}
	if now.Before(from) {
		return nil, &property.FieldError{Field: "day", Reason: "has not begun anywhere"}
	}
	if !now.Before(until) {
		return nil, property.ErrNotFound
	}
	salt, err := r.readSalt(ctx, day)
	if !errors.Is(err, pgx.ErrNoRows) {
		return salt, err
	}
	fresh, how := r.sealer.seal(day, secret.Salt())
	err = r.db.Ask(ctx, func(ctx context.Context, q postgres.Querier) error {
		_, err := q.Exec(ctx, `INSERT INTO salt (day, salt, sealed, expires) VALUES ($1, $2, $3, $4)
			ON CONFLICT DO NOTHING`, day, fresh, how, until.UnixMicro())
		return err
	})
	if err != nil {
		return nil, err
	}
	return r.readSalt(ctx, day)
}

func (r *Registry) readSalt(ctx context.Context, day string) ([]byte, error) {
	var kept []byte
	var how int16
	if err := r.askRow(ctx, []any{&kept, &how}, `SELECT salt, sealed FROM salt WHERE day = $1`, day); err != nil {
		return nil, err
	}
	return r.sealer.open(day, kept, how)
}

// keptSalt is a row of the table.
type keptSalt struct {
	Day     string
	Salt    []byte
	Sealed  int16
	Expires int64
}

// DropSalts implements property.Registry (PR3). Deleting is not enough: the row
// would lie in its page until another takes the place, and VACUUM moves rows
// without clearing where they were. TRUNCATE begins a new file and removes the old
// one when the transaction commits, whoever still reads an older snapshot.
func (r *Registry) DropSalts(ctx context.Context, now time.Time) error {
	err := r.db.ChangeAgain(ctx, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `LOCK TABLE salt IN ACCESS EXCLUSIVE MODE`); err != nil {
			return err
		}
		dead, err := tx.Exec(ctx, `DELETE FROM salt WHERE expires <= $1`, now.UnixMicro())
		if err != nil || dead.RowsAffected() == 0 {
			return err
		}
		return rewriteSalts(ctx, tx)
	})
	if err != nil {
		return fmt.Errorf("drop salts: %w", err)
	}
	return nil
}

func rewriteSalts(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, `SELECT day, salt, sealed, expires FROM salt`)
	if err != nil {
		return err
	}
	alive, err := pgx.CollectRows(rows, pgx.RowToStructByPos[keptSalt])
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `TRUNCATE salt`); err != nil {
		return err
	}
	for _, s := range alive {
		if _, err := tx.Exec(ctx, `INSERT INTO salt (day, salt, sealed, expires) VALUES ($1, $2, $3, $4)`,
			s.Day, s.Salt, s.Sealed, s.Expires); err != nil {
			return err
		}
	}
	return nil
}

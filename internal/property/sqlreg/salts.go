// Salts of cookieless client ids (S10, R4).
package sqlreg

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tidemark/internal/property"
	"tidemark/internal/property/secret"
)

// Salt implements property.Registry. Two processes that ask for a new day's
// salt at once get the same one: the first insert stays.
func (d *DB) Salt(ctx context.Context, day string, now time.Time) ([]byte, error) {
	salt, err := d.salt(ctx, day, now)
	if err != nil {
		return nil, fmt.Errorf("read salt of day: %w", err)
	}
	return salt, nil
}

func (d *DB) salt(ctx context.Context, day string, now time.Time) ([]byte, error) {
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
	salt, err := readSalt(ctx, d.read, day)
	if !errors.Is(err, sql.ErrNoRows) {
		return salt, err
	}
	if _, err := d.write.ExecContext(ctx, `INSERT INTO salt (day, salt, expires) VALUES (?, ?, ?)
		ON CONFLICT DO NOTHING`, day, secret.Salt(), until.UnixMicro()); err != nil {
		return nil, err
	}
	return readSalt(ctx, d.write, day)
}

func readSalt(ctx context.Context, db *sql.DB, day string) (salt []byte, err error) {
	err = db.QueryRowContext(ctx, `SELECT salt FROM salt WHERE day = ?`, day).Scan(&salt)
	return salt, err
}

// DropSalts implements property.Registry. Deleting is not enough: the WAL
// still holds the page as it was, so it is folded into the file, where
// secure_delete has written zeros, and cut to nothing. A reader in the way
// makes it an error; the caller asks again later, and as the WAL is emptied
// on each call, nothing is forgotten.
func (d *DB) DropSalts(ctx context.Context, now time.Time) error {
	if _, err := d.write.ExecContext(ctx, `DELETE FROM salt WHERE expires <= ?`, now.UnixMicro()); err != nil {
		return fmt.Errorf("drop salts: %w", err)
	}
	var busy, frames, moved int
	err := d.write.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &frames, &moved)
	if err == nil && busy != 0 {
		err = errors.New("another process reads the registry")
	}
	if err != nil {
		return fmt.Errorf("drop salts: empty the write-ahead log: %w", err)
	}
	return nil
}

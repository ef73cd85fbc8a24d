// Members: the one-time setup, passwords and logins.
package sqlreg

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/property"
	"tidemark/internal/property/secret"
)

// CreateSetupToken implements property.Registry. A new token takes the place
// of the former one.
func (d *DB) CreateSetupToken(ctx context.Context) (string, error) {
	token := secret.New()
	err := d.update(ctx, func(tx *sql.Tx) error {
		if err := refuseMembers(ctx, tx, property.ErrExists); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM setup_token`); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO setup_token (hash, expires) VALUES (?, ?)`,
			secret.Digest(token), d.now()+property.SetupLife.Microseconds())
		return err
	})
	if err != nil {
		return "", fmt.Errorf("create setup token: %w", err)
	}
	return token, nil
}

// Setup implements property.Registry.
func (d *DB) Setup(ctx context.Context, token, email, password string) (property.Member, error) {
	m, err := d.setup(ctx, token, email, password)
	if err != nil {
		return property.Member{}, fmt.Errorf("set up first member: %w", err)
	}
	return m, nil
}

func (d *DB) setup(ctx context.Context, token, email, password string) (m property.Member, err error) {
	// Asked before the slow hash, so that a wrong token costs nothing.
	var valid bool
	if err := d.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM setup_token
		WHERE hash = ? AND expires > ?)`, secret.Digest(token), d.now()).Scan(&valid); err != nil {
		return m, err
	}
	if !valid {
		return m, property.ErrTokenInvalid
	}
	if email, err = property.NormalEmail(email); err != nil {
		return m, err
	}
	if err := property.CheckPassword(password); err != nil {
		return m, err
	}
	hash, err := d.passwords.Hash(ctx, password)
	if err != nil {
		return m, err
	}
	m.Email = email
	err = d.update(ctx, func(tx *sql.Tx) (err error) {
		m.ID, err = d.useToken(ctx, tx, token, email, hash)
		return err
	})
	return m, err
}

// useToken is where R3 is decided: transactions are immediate, so of two that
// come here with one token the second finds it gone.
func (d *DB) useToken(ctx context.Context, tx *sql.Tx, token, email, hash string) (int64, error) {
	r, err := tx.ExecContext(ctx, `DELETE FROM setup_token WHERE hash = ? AND expires > ?`,
		secret.Digest(token), d.now())
	if err != nil {
		return 0, err
	}
	if n, err := r.RowsAffected(); err != nil || n != 1 {
		return 0, errors.Join(property.ErrTokenInvalid, err)
	}
	if err := refuseMembers(ctx, tx, property.ErrTokenInvalid); err != nil {
		return 0, err
	}
	r, err = tx.ExecContext(ctx, `INSERT INTO member (email, password, created) VALUES (?, ?, ?)`,
		email, hash, d.now())
	if err != nil {
		return 0, err
	}
	return r.LastInsertId()
}

func refuseMembers(ctx context.Context, tx *sql.Tx, refusal error) error {
	var some bool
	if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM member)`).Scan(&some); err != nil {
		return err
	}
	if some {
		return refusal
	}
	return nil
}

// Login implements property.Registry.
func (d *DB) Login(ctx context.Context, email, password string) (property.Member, error) {
	if len(password) > property.MaxPassword {
		return property.Member{}, property.ErrBadLogin
	}
	email, err := property.NormalEmail(email)
	if err != nil {
		email = "" // nobody's
	}
	m, hash := property.Member{Email: email}, secret.NobodysHash
	err = d.read.QueryRowContext(ctx, `SELECT id, password FROM member WHERE email = ?`, email).
		Scan(&m.ID, &hash)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return property.Member{}, fmt.Errorf("read member: %w", err)
	}
	matches, err := d.passwords.Matches(ctx, hash, password)
	if err != nil {
		return property.Member{}, fmt.Errorf("check password: %w", err)
	}
	if m.ID == 0 || !matches {
		return property.Member{}, property.ErrBadLogin
	}
	return m, nil
}

// StartLogin implements property.Registry.
func (d *DB) StartLogin(ctx context.Context, member int64, lifetime time.Duration) (string, error) {
	token, now := secret.New(), d.now()
	err := d.update(ctx, func(tx *sql.Tx) error {
		var known bool
		if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM member WHERE id = ?)`,
			member).Scan(&known); err != nil {
			return err
		}
		if !known {
			return property.ErrNotFound
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM login WHERE expires <= ?`, now); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM login WHERE hash IN (SELECT hash FROM login
			WHERE member = ? ORDER BY created DESC LIMIT -1 OFFSET ?)`, member, property.MaxLogins-1); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO login (hash, member, created, expires)
			VALUES (?, ?, ?, ?)`, secret.Digest(token), member, now, now+lifetime.Microseconds())
		return err
	})
	if err != nil {
		return "", fmt.Errorf("start login: %w", err)
	}
	return token, nil
}

// MemberOfLogin implements property.Registry.
func (d *DB) MemberOfLogin(ctx context.Context, token string) (property.Member, error) {
	var m property.Member
	err := d.read.QueryRowContext(ctx, `SELECT m.id, m.email FROM login l JOIN member m ON m.id = l.member
		WHERE l.hash = ? AND l.expires > ?`, secret.Digest(token), d.now()).Scan(&m.ID, &m.Email)
	if errors.Is(err, sql.ErrNoRows) {
		err = property.ErrNotFound
	}
	if err != nil {
		return property.Member{}, fmt.Errorf("read login: %w", err)
	}
	return m, nil
}

// EndLogin implements property.Registry. A login that has ended already is no error.
func (d *DB) EndLogin(ctx context.Context, token string) error {
	if _, err := d.write.ExecContext(ctx, `DELETE FROM login WHERE hash = ?`, secret.Digest(token)); err != nil {
		return fmt.Errorf("end login: %w", err)
	}
	return nil
}

// MemberProperties implements property.Registry.
func (d *DB) MemberProperties(ctx context.Context, member int64) ([]event.PropertyID, error) {
	ids, err := d.ids(ctx, `SELECT id FROM property
		WHERE EXISTS (SELECT 1 FROM member WHERE id = ?) ORDER BY name, id`, member)
	if err != nil {
		return nil, fmt.Errorf("list properties of member: %w", err)
	}
	return ids, nil
}

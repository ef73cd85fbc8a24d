// Members: the one-time setup, passwords and logins.
package pgreg

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"tidemark/internal/event"
	"tidemark/internal/postgres"
	"tidemark/internal/property"
	"tidemark/internal/property/secret"
)

// CreateSetupToken implements property.Registry. A new token takes the place
// of the former one.
func (r *Registry) CreateSetupToken(ctx context.Context) (string, error) {
	token := secret.New()
	// Twice is as good as once: the second time replaces the token by itself.
	err := r.db.ChangeAgain(ctx, func(ctx context.Context, tx pgx.Tx) error {
		if err := lockSetup(ctx, tx); err != nil {
			return err
		}
		if err := refuseMembers(ctx, tx, property.ErrExists); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM setup_token`); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO setup_token (hash, expires) VALUES ($1, $2)`,
			secret.Digest(token), r.now()+property.SetupLife.Microseconds())
		return err
	})
	if err != nil {
		return "", fmt.Errorf("create setup token: %w", err)
	}
	return token, nil
}

// lockSetup is PR2. Row locks would not do: two tokens that were made at once
// have no row in common, nor has "there is no member yet" a row at all.
func lockSetup(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `LOCK TABLE setup_token IN EXCLUSIVE MODE`)
	return err
}

// Setup implements property.Registry.
func (r *Registry) Setup(ctx context.Context, token, email, password string) (property.Member, error) {
	m, err := r.setup(ctx, token, email, password)
	if err != nil {
		return property.Member{}, fmt.Errorf("set up first member: %w", err)
	}
	return m, nil
}

func (r *Registry) setup(ctx context.Context, token, email, password string) (m property.Member, err error) {
	// Asked before the slow hash, so that a wrong token costs nothing.
	var valid bool
	if err := r.askRow(ctx, []any{&valid}, `SELECT EXISTS (SELECT 1 FROM setup_token
		WHERE hash = $1 AND expires > $2)`, secret.Digest(token), r.now()); err != nil {
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
	hash, err := r.passwords.Hash(ctx, password)
	if err != nil {
		return m, err
	}
	m.Email = email
	// Not again: once the token is used, a second run says that it is invalid.
	err = r.db.Change(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
		m.ID, err = r.useToken(ctx, tx, token, email, hash)
		return err
	})
	return m, err
}

// useToken is where R3 is decided.
func (r *Registry) useToken(ctx context.Context, tx pgx.Tx, token, email, hash string) (id int64, err error) {
	if err := lockSetup(ctx, tx); err != nil {
		return 0, err
	}
	used, err := tx.Exec(ctx, `DELETE FROM setup_token WHERE hash = $1 AND expires > $2`,
		secret.Digest(token), r.now())
	if err != nil {
		return 0, err
	}
	if used.RowsAffected() != 1 {
		return 0, property.ErrTokenInvalid
	}
	if err := refuseMembers(ctx, tx, property.ErrTokenInvalid); err != nil {
		return 0, err
	}
	err = tx.QueryRow(ctx, `INSERT INTO member (email, password, created) VALUES ($1, $2, $3) RETURNING id`,
		email, hash, r.now()).Scan(&id)
	return id, err
}

func refuseMembers(ctx context.Context, tx pgx.Tx, refusal error) error {
	var some bool
	if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM member)`).Scan(&some); err != nil {
		return err
	}
	if some {
		return refusal
	}
	return nil
}

// Login implements property.Registry.
func (r *Registry) Login(ctx context.Context, email, password string) (property.Member, error) {
	if len(password) > property.MaxPassword {
		return property.Member{}, property.ErrBadLogin
	}
	email, err := property.NormalEmail(email)
	if err != nil || !storable(email) {
		email = "" // nobody's
	}
	m, hash := property.Member{Email: email}, secret.NobodysHash
	err = r.askRow(ctx, []any{&m.ID, &hash}, `SELECT id, password FROM member WHERE email = $1`, email)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return property.Member{}, fmt.Errorf("read member: %w", err)
	}
	matches, err := r.passwords.Matches(ctx, hash, password)
	if err != nil {
		return property.Member{}, fmt.Errorf("check password: %w", err)
	}
	if m.ID == 0 || !matches {
		return property.Member{}, property.ErrBadLogin
	}
	return m, nil
}

// StartLogin implements property.Registry.
func (r *Registry) StartLogin(ctx context.Context, member int64, lifetime time.Duration) (string, error) {
	token, now := secret.New(), r.now()
	err := r.db.ChangeAgain(ctx, func(ctx context.Context, tx pgx.Tx) error {
		// The lock makes logins of one member count each other (D8).
		err := tx.QueryRow(ctx, `SELECT id FROM member WHERE id = $1 FOR UPDATE`, member).Scan(&member)
		if errors.Is(err, pgx.ErrNoRows) {
			return property.ErrNotFound
		}
		if err != nil {
			return err
		}
		// Only its own: of two who delete the same rows of others, each in an order of
		// its own, one would be a deadlock's victim.
		if _, err := tx.Exec(ctx, `DELETE FROM login WHERE member = $1 AND expires <= $2`, member, now); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM login WHERE hash IN (SELECT hash FROM login
			WHERE member = $1 AND hash <> $3 ORDER BY created DESC OFFSET $2)`,
			member, property.MaxLogins-1, secret.Digest(token)); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO login (hash, member, created, expires) VALUES ($1, $2, $3, $4)
			ON CONFLICT DO NOTHING`, secret.Digest(token), member, now, now+lifetime.Microseconds())
		return err
	})
	if err != nil {
		return "", fmt.Errorf("start login: %w", err)
	}
	return token, nil
}

// MemberOfLogin implements property.Registry.
func (r *Registry) MemberOfLogin(ctx context.Context, token string) (property.Member, error) {
	var m property.Member
	err := r.askRow(ctx, []any{&m.ID, &m.Email}, `SELECT m.id, m.email FROM login l JOIN member m ON m.id = l.member
		WHERE l.hash = $1 AND l.expires > $2`, secret.Digest(token), r.now())
	if errors.Is(err, pgx.ErrNoRows) {
		err = property.ErrNotFound
	}
	if err != nil {
		return property.Member{}, fmt.Errorf("read login: %w", err)
	}
	return m, nil
}

// EndLogin implements property.Registry. A login that has ended already is no error.
func (r *Registry) EndLogin(ctx context.Context, token string) error {
	err := r.db.Ask(ctx, func(ctx context.Context, q postgres.Querier) error {
		_, err := q.Exec(ctx, `DELETE FROM login WHERE hash = $1`, secret.Digest(token))
		return err
	})
	if err != nil {
		return fmt.Errorf("end login: %w", err)
	}
	return nil
}

// MemberProperties implements property.Registry.
func (r *Registry) MemberProperties(ctx context.Context, member int64) ([]event.PropertyID, error) {
	ids, err := r.ids(ctx, `SELECT id FROM property
		WHERE EXISTS (SELECT 1 FROM member WHERE id = $1) ORDER BY name, id`, member)
	if err != nil {
		return nil, fmt.Errorf("list properties of member: %w", err)
	}
	return ids, nil
}

// Calls: bounded in time, repeated where that is safe.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Querier is a pool or a transaction.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

const (
	// awayTries is how often a call looks for a server that is away. Once is too
	// few: a restart leaves dead connections in the pool. Many would only make
	// the caller wait for the same answer.
	awayTries = 3
	// firstPause doubles from try to try.
	firstPause = 20 * time.Millisecond
)

// Ask runs f outside of a transaction. f may be run several times: it must
// only read, or write in one statement that is as good twice as once.
func (d *DB) Ask(ctx context.Context, f func(ctx context.Context, q Querier) error) error {
	return d.try(ctx, func(ctx context.Context) error { return f(ctx, d.pool) })
}

// Change runs f in a transaction and commits it (PG2). f may be run several
// times, but takes effect once.
func (d *DB) Change(ctx context.Context, f func(ctx context.Context, tx pgx.Tx) error) error {
	return d.try(ctx, func(ctx context.Context) error { return d.transact(ctx, f, ErrUnknown) })
}

// ChangeAgain is Change for an f that is as good twice as once: when a commit
// is in doubt, it is repeated, and never is the outcome ErrUnknown alone.
func (d *DB) ChangeAgain(ctx context.Context, f func(ctx context.Context, tx pgx.Tx) error) error {
	return d.try(ctx, func(ctx context.Context) error { return d.transact(ctx, f, nil) })
}

func (d *DB) transact(ctx context.Context, f func(ctx context.Context, tx pgx.Tx) error, inDoubt error) error {
	tx, err := d.pool.Begin(ctx)
	if err != nil {
		return err
	}
	if err := f(ctx, tx); err != nil {
		// The first error is what happened. If the rollback fails too, pgx closes the
		// connection, and the server rolls back.
		_ = tx.Rollback(ctx)
		return err
	}
	err = tx.Commit(ctx)
	if err != nil && inDoubt != nil && classify(err) == away && !pgconn.SafeToRetry(err) {
		err = fmt.Errorf("%w: %w", inDoubt, err)
	}
	return err
}

// try repeats run as long as its errors say that it may help (PG1, PG2).
func (d *DB) try(ctx context.Context, run func(ctx context.Context) error) error {
	bounded, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	pause, tries := firstPause, 0
	for {
		err := run(bounded)
		kind := classify(err)
		switch {
		case kind == final:
			return err
		case ctx.Err() != nil: // the caller's own impatience
			return errors.Join(ctx.Err(), unknownOf(err))
		case kind == away:
			if tries++; tries >= awayTries || bounded.Err() != nil || errors.Is(err, ErrUnknown) {
				return fmt.Errorf("%w: ask %s: %w", ErrAway, d.where, err)
			}
			// All connections of before a restart are dead, not only this one.
			d.pool.Reset()
		}
		// busy repeats until the time is up. The pause is random, so that two that
		// were in each other's way are not again.
		if !wait(bounded, pause/2+rand.N(pause)) {
			return fmt.Errorf("%w: ask %s within %v: %w", ErrAway, d.where, d.timeout, err)
		}
		pause *= 2
	}
}

func unknownOf(err error) error {
	if errors.Is(err, ErrUnknown) {
		return ErrUnknown
	}
	return nil
}

func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

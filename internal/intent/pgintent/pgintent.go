// Package pgintent keeps intents (package intent) in a PostgreSQL database.
//
// Each change locks the row of its partition first, reads, lets the contract
// decide (intent.Progress) and writes, in one transaction: a change under an old
// epoch that was on its way when the partition was acquired waits for that lock,
// and then reads the new epoch (I2). What calls do when the server is away or slow is
// in package postgres (PG1 to PG5); all changes are as good twice as once (I6),
// so they are repeated when a commit is in doubt. A repeated Acquire leaves an epoch
// behind that nobody has.
//
// Concurrency: all methods may be called from any goroutine.
package pgintent

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"

	"tidemark/internal/intent"
	"tidemark/internal/postgres"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Registry keeps intents in a PostgreSQL database.
type Registry struct{ db *postgres.DB }

var _ intent.Registry = (*Registry)(nil)

// Open connects to the database, and makes or upgrades the tables.
func Open(ctx context.Context, c postgres.Config) (*Registry, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	db, err := postgres.Open(c)
	if err != nil {
		return nil, fmt.Errorf("open intents: %w", err)
	}
	if err := db.Upgrade(ctx, "intent", files); err != nil {
		db.Close()
		return nil, fmt.Errorf("open intents: %w", err)
	}
	return &Registry{db: db}, nil
}

// Close implements intent.Registry.
func (r *Registry) Close() error {
	r.db.Close()
	return nil
}

// Acquire implements intent.Registry. Whoever holds the row is waited for, and
// not for long (PG4).
func (r *Registry) Acquire(ctx context.Context, partition int, node string) (uint64, error) {
	var epoch int64
	err := r.db.ChangeAgain(ctx, func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, `INSERT INTO intent_partition AS p (partition, epoch, owner) VALUES ($1, 1, $2)
			ON CONFLICT (partition) DO UPDATE SET epoch = p.epoch + 1, owner = $2 RETURNING epoch`,
			partition, node).Scan(&epoch)
	})
	if err != nil {
		return 0, fmt.Errorf("acquire partition %d: %w", partition, err)
	}
	return uint64(epoch), nil
}

// Begin implements intent.Registry.
func (r *Registry) Begin(ctx context.Context, i intent.Intent) error {
	if err := i.Check(); err != nil {
		return fmt.Errorf("begin intent: %w", err)
	}
	return r.change(ctx, "begin", i.Partition, i.Seq, func(p intent.Progress) (intent.Step, intent.Intent, error) {
		return p.Begin(i)
	})
}

// Save implements intent.Registry.
func (r *Registry) Save(ctx context.Context, partition int, epoch, seq uint64) error {
	return r.change(ctx, "save", partition, seq, func(p intent.Progress) (intent.Step, intent.Intent, error) {
		return p.Save(partition, epoch, seq)
	})
}

// Done implements intent.Registry.
func (r *Registry) Done(ctx context.Context, partition int, epoch, seq uint64) error {
	return r.change(ctx, "finish", partition, seq, func(p intent.Progress) (intent.Step, intent.Intent, error) {
		return p.Finish(partition, epoch, seq)
	})
}

// Rewind implements intent.Registry.
func (r *Registry) Rewind(ctx context.Context, i intent.Intent) error {
	if err := i.CheckRewind(); err != nil {
		return fmt.Errorf("rewind: %w", err)
	}
	return r.change(ctx, "rewind to", i.Partition, i.Seq, func(p intent.Progress) (intent.Step, intent.Intent, error) {
		return p.Rewind(i)
	})
}

type decision func(p intent.Progress) (intent.Step, intent.Intent, error)

func (r *Registry) change(ctx context.Context, verb string, partition int, seq uint64, decide decision) error {
	err := r.db.ChangeAgain(ctx, func(ctx context.Context, tx pgx.Tx) error {
		p, err := progress(ctx, tx, partition, `FOR UPDATE`)
		if err != nil {
			return err
		}
		step, i, err := decide(p)
		if err != nil {
			return err
		}
		return write(ctx, tx, step, i)
	})
	if err != nil {
		return fmt.Errorf("%s intent %d of partition %d: %w", verb, seq, partition, err)
	}
	return nil
}

func write(ctx context.Context, tx pgx.Tx, step intent.Step, i intent.Intent) error {
	var err error
	if step == intent.Restart {
		_, err = tx.Exec(ctx, `DELETE FROM intent WHERE partition = $1`, i.Partition)
	}
	if err != nil {
		return err
	}
	switch step {
	case intent.Nothing:
	case intent.Insert, intent.Restart:
		_, err = tx.Exec(ctx, `INSERT INTO intent (partition, seq, epoch, from_offset, to_offset, state, saved, done)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			i.Partition, int64(i.Seq), int64(i.Epoch), int64(i.From), int64(i.To), i.State, i.Saved, i.Done)
	case intent.Replace, intent.Finish:
		_, err = tx.Exec(ctx, `UPDATE intent SET epoch = $3, state = $4, saved = $5, done = $6
			WHERE partition = $1 AND seq = $2`,
			i.Partition, int64(i.Seq), int64(i.Epoch), i.State, i.Saved, i.Done)
	}
	if err == nil && step == intent.Finish {
		_, err = tx.Exec(ctx, `DELETE FROM intent WHERE partition = $1 AND seq <= $2`,
			i.Partition, int64(i.Seq)-intent.Kept)
	}
	return err
}

// Progress implements intent.Registry.
func (r *Registry) Progress(ctx context.Context, partition int) (p intent.Progress, err error) {
	err = r.db.Ask(ctx, func(ctx context.Context, q postgres.Querier) error {
		p, err = progress(ctx, q, partition, ``)
		return err
	})
	if err != nil {
		return p, fmt.Errorf("read progress of partition %d: %w", partition, err)
	}
	return p, nil
}

// columns are those that scan reads.
const columns = `i.partition, i.seq, i.epoch, i.from_offset, i.to_offset, i.state, i.saved, i.done`

// progress reads the partition, with its row locked if lock says so. Locked, it
// takes two statements: one alone would wait for the lock and still see the
// intents as they were before it waited.
func progress(ctx context.Context, q postgres.Querier, partition int, lock string) (p intent.Progress, err error) {
	if lock != "" {
		if _, err := q.Exec(ctx, `SELECT 1 FROM intent_partition WHERE partition = $1 `+lock, partition); err != nil {
			return p, err
		}
	}
	rows, err := q.Query(ctx, `SELECT p.owner, p.epoch, `+columns+` FROM intent_partition p
		LEFT JOIN intent i ON i.partition = p.partition AND
			(NOT i.done OR i.seq = (SELECT max(seq) FROM intent WHERE partition = p.partition AND done))
		WHERE p.partition = $1`, partition)
	if err != nil {
		return p, err
	}
	defer rows.Close()
	for rows.Next() {
		var epoch int64
		var r row
		if err := rows.Scan(append([]any{&p.Owner, &epoch}, r.dest()...)...); err != nil {
			return p, err
		}
		p.Epoch = uint64(epoch)
		i, found := r.intent()
		switch {
		case found && i.Done:
			p.Last = i
		case found:
			p.Open = &i
		}
	}
	return p, rows.Err()
}

// History implements intent.Registry.
func (r *Registry) History(ctx context.Context, partition int) (all []intent.Intent, err error) {
	err = r.db.Ask(ctx, func(ctx context.Context, q postgres.Querier) error {
		rows, err := q.Query(ctx, `SELECT `+columns+` FROM intent i WHERE partition = $1 ORDER BY seq`, partition)
		if err != nil {
			return err
		}
		all, err = pgx.CollectRows(rows, func(in pgx.CollectableRow) (intent.Intent, error) {
			var r row
			if err := in.Scan(r.dest()...); err != nil {
				return intent.Intent{}, err
			}
			i, found := r.intent()
			if !found {
				return i, errors.New("read intent: a column is null")
			}
			return i, nil
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read intents of partition %d: %w", partition, err)
	}
	return all, nil
}

// row is an intent as it is read; all nil where a partition has none.
type row struct {
	partition            *int
	seq, epoch, from, to *int64
	state                *string
	saved, done          *bool
}

func (r *row) dest() []any {
	return []any{&r.partition, &r.seq, &r.epoch, &r.from, &r.to, &r.state, &r.saved, &r.done}
}

func (r *row) intent() (i intent.Intent, found bool) {
	if r.partition == nil || r.seq == nil || r.epoch == nil || r.from == nil || r.to == nil ||
		r.state == nil || r.saved == nil || r.done == nil {
		return i, false
	}
	return intent.Intent{
		Partition: *r.partition, Seq: uint64(*r.seq), Epoch: uint64(*r.epoch),
		From: uint64(*r.from), To: uint64(*r.to), State: *r.state, Saved: *r.saved, Done: *r.done,
	}, true
}

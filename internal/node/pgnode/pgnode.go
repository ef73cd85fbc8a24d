// Package pgnode keeps leases of nodes (package node) in a PostgreSQL database.
//
// No statement here asks the database what time it is (N2). A renewal does not
// wait for the disk: after a crash some are forgotten, counters go back, and
// observers see only that they move. What calls do when the server is away or slow is in
// package postgres (PG1 to PG5).
//
// Concurrency: all methods may be called from any goroutine.
package pgnode

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"

	"tidemark/internal/node"
	"tidemark/internal/postgres"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Registry keeps leases in a PostgreSQL database.
type Registry struct{ db *postgres.DB }

var _ node.Registry = (*Registry)(nil)

// Open connects to the database, and makes or upgrades the tables.
func Open(ctx context.Context, c postgres.Config) (*Registry, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	db, err := postgres.Open(c)
	if err != nil {
		return nil, fmt.Errorf("open nodes: %w", err)
	}
	if err := db.Upgrade(ctx, "node", files); err != nil {
		db.Close()
		return nil, fmt.Errorf("open nodes: %w", err)
	}
	return &Registry{db: db}, nil
}

// Close implements node.Registry.
func (r *Registry) Close() error {
	r.db.Close()
	return nil
}

// Register implements node.Registry. The lease is made in the row of the former,
// so of two that register at once the one that comes later into the row stays.
func (r *Registry) Register(ctx context.Context, n node.Node) (node.Lease, error) {
	n, err := n.Normal()
	if err != nil {
		return node.Lease{}, fmt.Errorf("register node: %w", err)
	}
	metadata, err := json.Marshal(n.Metadata)
	if err != nil {
		return node.Lease{}, fmt.Errorf("register node %s: %w", n.ID, err)
	}
	var incarnation int64
	err = r.db.ChangeAgain(ctx, func(ctx context.Context, tx pgx.Tx) error {
		// One after the other, so that the larger incarnation is the one that stays
		// (N1): a number is drawn before the row is locked.
		if _, err := tx.Exec(ctx, `LOCK TABLE node IN SHARE ROW EXCLUSIVE MODE`); err != nil {
			return err
		}
		return tx.QueryRow(ctx, `INSERT INTO node (id, incarnation, renewals, roles, address, metadata)
			VALUES ($1, nextval('node_incarnation'), 0, $2, $3, $4)
			ON CONFLICT (id) DO UPDATE SET incarnation = excluded.incarnation, renewals = 0,
				roles = excluded.roles, address = excluded.address, metadata = excluded.metadata
			RETURNING incarnation`, n.ID, n.Roles, n.Address, metadata).Scan(&incarnation)
	})
	if err != nil {
		return node.Lease{}, fmt.Errorf("register node %s: %w", n.ID, err)
	}
	return node.Lease{Node: n, Incarnation: uint64(incarnation)}, nil
}

// Renew implements node.Registry.
func (r *Registry) Renew(ctx context.Context, id string, incarnation uint64) error {
	err := r.db.ChangeAgain(ctx, func(ctx context.Context, tx pgx.Tx) error {
		// See the package: nothing is lost that anybody would miss.
		if _, err := tx.Exec(ctx, `SET LOCAL synchronous_commit = off`); err != nil {
			return err
		}
		renewed, err := tx.Exec(ctx, `UPDATE node SET renewals = renewals + 1
			WHERE id = $1 AND incarnation = $2`, id, int64(incarnation))
		if err != nil || renewed.RowsAffected() == 1 {
			return err
		}
		var other int64
		err = tx.QueryRow(ctx, `SELECT incarnation FROM node WHERE id = $1`, id).Scan(&other)
		if errors.Is(err, pgx.ErrNoRows) {
			return node.ErrEvicted
		}
		if err != nil {
			return err
		}
		return node.ErrReplaced
	})
	if err != nil {
		return fmt.Errorf("renew lease of node %s: %w", id, err)
	}
	return nil
}

// Deregister implements node.Registry.
func (r *Registry) Deregister(ctx context.Context, id string, incarnation uint64) error {
	err := r.db.Ask(ctx, func(ctx context.Context, q postgres.Querier) error {
		_, err := q.Exec(ctx, `DELETE FROM node WHERE id = $1 AND incarnation = $2`, id, int64(incarnation))
		return err
	})
	if err != nil {
		return fmt.Errorf("deregister node %s: %w", id, err)
	}
	return nil
}

// Evict implements node.Registry.
func (r *Registry) Evict(ctx context.Context, seen node.Lease) (evicted bool, err error) {
	err = r.db.Ask(ctx, func(ctx context.Context, q postgres.Querier) error {
		gone, err := q.Exec(ctx, `DELETE FROM node WHERE id = $1 AND incarnation = $2 AND renewals = $3`,
			seen.ID, int64(seen.Incarnation), int64(seen.Renewals))
		evicted = gone.RowsAffected() == 1
		return err
	})
	if err != nil {
		return false, fmt.Errorf("evict node %s: %w", seen.ID, err)
	}
	return evicted, nil
}

// Leases implements node.Source.
func (r *Registry) Leases(ctx context.Context) (all []node.Lease, err error) {
	err = r.db.Ask(ctx, func(ctx context.Context, q postgres.Querier) error {
		rows, err := q.Query(ctx, `SELECT id, incarnation, renewals, roles, address, metadata FROM node ORDER BY id`)
		if err != nil {
			return err
		}
		all, err = pgx.CollectRows(rows, scan)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list leases: %w", err)
	}
	return all, nil
}

func scan(row pgx.CollectableRow) (node.Lease, error) {
	var l node.Lease
	var incarnation, renewals int64
	var metadata []byte
	if err := row.Scan(&l.ID, &incarnation, &renewals, &l.Roles, &l.Address, &metadata); err != nil {
		return l, err
	}
	l.Incarnation, l.Renewals = uint64(incarnation), uint64(renewals)
	if err := json.Unmarshal(metadata, &l.Metadata); err != nil {
		return l, fmt.Errorf("read metadata of node %s: %w", l.ID, err)
	}
	return l, nil
}

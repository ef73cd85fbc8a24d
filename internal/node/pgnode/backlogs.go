// Backlogs: what nodes hold, a row each.
package pgnode

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"tidemark/internal/node"
	"tidemark/internal/postgres"
)

// Hold implements node.Backlogs.
func (r *Registry) Hold(ctx context.Context, id string, oldest time.Time) error {
	if id == "" {
		return fmt.Errorf("note what a node holds: no id: %w", node.ErrInvalid)
	}
	err := r.db.ChangeAgain(ctx, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO node_held (id, oldest_us) VALUES ($1, $2)
			ON CONFLICT (id) DO UPDATE SET oldest_us = excluded.oldest_us`, id, oldest.UnixMicro())
		return err
	})
	if err != nil {
		return fmt.Errorf("note what node %s holds: %w", id, err)
	}
	return nil
}

// Release implements node.Backlogs.
func (r *Registry) Release(ctx context.Context, id string) error {
	err := r.db.ChangeAgain(ctx, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM node_held WHERE id = $1`, id)
		return err
	})
	if err != nil {
		return fmt.Errorf("note that node %s holds nothing: %w", id, err)
	}
	return nil
}

// OldestHeld implements node.Backlogs.
func (r *Registry) OldestHeld(ctx context.Context) (oldest time.Time, id string, some bool, err error) {
	err = r.db.Ask(ctx, func(ctx context.Context, q postgres.Querier) error {
		var us int64
		some = true
		err := q.QueryRow(ctx, `SELECT oldest_us, id FROM node_held ORDER BY oldest_us, id LIMIT 1`).Scan(&us, &id)
		if errors.Is(err, pgx.ErrNoRows) {
			some = false
			return nil
		}
		oldest = time.UnixMicro(us).UTC()
		return err
	})
	if err != nil {
		return time.Time{}, "", false, fmt.Errorf("ask what nodes hold: %w", err)
	}
	return oldest, id, some, nil
}

// Package pgnote keeps the note of a move (package migrate) in a PostgreSQL database: one row. What calls do when the
// server is away or slow is in package postgres.
//
// Concurrency: all methods may be called from any goroutine.
package pgnote

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"

	"tidemark/internal/migrate"
	"tidemark/internal/postgres"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Notes keeps the note in a PostgreSQL database.
type Notes struct{ db *postgres.DB }

var _ migrate.Notes = (*Notes)(nil)

// Open connects to the database, and makes the table.
func Open(ctx context.Context, c postgres.Config) (*Notes, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	db, err := postgres.Open(c)
	if err != nil {
		return nil, fmt.Errorf("open note of a move: %w", err)
	}
	if err := db.Upgrade(ctx, "move", files); err != nil {
		db.Close()
		return nil, fmt.Errorf("open note of a move: %w", err)
	}
	return &Notes{db: db}, nil
}

// Close closes the connections. Calls after it fail.
func (n *Notes) Close() error {
	n.db.Close()
	return nil
}

// Note implements migrate.Notes.
func (n *Notes) Note(ctx context.Context) (note migrate.Note, some bool, err error) {
	err = n.db.Ask(ctx, func(ctx context.Context, q postgres.Querier) error {
		return q.QueryRow(ctx, `SELECT origin, stage FROM move_note`).Scan(&note.Origin, &note.Stage)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return migrate.Note{}, false, nil
	}
	if err != nil {
		return migrate.Note{}, false, fmt.Errorf("read note of a move: %w", err)
	}
	return note, true, nil
}

// Write implements migrate.Notes.
func (n *Notes) Write(ctx context.Context, note migrate.Note) error {
	err := n.db.ChangeAgain(ctx, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO move_note (id, origin, stage) VALUES (1, $1, $2)
			ON CONFLICT (id) DO UPDATE SET origin = $1, stage = $2`, note.Origin, string(note.Stage))
		return err
	})
	if err != nil {
		return fmt.Errorf("write note of a move: %w", err)
	}
	return nil
}

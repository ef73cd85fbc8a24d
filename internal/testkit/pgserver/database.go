// Databases of a test's own, and statements as the superuser.
package pgserver

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
)

// NewDatabase makes an empty database and returns its URL. It is dropped when
// the test ends: after a kill, the server syncs every file that it has.
func (s *Server) NewDatabase(t testing.TB) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Within)
	defer cancel()
	s.made++
	name := fmt.Sprintf("test_%d", s.made)
	if err := s.execute(ctx, "postgres", "CREATE DATABASE "+name); err != nil {
		t.Fatalf("make database %s: %v", name, err)
	}
	t.Cleanup(func() { s.drop(t, name) })
	return s.URL(name)
}

func (s *Server) drop(t testing.TB, name string) {
	ctx, cancel := context.WithTimeout(context.Background(), Within)
	defer cancel()
	if !s.running() {
		return // the test has ended it for good
	}
	if err := s.execute(ctx, "postgres", "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
		t.Errorf("drop database %s: %v", name, err)
	}
}

// Execute runs statements in the database of the URL.
func (s *Server) Execute(t testing.TB, url, statements string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Within)
	defer cancel()
	if err := execute(ctx, url, statements); err != nil {
		t.Fatalf("execute %q: %v", statements, err)
	}
}

func (s *Server) execute(ctx context.Context, database, statements string) error {
	return execute(ctx, s.URL(database), statements)
}

func execute(ctx context.Context, url, statements string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statements, pgx.QueryExecModeSimpleProtocol)
	return errors.Join(err, conn.Close(ctx))
}

// Text returns the one text that a query answers in the database of the URL.
func (s *Server) Text(t testing.TB, url, query string, args ...any) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Within)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	var text string
	if err := conn.QueryRow(ctx, query, args...).Scan(&text); err != nil {
		t.Fatalf("query %q: %v", query, err)
	}
	return text
}

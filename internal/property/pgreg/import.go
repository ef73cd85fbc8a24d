// Import: what another registry holds takes the place of what is here.
package pgreg

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"tidemark/internal/postgres"
	"tidemark/internal/property"
)

var _ property.Importer = (*Registry)(nil)

// Import implements property.Importer, in one transaction. It is as good twice as once.
func (r *Registry) Import(ctx context.Context, s *property.Snapshot) error {
	err := r.db.ChangeAgain(ctx, func(ctx context.Context, tx pgx.Tx) error {
		// Salts must not lie in dead rows (PR3): the tables begin new files.
		if _, err := tx.Exec(ctx, `TRUNCATE property, data_stream, api_secret, read_key, member, setup_token, login, salt`); err != nil {
			return err
		}
		for _, t := range r.tablesOf(s) {
			if t.err != nil {
				return t.err
			}
			if _, err := tx.CopyFrom(ctx, pgx.Identifier{t.name}, t.columns, pgx.CopyFromRows(t.rows)); err != nil {
				return fmt.Errorf("table %s: %w", t.name, err)
			}
		}
		// The next member gets an id behind all that are taken.
		_, err := tx.Exec(ctx, `SELECT setval(pg_get_serial_sequence('member', 'id'), (SELECT coalesce(max(id), 0) + 1 FROM member), false)`)
		return err
	})
	if err != nil {
		return fmt.Errorf("import registry: %w", err)
	}
	return nil
}

// tableRows are the rows of one table, in an order in which what is referred to comes first.
type tableRows struct {
	name    string
	columns []string
	rows    [][]any
	err     error
}

func (r *Registry) tablesOf(s *property.Snapshot) []tableRows {
	properties := tableRows{name: "property", columns: []string{"id", "name", "time_zone", "currency", "session_timeout_ms", "key_events",
		"observed_users", "ignored_referrers", "channel_rules", "row_days", "version", "created"}}
	streams := tableRows{name: "data_stream", columns: []string{"measurement_id", "property", "name"}}
	for _, p := range s.Properties {
		keyEvents, referrers, err := encodeLists(p)
		if err != nil {
			properties.err = err
		}
		properties.rows = append(properties.rows, []any{int64(p.ID), p.Name, p.TimeZone, p.Currency, p.SessionTimeout.Milliseconds(), keyEvents,
			p.ObservedUsers, referrers, p.ChannelRules, int32(p.RowDays), int64(p.Version), p.Created.UnixMicro()})
		for _, m := range p.Streams {
			streams.rows = append(streams.rows, []any{m.MeasurementID, int64(p.ID), m.Name})
		}
	}
	secrets := rowsOf("api_secret", []string{"hash", "measurement_id", "created"}, s.Secrets,
		func(k property.KeptSecret) []any { return []any{k.Hash, k.MeasurementID, k.Created} })
	keys := rowsOf("read_key", []string{"hash", "property", "created"}, s.ReadKeys,
		func(k property.KeptReadKey) []any { return []any{k.Hash, k.Property, k.Created} })
	members := rowsOf("member", []string{"id", "email", "password", "created"}, s.Members,
		func(k property.KeptMember) []any { return []any{k.ID, k.Email, k.Password, k.Created} })
	tokens := rowsOf("setup_token", []string{"hash", "expires"}, s.Tokens,
		func(k property.KeptToken) []any { return []any{k.Hash, k.Expires} })
	logins := rowsOf("login", []string{"hash", "member", "created", "expires"}, s.Logins,
		func(k property.KeptLogin) []any { return []any{k.Hash, k.Member, k.Created, k.Expires} })
	salts := rowsOf("salt", []string{"day", "salt", "sealed", "expires"}, s.Salts, func(k property.KeptSalt) []any {
		kept, how := r.sealer.seal(k.Day, k.Salt)
		return []any{k.Day, kept, how, k.Expires}
	})
	return []tableRows{properties, streams, secrets, keys, members, tokens, logins, salts}
}

func rowsOf[T any](name string, columns []string, kept []T, row func(T) []any) tableRows {
	t := tableRows{name: name, columns: columns}
	for _, k := range kept {
		t.rows = append(t.rows, row(k))
	}
	return t
}

// Export implements property.Exporter.
func (r *Registry) Export(ctx context.Context) (s *property.Snapshot, err error) {
	err = r.db.ChangeAgain(ctx, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY`); err != nil {
			return err
		}
		s, err = r.export(ctx, tx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("export registry: %w", err)
	}
	return s, nil
}

func (r *Registry) export(ctx context.Context, q postgres.Querier) (*property.Snapshot, error) {
	s := &property.Snapshot{}
	var err error
	if s.Properties, err = selectProperties(ctx, q, `TRUE`); err != nil {
		return nil, err
	}
	if s.Secrets, err = all[property.KeptSecret](ctx, q, `SELECT hash, measurement_id, created FROM api_secret ORDER BY hash`); err != nil {
		return nil, err
	}
	if s.ReadKeys, err = all[property.KeptReadKey](ctx, q, `SELECT hash, property, created FROM read_key ORDER BY hash, property`); err != nil {
		return nil, err
	}
	if s.Members, err = all[property.KeptMember](ctx, q, `SELECT id, email, password, created FROM member ORDER BY id`); err != nil {
		return nil, err
	}
	if s.Tokens, err = all[property.KeptToken](ctx, q, `SELECT hash, expires FROM setup_token ORDER BY hash`); err != nil {
		return nil, err
	}
	if s.Logins, err = all[property.KeptLogin](ctx, q, `SELECT hash, member, created, expires FROM login ORDER BY hash`); err != nil {
		return nil, err
	}
	salts, err := all[keptSalt](ctx, q, `SELECT day, salt, sealed, expires FROM salt ORDER BY day`)
	for _, k := range salts {
		salt, err := r.sealer.open(k.Day, k.Salt, k.Sealed)
		if err != nil {
			return nil, err
		}
		s.Salts = append(s.Salts, property.KeptSalt{Day: k.Day, Salt: salt, Expires: k.Expires})
	}
	return s, err
}

// all reads the rows of a query; columns are in the order of T's fields.
func all[T any](ctx context.Context, q postgres.Querier, query string) ([]T, error) {
	rows, err := q.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[T])
	return slices.Clip(out), err
}

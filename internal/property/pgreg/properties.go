// Properties and data streams.
package pgreg

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"tidemark/internal/event"
	"tidemark/internal/postgres"
	"tidemark/internal/property"
	"tidemark/internal/property/secret"
)

// CreateProperty implements property.Registry.
func (r *Registry) CreateProperty(ctx context.Context, n property.NewProperty) (property.Property, property.Credentials, error) {
	p, err := n.Make()
	if err != nil {
		return property.Property{}, property.Credentials{}, fmt.Errorf("create property: %w", err)
	}
	if p.ID, err = secret.PropertyID(); err != nil {
		return property.Property{}, property.Credentials{}, err
	}
	p.Version = 1
	p.Created = time.UnixMicro(r.now()).UTC()
	p.Streams = []property.DataStream{{MeasurementID: secret.MeasurementID(), Name: p.Name}}
	c := property.Credentials{
		Property: p.ID, MeasurementID: p.Streams[0].MeasurementID,
		APISecret: secret.New(), ReadKey: secret.New(),
	}
	// An id that is taken fails the insert; one in 10^8 may say so to a person. So
	// does a connection that is lost during the commit: the property may be there then,
	// with keys that nobody has seen.
	err = r.db.Change(ctx, func(ctx context.Context, tx pgx.Tx) error { return insertProperty(ctx, tx, p, c) })
	if err != nil {
		return property.Property{}, property.Credentials{}, fmt.Errorf("create property: %w", err)
	}
	return p, c, nil
}

func insertProperty(ctx context.Context, tx pgx.Tx, p property.Property, c property.Credentials) error {
	keyEvents, referrers, err := encodeLists(p)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO property
		(id, name, time_zone, currency, session_timeout_ms, key_events, observed_users,
		 ignored_referrers, channel_rules, row_days, version, created)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		int64(p.ID), p.Name, p.TimeZone, p.Currency, p.SessionTimeout.Milliseconds(), keyEvents,
		p.ObservedUsers, referrers, p.ChannelRules, p.RowDays, int64(p.Version), p.Created.UnixMicro())
	if err != nil {
		return err
	}
	now := p.Created.UnixMicro()
	for _, s := range p.Streams {
		if _, err := tx.Exec(ctx, `INSERT INTO data_stream (measurement_id, property, name)
			VALUES ($1, $2, $3)`, s.MeasurementID, int64(p.ID), s.Name); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, `INSERT INTO api_secret (hash, measurement_id, created)
		VALUES ($1, $2, $3)`, secret.Digest(c.APISecret), c.MeasurementID, now); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO read_key (hash, property, created)
		VALUES ($1, $2, $3)`, secret.Digest(c.ReadKey), int64(p.ID), now)
	return err
}

// UpdateProperty implements property.Registry. The last of two writers wins.
func (r *Registry) UpdateProperty(ctx context.Context, p property.Property) (property.Property, error) {
	asked, err := p.Normal()
	if err != nil {
		return property.Property{}, fmt.Errorf("update property: %w", err)
	}
	var next property.Property
	// Twice is as good as once: the second time the settings are the same already.
	err = r.db.ChangeAgain(ctx, func(ctx context.Context, tx pgx.Tx) error {
		// The lock makes writers take their versions one after the other.
		if _, err := tx.Exec(ctx, `SELECT 1 FROM property WHERE id = $1 FOR UPDATE`, storedID(p.ID)); err != nil {
			return err
		}
		have, err := oneProperty(ctx, tx, `p.id = $1`, storedID(p.ID))
		if err != nil {
			return err
		}
		next = asked
		next.Created, next.Streams, next.Version = have.Created, have.Streams, have.Version
		if !next.SameSettings(have) {
			next.Version++
		} else if next.RowDays == have.RowDays {
			return nil
		}
		return writeSettings(ctx, tx, next)
	})
	if err != nil {
		return property.Property{}, fmt.Errorf("update property %s: %w", p.ID, err)
	}
	return next, nil
}

func writeSettings(ctx context.Context, tx pgx.Tx, p property.Property) error {
	keyEvents, referrers, err := encodeLists(p)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE property SET name = $1, time_zone = $2, currency = $3,
		session_timeout_ms = $4, key_events = $5, observed_users = $6, ignored_referrers = $7,
		channel_rules = $8, row_days = $9, version = $10 WHERE id = $11`,
		p.Name, p.TimeZone, p.Currency, p.SessionTimeout.Milliseconds(), keyEvents,
		p.ObservedUsers, referrers, p.ChannelRules, p.RowDays, int64(p.Version), int64(p.ID))
	return err
}

// Property implements property.Registry.
func (r *Registry) Property(ctx context.Context, id event.PropertyID) (property.Property, error) {
	p, err := r.askProperty(ctx, `p.id = $1`, storedID(id))
	if err != nil {
		return p, fmt.Errorf("read property %s: %w", id, err)
	}
	return p, nil
}

// PropertyOfStream implements property.Registry.
func (r *Registry) PropertyOfStream(ctx context.Context, measurementID string) (property.Property, error) {
	if !storable(measurementID) {
		return property.Property{}, fmt.Errorf("read property of stream: %w", property.ErrNotFound)
	}
	p, err := r.askProperty(ctx, `p.id = (SELECT property FROM data_stream WHERE measurement_id = $1)`, measurementID)
	if err != nil {
		return p, fmt.Errorf("read property of stream: %w", err)
	}
	return p, nil
}

// Properties implements property.Registry. They come by name, then id.
func (r *Registry) Properties(ctx context.Context) (ps []property.Property, err error) {
	err = r.db.Ask(ctx, func(ctx context.Context, q postgres.Querier) error {
		ps, err = selectProperties(ctx, q, `TRUE`)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list properties: %w", err)
	}
	return ps, nil
}

// Changes implements property.Registry. It reads one row by one prepared
// statement (PR1).
func (r *Registry) Changes(ctx context.Context) (uint64, error) {
	var n int64
	if err := r.askRow(ctx, []any{&n}, `SELECT number FROM change`); err != nil {
		return 0, fmt.Errorf("read change number: %w", err)
	}
	return uint64(n), nil
}

func (r *Registry) askProperty(ctx context.Context, where string, args ...any) (p property.Property, err error) {
	err = r.db.Ask(ctx, func(ctx context.Context, q postgres.Querier) error {
		p, err = oneProperty(ctx, q, where, args...)
		return err
	})
	return p, err
}

// askRow reads one row into dest. pgx.ErrNoRows if there is none.
func (r *Registry) askRow(ctx context.Context, dest []any, query string, args ...any) error {
	return r.db.Ask(ctx, func(ctx context.Context, q postgres.Querier) error {
		return q.QueryRow(ctx, query, args...).Scan(dest...)
	})
}

func oneProperty(ctx context.Context, q postgres.Querier, where string, args ...any) (property.Property, error) {
	ps, err := selectProperties(ctx, q, where, args...)
	if err != nil {
		return property.Property{}, err
	}
	if len(ps) == 0 {
		return property.Property{}, property.ErrNotFound
	}
	return ps[0], nil
}

// selectProperties reads properties and their streams in one statement, so
// that both are of one moment.
func selectProperties(ctx context.Context, q postgres.Querier, where string, args ...any) ([]property.Property, error) {
	rows, err := q.Query(ctx, `SELECT p.id, p.name, p.time_zone, p.currency,
		p.session_timeout_ms, p.key_events, p.observed_users, p.ignored_referrers,
		p.channel_rules, p.row_days, p.version, p.created, s.measurement_id, s.name
		FROM property p LEFT JOIN data_stream s ON s.property = p.id
		WHERE `+where+` ORDER BY p.name, p.id, s.measurement_id`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ps []property.Property
	for rows.Next() {
		p, stream, err := scanProperty(rows)
		if err != nil {
			return nil, err
		}
		if len(ps) == 0 || ps[len(ps)-1].ID != p.ID {
			ps = append(ps, p)
		}
		if stream.MeasurementID != "" {
			last := &ps[len(ps)-1]
			last.Streams = append(last.Streams, stream)
		}
	}
	return ps, rows.Err()
}

func scanProperty(rows pgx.Rows) (property.Property, property.DataStream, error) {
	var (
		p                        property.Property
		id, timeout, version, at int64
		keyEvents, referrers     string
		measurementID, name      *string
	)
	err := rows.Scan(&id, &p.Name, &p.TimeZone, &p.Currency, &timeout, &keyEvents, &p.ObservedUsers,
		&referrers, &p.ChannelRules, &p.RowDays, &version, &at, &measurementID, &name)
	if err != nil {
		return p, property.DataStream{}, err
	}
	p.ID, p.Version = event.PropertyID(id), uint64(version)
	p.SessionTimeout = time.Duration(timeout) * time.Millisecond
	p.Created = time.UnixMicro(at).UTC()
	err = errors.Join(json.Unmarshal([]byte(keyEvents), &p.KeyEvents),
		json.Unmarshal([]byte(referrers), &p.IgnoredReferrers))
	if err != nil {
		return p, property.DataStream{}, fmt.Errorf("read lists of property %s: %w", p.ID, err)
	}
	if measurementID == nil || name == nil { // a property without a stream
		return p, property.DataStream{}, nil
	}
	return p, property.DataStream{MeasurementID: *measurementID, Name: *name}, nil
}

func encodeLists(p property.Property) (keyEvents, referrers string, err error) {
	k, err1 := json.Marshal(p.KeyEvents)
	r, err2 := json.Marshal(p.IgnoredReferrers)
	return string(k), string(r), errors.Join(err1, err2)
}

// storedID maps ids that PostgreSQL cannot hold to one that no property has.
func storedID(id event.PropertyID) int64 {
	if id > math.MaxInt64 {
		return -1
	}
	return int64(id)
}

// Properties, data streams, API secrets and read keys.
package sqlreg

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/property"
	"tidemark/internal/property/secret"
)

// CreateProperty implements property.Registry.
func (d *DB) CreateProperty(ctx context.Context, n property.NewProperty) (property.Property, property.Credentials, error) {
	p, err := n.Make()
	if err != nil {
		return property.Property{}, property.Credentials{}, fmt.Errorf("create property: %w", err)
	}
	if p.ID, err = secret.PropertyID(); err != nil {
		return property.Property{}, property.Credentials{}, err
	}
	p.Version = 1
	p.Created = time.UnixMicro(d.now()).UTC()
	p.Streams = []property.DataStream{{MeasurementID: secret.MeasurementID(), Name: p.Name}}
	c := property.Credentials{
		Property: p.ID, MeasurementID: p.Streams[0].MeasurementID,
		APISecret: secret.New(), ReadKey: secret.New(),
	}
	// An id that is taken fails the insert; one in 10^8 may say so to a person.
	if err := d.update(ctx, func(tx *sql.Tx) error { return insertProperty(ctx, tx, p, c) }); err != nil {
		return property.Property{}, property.Credentials{}, fmt.Errorf("create property: %w", err)
	}
	return p, c, nil
}

func insertProperty(ctx context.Context, tx *sql.Tx, p property.Property, c property.Credentials) error {
	keyEvents, referrers, err := encodeLists(p)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO property
		(id, name, time_zone, currency, session_timeout_ms, key_events, observed_users,
		 ignored_referrers, channel_rules, row_days, version, created)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		int64(p.ID), p.Name, p.TimeZone, p.Currency, p.SessionTimeout.Milliseconds(), keyEvents,
		p.ObservedUsers, referrers, p.ChannelRules, p.RowDays, int64(p.Version), p.Created.UnixMicro())
	if err != nil {
		return err
	}
	now := p.Created.UnixMicro()
	for _, s := range p.Streams {
		if _, err := tx.ExecContext(ctx, `INSERT INTO data_stream (measurement_id, property, name)
			VALUES (?, ?, ?)`, s.MeasurementID, int64(p.ID), s.Name); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO api_secret (hash, measurement_id, created)
		VALUES (?, ?, ?)`, secret.Digest(c.APISecret), c.MeasurementID, now); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO read_key (hash, property, created)
		VALUES (?, ?, ?)`, secret.Digest(c.ReadKey), int64(p.ID), now)
	return err
}

// UpdateProperty implements property.Registry. The last of two writers wins.
func (d *DB) UpdateProperty(ctx context.Context, p property.Property) (property.Property, error) {
	next, err := p.Normal()
	if err != nil {
		return property.Property{}, fmt.Errorf("update property: %w", err)
	}
	err = d.update(ctx, func(tx *sql.Tx) error {
		have, err := oneProperty(ctx, tx, `p.id = ?`, storedID(p.ID))
		if err != nil {
			return err
		}
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

func writeSettings(ctx context.Context, tx *sql.Tx, p property.Property) error {
	keyEvents, referrers, err := encodeLists(p)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE property SET name = ?, time_zone = ?, currency = ?,
		session_timeout_ms = ?, key_events = ?, observed_users = ?, ignored_referrers = ?,
		channel_rules = ?, row_days = ?, version = ? WHERE id = ?`,
		p.Name, p.TimeZone, p.Currency, p.SessionTimeout.Milliseconds(), keyEvents,
		p.ObservedUsers, referrers, p.ChannelRules, p.RowDays, int64(p.Version), int64(p.ID))
	return err
}

// Property implements property.Registry.
func (d *DB) Property(ctx context.Context, id event.PropertyID) (property.Property, error) {
	p, err := oneProperty(ctx, d.read, `p.id = ?`, storedID(id))
	if err != nil {
		return p, fmt.Errorf("read property %s: %w", id, err)
	}
	return p, nil
}

// PropertyOfStream implements property.Registry.
func (d *DB) PropertyOfStream(ctx context.Context, measurementID string) (property.Property, error) {
	p, err := oneProperty(ctx, d.read,
		`p.id = (SELECT property FROM data_stream WHERE measurement_id = ?)`, measurementID)
	if err != nil {
		return p, fmt.Errorf("read property of stream: %w", err)
	}
	return p, nil
}

// Properties implements property.Registry. They come by name, then id.
func (d *DB) Properties(ctx context.Context) ([]property.Property, error) {
	ps, err := selectProperties(ctx, d.read, `TRUE`)
	if err != nil {
		return nil, fmt.Errorf("list properties: %w", err)
	}
	return ps, nil
}

// CheckAPISecret implements property.Registry. The hash is looked up, so the
// time it takes tells nothing about the secret.
func (d *DB) CheckAPISecret(ctx context.Context, measurementID, given string) (bool, error) {
	var ok bool
	err := d.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM api_secret
		WHERE hash = ? AND measurement_id = ?)`, secret.Digest(given), measurementID).Scan(&ok)
	if err != nil {
		return false, fmt.Errorf("check api secret: %w", err)
	}
	return ok, nil
}

// PropertiesOfReadKey implements property.Registry.
func (d *DB) PropertiesOfReadKey(ctx context.Context, readKey string) ([]event.PropertyID, error) {
	ids, err := d.ids(ctx, `SELECT property FROM read_key WHERE hash = ? ORDER BY property`, secret.Digest(readKey))
	if err == nil && len(ids) == 0 {
		err = property.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	return ids, nil
}

// Changes implements property.Registry.
func (d *DB) Changes(ctx context.Context) (uint64, error) {
	var n int64
	if err := d.read.QueryRowContext(ctx, `SELECT number FROM change`).Scan(&n); err != nil {
		return 0, fmt.Errorf("read change number: %w", err)
	}
	return uint64(n), nil
}

func (d *DB) ids(ctx context.Context, query string, args ...any) ([]event.PropertyID, error) {
	rows, err := d.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ids []event.PropertyID
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, event.PropertyID(id))
	}
	return ids, rows.Err()
}

// querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func oneProperty(ctx context.Context, q querier, where string, args ...any) (property.Property, error) {
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
func selectProperties(ctx context.Context, q querier, where string, args ...any) ([]property.Property, error) {
	rows, err := q.QueryContext(ctx, `SELECT p.id, p.name, p.time_zone, p.currency,
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

func scanProperty(rows *sql.Rows) (property.Property, property.DataStream, error) {
	var (
		p                        property.Property
		id, timeout, version, at int64
		keyEvents, referrers     string
		measurementID, name      sql.NullString
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
	return p, property.DataStream{MeasurementID: measurementID.String, Name: name.String}, nil
}

func encodeLists(p property.Property) (keyEvents, referrers string, err error) {
	k, err1 := json.Marshal(p.KeyEvents)
	r, err2 := json.Marshal(p.IgnoredReferrers)
	return string(k), string(r), errors.Join(err1, err2)
}

// storedID maps ids that SQLite cannot hold to one that no property has.
func storedID(id event.PropertyID) int64 {
	if id > math.MaxInt64 {
		return -1
	}
	return int64(id)
}

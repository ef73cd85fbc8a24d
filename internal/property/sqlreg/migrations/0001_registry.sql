-- The registry: properties, data streams and keys, members and logins, salts.
-- Times are microseconds since 1970 in UTC. Lists are JSON arrays of text.

-- +goose Up
CREATE TABLE property (
	id                INTEGER PRIMARY KEY,
	name              TEXT    NOT NULL,
	time_zone         TEXT    NOT NULL,
	currency          TEXT    NOT NULL,
	session_timeout_ms INTEGER NOT NULL,
	key_events        TEXT    NOT NULL,
	observed_users    INTEGER NOT NULL,
	ignored_referrers TEXT    NOT NULL,
	channel_rules     TEXT    NOT NULL,
	version           INTEGER NOT NULL,
	created           INTEGER NOT NULL
) STRICT;

CREATE TABLE data_stream (
	measurement_id TEXT    PRIMARY KEY,
	property       INTEGER NOT NULL REFERENCES property (id),
	name           TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX data_stream_property ON data_stream (property);

CREATE TABLE api_secret (
	hash           BLOB    PRIMARY KEY,
	measurement_id TEXT    NOT NULL REFERENCES data_stream (measurement_id),
	created        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE read_key (
	hash     BLOB    NOT NULL,
	property INTEGER NOT NULL REFERENCES property (id),
	created  INTEGER NOT NULL,
	PRIMARY KEY (hash, property)
) STRICT, WITHOUT ROWID;

CREATE TABLE member (
	id       INTEGER PRIMARY KEY AUTOINCREMENT,
	email    TEXT    NOT NULL UNIQUE,
	password TEXT    NOT NULL,
	created  INTEGER NOT NULL
) STRICT;

CREATE TABLE setup_token (
	hash    BLOB    PRIMARY KEY,
	expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE login (
	hash    BLOB    PRIMARY KEY,
	member  INTEGER NOT NULL REFERENCES member (id) ON DELETE CASCADE,
	created INTEGER NOT NULL,
	expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX login_member ON login (member, created);

CREATE TABLE salt (
	day     TEXT    PRIMARY KEY,
	salt    BLOB    NOT NULL,
	expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One row. Triggers move it, so that a change made by hand counts too.
CREATE TABLE change (
	id     INTEGER PRIMARY KEY CHECK (id = 1),
	number INTEGER NOT NULL
) STRICT;
INSERT INTO change (id, number) VALUES (1, 1);

-- +goose StatementBegin
CREATE TRIGGER property_made AFTER INSERT ON property BEGIN
	UPDATE change SET number = number + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER property_changed AFTER UPDATE ON property BEGIN
	UPDATE change SET number = number + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER property_gone AFTER DELETE ON property BEGIN
	UPDATE change SET number = number + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER data_stream_made AFTER INSERT ON data_stream BEGIN
	UPDATE change SET number = number + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER data_stream_changed AFTER UPDATE ON data_stream BEGIN
	UPDATE change SET number = number + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER data_stream_gone AFTER DELETE ON data_stream BEGIN
	UPDATE change SET number = number + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER api_secret_made AFTER INSERT ON api_secret BEGIN
	UPDATE change SET number = number + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER api_secret_gone AFTER DELETE ON api_secret BEGIN
	UPDATE change SET number = number + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER read_key_made AFTER INSERT ON read_key BEGIN
	UPDATE change SET number = number + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER read_key_gone AFTER DELETE ON read_key BEGIN
	UPDATE change SET number = number + 1;
END;
-- +goose StatementEnd

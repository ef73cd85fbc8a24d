-- The registry: properties, data streams and keys, members and logins, salts.
-- Times are microseconds since 1970 in UTC, by the clock of the node that
-- wrote. Lists are JSON arrays of text. Names sort by their bytes, as in SQLite.

-- +goose Up
CREATE TABLE property (
	id                 bigint  PRIMARY KEY,
	name               text    NOT NULL COLLATE "C",
	time_zone          text    NOT NULL,
	currency           text    NOT NULL,
	session_timeout_ms bigint  NOT NULL,
	key_events         text    NOT NULL,
	observed_users     boolean NOT NULL,
	ignored_referrers  text    NOT NULL,
	channel_rules      text    NOT NULL,
	row_days           integer NOT NULL,
	version            bigint  NOT NULL,
	created            bigint  NOT NULL
);

CREATE TABLE data_stream (
	measurement_id text   PRIMARY KEY COLLATE "C",
	property       bigint NOT NULL REFERENCES property (id),
	name           text   NOT NULL
);
CREATE INDEX data_stream_property ON data_stream (property);

CREATE TABLE api_secret (
	hash           bytea  PRIMARY KEY,
	measurement_id text   NOT NULL REFERENCES data_stream (measurement_id),
	created        bigint NOT NULL
);

CREATE TABLE read_key (
	hash     bytea  NOT NULL,
	property bigint NOT NULL REFERENCES property (id),
	created  bigint NOT NULL,
	PRIMARY KEY (hash, property)
);

CREATE TABLE member (
	id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	email    text   NOT NULL UNIQUE,
	password text   NOT NULL,
	created  bigint NOT NULL
);

CREATE TABLE setup_token (
	hash    bytea  PRIMARY KEY,
	expires bigint NOT NULL
);

CREATE TABLE login (
	hash    bytea  PRIMARY KEY,
	member  bigint NOT NULL REFERENCES member (id) ON DELETE CASCADE,
	created bigint NOT NULL,
	expires bigint NOT NULL
);
CREATE INDEX login_member ON login (member, created);

-- sealed says how salt is to be read: 0 as it lies, 1 sealed under a key that
-- is not in the database.
CREATE TABLE salt (
	day     text     PRIMARY KEY,
	salt    bytea    NOT NULL,
	sealed  smallint NOT NULL,
	expires bigint   NOT NULL
);

-- One row. Triggers move it, so that a change made by hand counts too. It is a
-- row and not a sequence: a sequence moves before the change can be seen, and
-- who asked in between would never look again.
CREATE TABLE change (
	id     integer PRIMARY KEY CHECK (id = 1),
	number bigint  NOT NULL
);
INSERT INTO change (id, number) VALUES (1, 1);

-- +goose StatementBegin
CREATE FUNCTION move_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	UPDATE change SET number = number + 1;
	RETURN NULL;
END
$$;
-- +goose StatementEnd

CREATE TRIGGER property_change AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON property
	FOR EACH STATEMENT EXECUTE FUNCTION move_change();
CREATE TRIGGER data_stream_change AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON data_stream
	FOR EACH STATEMENT EXECUTE FUNCTION move_change();
CREATE TRIGGER api_secret_change AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON api_secret
	FOR EACH STATEMENT EXECUTE FUNCTION move_change();
CREATE TRIGGER read_key_change AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON read_key
	FOR EACH STATEMENT EXECUTE FUNCTION move_change();

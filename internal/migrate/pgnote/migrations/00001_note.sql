-- What the cluster remembers of an installation that moves into it: one row, or none.

-- +goose Up
CREATE TABLE move_note (
	id     integer PRIMARY KEY CHECK (id = 1),
	origin text    NOT NULL,
	stage  text    NOT NULL
);

-- The nodes of the installation. There is no time here, on purpose: whether a
-- lease lives is judged by whoever sees renewals move, on a clock that never jumps.

-- +goose Up
CREATE SEQUENCE node_incarnation;

CREATE TABLE node (
	id          text   PRIMARY KEY COLLATE "C",
	incarnation bigint NOT NULL,
	renewals    bigint NOT NULL,
	roles       text[] NOT NULL,
	address     text   NOT NULL,
	metadata    jsonb  NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- Who owns the partitions of the log, and what batches they insert.

-- +goose Up
-- The row of a partition is what Acquire, Begin, Save and Done lock: they happen
-- one after the other.
CREATE TABLE intent_partition (
	partition integer PRIMARY KEY,
	epoch     bigint  NOT NULL CHECK (epoch > 0),
	owner     text    NOT NULL
);

CREATE TABLE intent (
	partition   integer NOT NULL REFERENCES intent_partition (partition),
	seq         bigint  NOT NULL CHECK (seq > 0),
	epoch       bigint  NOT NULL CHECK (epoch > 0),
	from_offset bigint  NOT NULL CHECK (from_offset >= 0),
	to_offset   bigint  NOT NULL CHECK (to_offset > from_offset),
	state       text    NOT NULL,
	saved       boolean NOT NULL,
	done        boolean NOT NULL CHECK (saved OR NOT done),
	PRIMARY KEY (partition, seq)
);
-- I3 once more, by the database.
CREATE UNIQUE INDEX intent_open ON intent (partition) WHERE NOT done;

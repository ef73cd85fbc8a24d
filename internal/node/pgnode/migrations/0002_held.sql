-- What nodes hold that was accepted and that no log has yet. It has no key into node: a lease may end
-- while what the node held is still on its disk.

-- +goose Up
CREATE TABLE node_held (
	id        text   PRIMARY KEY COLLATE "C",
	oldest_us bigint NOT NULL -- microseconds since 1970, by the clock of the node
);

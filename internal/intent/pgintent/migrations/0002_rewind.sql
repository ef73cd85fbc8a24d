-- A partition that begins again does so with a batch that is done and has no records.

-- +goose Up
ALTER TABLE intent DROP CONSTRAINT intent_check;
ALTER TABLE intent ADD CONSTRAINT intent_offsets CHECK (to_offset > from_offset OR to_offset = from_offset AND done);

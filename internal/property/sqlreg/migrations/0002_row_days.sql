-- For how many days a property keeps rows; 0 is for ever, as it was before.

-- +goose Up
ALTER TABLE property ADD COLUMN row_days INTEGER NOT NULL DEFAULT 0;

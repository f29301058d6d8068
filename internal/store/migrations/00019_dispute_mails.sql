-- +goose Up
-- The version of a dispute the merchant was last told of by mail: a mail about an older one that still waits is not sent any more.
ALTER TABLE disputes ADD COLUMN told_version bigint NOT NULL DEFAULT 0;

-- +goose Up
-- When the gateway is asked next about a charge that waits for its customer: the message that they answered may be lost. Real time; the
-- lease beside it says when the charge is given up.
ALTER TABLE attempts ADD COLUMN look_at {{.Time}};
CREATE INDEX attempts_look ON attempts (merchant_id, look_at) WHERE look_at IS NOT NULL;

-- +goose Up
-- What the credit note of a refund takes back, where that is not all of its lines: an earlier note stands for a part. Null for chargebacks,
-- which have no note, and for refunds from before, whose notes take back their lines.
ALTER TABLE refunds ADD COLUMN noted {{.JSON}};

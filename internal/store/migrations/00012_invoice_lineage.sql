-- +goose Up
-- Which document took the place of which, how often it was corrected, what its content hashes to, and which version its content is of.

ALTER TABLE invoices ADD COLUMN replaced_by {{.ID}};
-- The invoice a credit note belongs to; null for credit notes from before.
ALTER TABLE invoices ADD COLUMN credits {{.ID}};
ALTER TABLE invoices ADD COLUMN corrections bigint NOT NULL DEFAULT 0;
ALTER TABLE invoices ADD COLUMN content_version bigint NOT NULL DEFAULT 1;
ALTER TABLE invoices ADD COLUMN hash text NOT NULL DEFAULT '';
-- What was drawn until now was drawn for the row's version.
UPDATE invoices SET content_version = version;

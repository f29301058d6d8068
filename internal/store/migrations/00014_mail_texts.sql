-- +goose Up
-- What merchants word themselves in their mails, by language.

CREATE TABLE mail_texts (
  merchant_id {{.ID}} NOT NULL REFERENCES merchants (id),
  locale text NOT NULL,
  texts {{.JSON}} NOT NULL,
  version bigint NOT NULL,
  updated_at {{.Time}} NOT NULL,
  PRIMARY KEY (merchant_id, locale)
);

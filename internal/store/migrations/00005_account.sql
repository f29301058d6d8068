-- +goose Up
-- Links merchants mint, and addresses customers change.

-- Every portal session so far came with a mail.
ALTER TABLE portal_sessions ADD COLUMN origin text NOT NULL DEFAULT 'mail';
ALTER TABLE portal_sessions ADD COLUMN return_url text NOT NULL DEFAULT '';
ALTER TABLE portal_sessions ADD COLUMN locale text NOT NULL DEFAULT '';
ALTER TABLE portal_sessions ADD COLUMN session_id {{.ID}};
ALTER TABLE portal_sessions ADD COLUMN revoked_at {{.Time}};
CREATE INDEX portal_sessions_list ON portal_sessions (merchant_id, origin, created_at, id);
CREATE INDEX portal_sessions_of ON portal_sessions (merchant_id, customer_id, origin, created_at, id);

-- The language a link was made in; the customer's own choice goes before it.
ALTER TABLE sessions ADD COLUMN locale text NOT NULL DEFAULT '';

-- used_at is also when another sign-in ended it.
ALTER TABLE sign_ins ADD COLUMN completed_at {{.Time}};
CREATE INDEX sign_ins_list ON sign_ins (merchant_id, customer_id, created_at, id);

CREATE TABLE email_changes (
  id {{.ID}} NOT NULL PRIMARY KEY,
  merchant_id {{.ID}} NOT NULL,
  customer_id {{.ID}} NOT NULL,
  session_id {{.ID}} NOT NULL,
  email text NOT NULL,
  email_key text NOT NULL,
  -- The address when it was asked for, and from completed_at on the one that was replaced: where notices go.
  previous_email text NOT NULL,
  nonce {{.Bytes}} NOT NULL,
  token_hash {{.Bytes}} NOT NULL UNIQUE,
  locale text NOT NULL,
  silent boolean NOT NULL,
  created_at {{.Time}} NOT NULL,
  expires_at {{.Time}} NOT NULL,
  used_at {{.Time}},
  completed_at {{.Time}},
  FOREIGN KEY (merchant_id, customer_id) REFERENCES customers (merchant_id, id)
);
CREATE INDEX email_changes_list ON email_changes (merchant_id, customer_id, created_at, id);
CREATE INDEX email_changes_created ON email_changes (created_at);

-- The export reads a customer's cancellations page by page.
CREATE INDEX cancellations_list ON cancellations (merchant_id, customer_id, created_at, id);

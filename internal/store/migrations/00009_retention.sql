-- +goose Up
-- Cancelling well: the merchant's rules, what was offered and answered, receipts, evidence, and the numbers.

-- An end that was declared for a moment of its own: no charge that is declined brings it forward.
ALTER TABLE subscriptions ADD COLUMN scheduled_firm boolean NOT NULL DEFAULT false;

-- What a cancellation gathers on its way; null for those made before.
ALTER TABLE cancellations ADD COLUMN course {{.JSON}};
ALTER TABLE cancellations ADD COLUMN due_at {{.Time}};
-- One unfinished cancellation of a subscription, with an offer on the table or without.
DROP INDEX cancellations_open;
CREATE UNIQUE INDEX cancellations_unfinished ON cancellations (merchant_id, subscription_id) WHERE state IN ('open', 'offered');
CREATE INDEX cancellations_due ON cancellations (merchant_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX cancellations_of_merchant ON cancellations (merchant_id, created_at, id);

CREATE TABLE retention_settings (
  merchant_id {{.ID}} NOT NULL PRIMARY KEY REFERENCES merchants (id),
  settings {{.JSON}} NOT NULL,
  version bigint NOT NULL,
  updated_at {{.Time}} NOT NULL
);

CREATE TABLE offers (
  id {{.ID}} NOT NULL PRIMARY KEY,
  merchant_id {{.ID}} NOT NULL,
  customer_id {{.ID}} NOT NULL,
  subscription_id {{.ID}} NOT NULL REFERENCES subscriptions (id),
  cancellation_id {{.ID}} NOT NULL REFERENCES cancellations (id),
  rule text NOT NULL,
  type text NOT NULL,
  state text NOT NULL CHECK (state IN ('open', 'accepted', 'declined', 'expired', 'failed')),
  details {{.JSON}} NOT NULL,
  created_at {{.Time}} NOT NULL,
  expires_at {{.Time}} NOT NULL,
  decided_at {{.Time}},
  version bigint NOT NULL,
  FOREIGN KEY (merchant_id, customer_id) REFERENCES customers (merchant_id, id)
);
CREATE INDEX offers_cancellation ON offers (cancellation_id, merchant_id, created_at, id);
CREATE INDEX offers_subscription ON offers (subscription_id);
-- What a customer has accepted or can accept: cooldowns and caps are counted from it.
CREATE INDEX offers_customer ON offers (merchant_id, customer_id, state, created_at, id);
-- Whatever else goes wrong, a cancellation has one offer on the table and is saved once.
CREATE UNIQUE INDEX offers_open ON offers (cancellation_id) WHERE state = 'open';
CREATE UNIQUE INDEX offers_accepted ON offers (cancellation_id) WHERE state = 'accepted';

-- How much of the rules' budgets is used, by offers that are open or were accepted.
CREATE TABLE offer_budgets (
  merchant_id {{.ID}} NOT NULL REFERENCES merchants (id),
  rule text NOT NULL,
  -- How many offers of the rule are open or were accepted.
  made bigint NOT NULL CHECK (made >= 0),
  amount bigint NOT NULL CHECK (amount >= 0),
  PRIMARY KEY (merchant_id, rule)
);

-- What somebody who declared to leave can keep, and what they were shown and answered: written once.
CREATE TABLE receipts (
  -- The cancellation, notice or withdrawal it is the receipt of.
  id {{.ID}} NOT NULL PRIMARY KEY,
  merchant_id {{.ID}} NOT NULL REFERENCES merchants (id),
  customer_id {{.ID}},
  kind text NOT NULL,
  locale text NOT NULL,
  content {{.JSON}} NOT NULL,
  hash text NOT NULL,
  created_at {{.Time}} NOT NULL
);
CREATE INDEX receipts_customer ON receipts (merchant_id, customer_id, created_at, id);

-- Receipts as they were drawn: the same bytes for everybody who asks in a language.
CREATE TABLE receipt_files (
  merchant_id {{.ID}} NOT NULL REFERENCES merchants (id),
  receipt_id {{.ID}} NOT NULL REFERENCES receipts (id),
  locale text NOT NULL,
  content {{.Bytes}} NOT NULL,
  PRIMARY KEY (merchant_id, receipt_id, locale)
);
CREATE INDEX receipt_files_receipt ON receipt_files (receipt_id);

CREATE TABLE evidence (
  id {{.ID}} NOT NULL PRIMARY KEY,
  merchant_id {{.ID}} NOT NULL REFERENCES merchants (id),
  subject_id {{.ID}} NOT NULL,
  kind text NOT NULL,
  actor_kind text NOT NULL,
  shown {{.JSON}} NOT NULL,
  answers {{.JSON}} NOT NULL,
  created_at {{.Time}} NOT NULL
);
CREATE INDEX evidence_subject ON evidence (merchant_id, subject_id, created_at, id);

-- What the insights are read from: sums over cancellations, kept with every change of one.
CREATE TABLE retention_tallies (
  merchant_id {{.ID}} NOT NULL REFERENCES merchants (id),
  day text NOT NULL,
  product_id text NOT NULL,
  country text NOT NULL,
  currency text NOT NULL,
  reason text NOT NULL,
  rule text NOT NULL,
  offer_type text NOT NULL,
  offer_group text NOT NULL,
  started bigint NOT NULL,
  saved bigint NOT NULL,
  canceled bigint NOT NULL,
  abandoned bigint NOT NULL,
  undone bigint NOT NULL,
  revenue_at_stake bigint NOT NULL,
  revenue_kept bigint NOT NULL,
  looked_30 bigint NOT NULL,
  there_30 bigint NOT NULL,
  saved_looked_30 bigint NOT NULL,
  saved_there_30 bigint NOT NULL,
  looked_60 bigint NOT NULL,
  there_60 bigint NOT NULL,
  saved_looked_60 bigint NOT NULL,
  saved_there_60 bigint NOT NULL,
  looked_90 bigint NOT NULL,
  there_90 bigint NOT NULL,
  saved_looked_90 bigint NOT NULL,
  saved_there_90 bigint NOT NULL,
  PRIMARY KEY (merchant_id, day, product_id, country, currency, reason, rule, offer_type, offer_group)
);
{{if .Postgres}}
CREATE TRIGGER receipts_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON receipts FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER evidence_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON evidence FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
REVOKE UPDATE, DELETE, TRUNCATE ON receipts, evidence FROM PUBLIC, CURRENT_USER;
{{else}}
-- +goose StatementBegin
CREATE TRIGGER receipts_no_update BEFORE UPDATE ON receipts BEGIN SELECT RAISE(ABORT, 'receipts are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER receipts_no_delete BEFORE DELETE ON receipts BEGIN SELECT RAISE(ABORT, 'receipts are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER evidence_no_update BEFORE UPDATE ON evidence BEGIN SELECT RAISE(ABORT, 'evidence is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER evidence_no_delete BEFORE DELETE ON evidence BEGIN SELECT RAISE(ABORT, 'evidence is append-only'); END;
-- +goose StatementEnd
{{end}}

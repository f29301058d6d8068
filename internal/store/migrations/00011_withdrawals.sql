-- +goose Up
-- Withdrawals from contracts within the time the law gives: what was declared, and what is given back.

CREATE TABLE withdrawals (
  id {{.ID}} NOT NULL PRIMARY KEY,
  merchant_id {{.ID}} NOT NULL,
  customer_id {{.ID}} NOT NULL,
  subscription_id {{.ID}} NOT NULL REFERENCES subscriptions (id),
  state text NOT NULL CHECK (state IN ('open', 'confirmed', 'completed', 'failed', 'expired', 'dismissed')),
  declared_at {{.Time}},
  ends_at {{.Time}} NOT NULL,
  undoing {{.JSON}} NOT NULL,
  due_at {{.Time}},
  created_at {{.Time}} NOT NULL,
  updated_at {{.Time}} NOT NULL,
  version bigint NOT NULL,
  FOREIGN KEY (merchant_id, customer_id) REFERENCES customers (merchant_id, id)
);
-- A contract is undone once, however often that is tried at the same time.
CREATE UNIQUE INDEX withdrawals_current ON withdrawals (merchant_id, subscription_id) WHERE state IN ('open', 'confirmed', 'completed', 'failed');
CREATE INDEX withdrawals_subscription ON withdrawals (subscription_id);
CREATE INDEX withdrawals_customer ON withdrawals (merchant_id, customer_id, created_at, id);
CREATE INDEX withdrawals_of_merchant ON withdrawals (merchant_id, created_at, id);
CREATE INDEX withdrawals_due ON withdrawals (merchant_id, due_at) WHERE due_at IS NOT NULL;

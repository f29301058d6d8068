-- +goose Up
-- What people declare without signing in.

CREATE TABLE notices (
  id {{.ID}} NOT NULL PRIMARY KEY,
  merchant_id {{.ID}} NOT NULL REFERENCES merchants (id),
  -- Whose and which it is; null until that is known.
  customer_id {{.ID}},
  subscription_id {{.ID}} REFERENCES subscriptions (id),
  kind text NOT NULL CHECK (kind IN ('cancellation', 'withdrawal')),
  state text NOT NULL CHECK (state IN ('received', 'matched', 'unmatched', 'ambiguous', 'resolved', 'dismissed')),
  details {{.JSON}} NOT NULL,
  received_at {{.Time}} NOT NULL,
  updated_at {{.Time}} NOT NULL,
  version bigint NOT NULL,
  FOREIGN KEY (merchant_id, customer_id) REFERENCES customers (merchant_id, id)
);
CREATE INDEX notices_of_merchant ON notices (merchant_id, received_at, id);
-- What waits for the merchant.
CREATE INDEX notices_state ON notices (merchant_id, state, received_at, id);
CREATE INDEX notices_customer ON notices (merchant_id, customer_id, received_at, id);
CREATE INDEX notices_subscription ON notices (subscription_id);

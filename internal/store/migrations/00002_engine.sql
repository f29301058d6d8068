-- +goose Up
-- The engine: what falls due, what is being charged, what must be told.

-- A merchant's clock is the real one plus this; only a sandbox merchant's is moved. Microseconds.
ALTER TABLE merchants ADD COLUMN clock_offset bigint NOT NULL DEFAULT 0;

ALTER TABLE payment_methods ADD COLUMN sealed_token {{.Bytes}};
-- A MAC of what the gateway calls the card's fingerprint: the same card entered again is recognised, nobody can reverse it.
ALTER TABLE payment_methods ADD COLUMN fingerprint {{.Bytes}};
-- When the customer is told that it expires; null when told or when it never does.
ALTER TABLE payment_methods ADD COLUMN notice_at {{.Time}};
CREATE INDEX payment_methods_notice ON payment_methods (merchant_id, notice_at) WHERE notice_at IS NOT NULL;

CREATE TABLE payment_method_setups (
  id {{.ID}} NOT NULL PRIMARY KEY,
  merchant_id {{.ID}} NOT NULL,
  customer_id {{.ID}} NOT NULL,
  gateway text NOT NULL,
  reference text NOT NULL,
  payment_method_id {{.ID}},
  created_at {{.Time}} NOT NULL,
  FOREIGN KEY (merchant_id, customer_id) REFERENCES customers (merchant_id, id)
);
CREATE INDEX payment_method_setups_customer ON payment_method_setups (merchant_id, customer_id);
CREATE INDEX payment_method_setups_created ON payment_method_setups (created_at);

-- Who owns the subscription: 'native' is Foyer's own engine, '' a system it was imported from.
ALTER TABLE subscriptions ADD COLUMN provider text NOT NULL DEFAULT '';
ALTER TABLE subscriptions ADD COLUMN anchor_at {{.Time}};
-- Items and cycle that replace the present ones at the end of the period.
ALTER TABLE subscriptions ADD COLUMN pending {{.JSON}};
-- The payment being charged now whose outcome decides what the subscription becomes, and the one that is past due.
ALTER TABLE subscriptions ADD COLUMN open_payment_id {{.ID}};
ALTER TABLE subscriptions ADD COLUMN debt_id {{.ID}};
ALTER TABLE subscriptions ADD COLUMN remind_at {{.Time}};
ALTER TABLE subscriptions ADD COLUMN billing_details {{.JSON}};
-- When the engine has something to do; the one column it scans.
ALTER TABLE subscriptions ADD COLUMN due_at {{.Time}};
CREATE INDEX subscriptions_due ON subscriptions (merchant_id, due_at) WHERE due_at IS NOT NULL;

ALTER TABLE payments ADD COLUMN payment_method_id {{.ID}};
-- What happens to the subscription when the payment is paid.
ALTER TABLE payments ADD COLUMN effect {{.JSON}};
ALTER TABLE payments ADD COLUMN failed_at {{.Time}};
ALTER TABLE payments ADD COLUMN tries bigint NOT NULL DEFAULT 0;
-- When it is tried again, or becomes past due when it is collected by invoice.
ALTER TABLE payments ADD COLUMN due_at {{.Time}};
CREATE INDEX payments_due ON payments (merchant_id, due_at) WHERE due_at IS NOT NULL;
-- One bill for one period, whatever two workers think.
CREATE UNIQUE INDEX payments_period ON payments (merchant_id, subscription_id, period_starts_at)
  WHERE origin = 'subscription_recurring' AND effect IS NOT NULL AND status <> 'canceled';

ALTER TABLE attempts ADD COLUMN gateway text NOT NULL DEFAULT '';
ALTER TABLE attempts ADD COLUMN payment_method_id {{.ID}};
-- Which call made it: a repeat after a crash finds its own attempt.
ALTER TABLE attempts ADD COLUMN command text NOT NULL DEFAULT '';
ALTER TABLE attempts ADD COLUMN on_session boolean NOT NULL DEFAULT false;
-- Until then its worker is asking the gateway; afterwards anybody looks up what became of it. Real time.
ALTER TABLE attempts ADD COLUMN leased_until {{.Time}};
ALTER TABLE attempts ADD COLUMN sealed_action {{.Bytes}};
-- One attempt at a time: fifty clicks make one charge.
CREATE UNIQUE INDEX attempts_open ON attempts (merchant_id, payment_id) WHERE leased_until IS NOT NULL;
CREATE INDEX attempts_leased ON attempts (merchant_id, leased_until) WHERE leased_until IS NOT NULL;
CREATE INDEX attempts_command ON attempts (merchant_id, command) WHERE command <> '';

ALTER TABLE refunds ADD COLUMN leased_until {{.Time}};
ALTER TABLE refunds ADD COLUMN charge text NOT NULL DEFAULT '';
CREATE INDEX refunds_leased ON refunds (merchant_id, leased_until) WHERE leased_until IS NOT NULL;

-- Gapless numbers: the row is locked by the transaction that writes the documents.
CREATE TABLE number_series (
  merchant_id {{.ID}} NOT NULL REFERENCES merchants (id),
  series text NOT NULL,
  last bigint NOT NULL,
  PRIMARY KEY (merchant_id, series)
);
CREATE UNIQUE INDEX invoices_number ON invoices (merchant_id, number, revision) WHERE copy = false;

CREATE TABLE credit_balances (
  merchant_id {{.ID}} NOT NULL,
  customer_id {{.ID}} NOT NULL,
  currency text NOT NULL,
  amount bigint NOT NULL CHECK (amount >= 0),
  PRIMARY KEY (merchant_id, customer_id, currency),
  FOREIGN KEY (merchant_id, customer_id) REFERENCES customers (merchant_id, id)
);

CREATE TABLE events (
  id {{.ID}} NOT NULL PRIMARY KEY,
  merchant_id {{.ID}} NOT NULL,
  customer_id {{.ID}} NOT NULL,
  type text NOT NULL,
  subject_id {{.ID}} NOT NULL,
  -- The subject's version after the change: one event for one change.
  sequence bigint NOT NULL,
  created_at {{.Time}} NOT NULL
);
CREATE UNIQUE INDEX events_subject ON events (merchant_id, subject_id, sequence);
CREATE INDEX events_list ON events (merchant_id, created_at, id);

CREATE TABLE mail_orders (
  id {{.ID}} NOT NULL PRIMARY KEY,
  merchant_id {{.ID}} NOT NULL,
  customer_id {{.ID}} NOT NULL,
  kind text NOT NULL,
  subscription_id {{.ID}},
  payment_id {{.ID}},
  invoice_id {{.ID}},
  params {{.JSON}} NOT NULL,
  created_at {{.Time}} NOT NULL
);
CREATE INDEX mail_orders_created ON mail_orders (created_at);

CREATE TABLE cancellations (
  id {{.ID}} NOT NULL PRIMARY KEY,
  merchant_id {{.ID}} NOT NULL,
  customer_id {{.ID}} NOT NULL,
  subscription_id {{.ID}} NOT NULL REFERENCES subscriptions (id),
  state text NOT NULL,
  step text NOT NULL,
  effective text NOT NULL,
  effective_at {{.Time}},
  created_at {{.Time}} NOT NULL,
  updated_at {{.Time}} NOT NULL,
  version bigint NOT NULL,
  FOREIGN KEY (merchant_id, customer_id) REFERENCES customers (merchant_id, id)
);
-- One open cancellation of a subscription; starting again goes on with it.
CREATE UNIQUE INDEX cancellations_open ON cancellations (merchant_id, subscription_id) WHERE state = 'open';
CREATE INDEX cancellations_subscription ON cancellations (subscription_id, merchant_id, created_at, id);
CREATE INDEX cancellations_customer ON cancellations (merchant_id, customer_id);

-- Links that sign somebody in for one purpose. The ticket is derived from the nonce and is nowhere readable.
CREATE TABLE portal_sessions (
  id {{.ID}} NOT NULL PRIMARY KEY,
  merchant_id {{.ID}} NOT NULL,
  customer_id {{.ID}} NOT NULL,
  nonce {{.Bytes}} NOT NULL,
  ticket_hash {{.Bytes}} NOT NULL UNIQUE,
  scope text NOT NULL,
  target_kind text NOT NULL,
  target_id text NOT NULL,
  created_at {{.Time}} NOT NULL,
  expires_at {{.Time}} NOT NULL,
  used_at {{.Time}},
  FOREIGN KEY (merchant_id, customer_id) REFERENCES customers (merchant_id, id)
);
CREATE INDEX portal_sessions_customer ON portal_sessions (merchant_id, customer_id);
CREATE INDEX portal_sessions_expired ON portal_sessions (expires_at);

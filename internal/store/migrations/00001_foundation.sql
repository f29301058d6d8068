-- +goose Up
-- One source for both databases: Time, JSON, Bytes and ID are rendered per dialect (migrate.go).
-- A primary key says NOT NULL, because SQLite allows NULL in one that does not.
-- Every table with merchant_id belongs to a tenant; the guard (guard.go) refuses a statement on it that does not name it.

CREATE TABLE merchants (
  id {{.ID}} NOT NULL PRIMARY KEY,
  name text NOT NULL,
  mode text NOT NULL CHECK (mode IN ('sandbox', 'live')),
  created_at {{.Time}} NOT NULL
);

CREATE TABLE portals (
  id {{.ID}} NOT NULL PRIMARY KEY,
  merchant_id {{.ID}} NOT NULL UNIQUE REFERENCES merchants (id),
  settings {{.JSON}} NOT NULL,
  version bigint NOT NULL,
  created_at {{.Time}} NOT NULL,
  updated_at {{.Time}} NOT NULL
);

CREATE TABLE portal_origins (
  merchant_id {{.ID}} NOT NULL REFERENCES merchants (id),
  origin text NOT NULL,
  PRIMARY KEY (merchant_id, origin)
);
CREATE INDEX portal_origins_origin ON portal_origins (origin);

CREATE TABLE api_keys (
  id {{.ID}} NOT NULL PRIMARY KEY,
  merchant_id {{.ID}} NOT NULL REFERENCES merchants (id),
  name text NOT NULL,
  hint text NOT NULL,
  hash {{.Bytes}} NOT NULL UNIQUE,
  permissions text NOT NULL,
  created_at {{.Time}} NOT NULL,
  last_used_at {{.Time}},
  revoked_at {{.Time}}
);
CREATE INDEX api_keys_merchant ON api_keys (merchant_id);

CREATE TABLE customers (
  id {{.ID}} NOT NULL PRIMARY KEY,
  merchant_id {{.ID}} NOT NULL REFERENCES merchants (id),
  external_id text,
  email text NOT NULL,
  email_key text NOT NULL,
  name text NOT NULL,
  locale text NOT NULL,
  company text NOT NULL,
  tax_id text NOT NULL,
  line1 text NOT NULL,
  line2 text NOT NULL,
  city text NOT NULL,
  region text NOT NULL,
  postal_code text NOT NULL,
  country text NOT NULL,
  archived boolean NOT NULL,
  -- Addresses and businesses the other billing system knows of an imported customer.
  imported {{.JSON}},
  -- When the customer was last changed in Foyer itself; an older import does not undo it.
  edited_at {{.Time}},
  created_at {{.Time}} NOT NULL,
  updated_at {{.Time}} NOT NULL,
  version bigint NOT NULL,
  UNIQUE (merchant_id, id),
  UNIQUE (merchant_id, email_key),
  UNIQUE (merchant_id, external_id)
);

CREATE TABLE products (
  id {{.ID}} NOT NULL PRIMARY KEY,
  merchant_id {{.ID}} NOT NULL REFERENCES merchants (id),
  external_id text,
  name text NOT NULL,
  description text NOT NULL,
  image_url text NOT NULL,
  archived boolean NOT NULL,
  created_at {{.Time}} NOT NULL,
  updated_at {{.Time}} NOT NULL,
  UNIQUE (merchant_id, external_id)
);

CREATE TABLE prices (
  id {{.ID}} NOT NULL PRIMARY KEY,
  merchant_id {{.ID}} NOT NULL REFERENCES merchants (id),
  external_id text,
  product_id {{.ID}},
  external_product_id text NOT NULL,
  name text NOT NULL,
  description text NOT NULL,
  amount bigint NOT NULL,
  currency text NOT NULL,
  cycle_interval text,
  cycle_frequency bigint,
  trial_interval text,
  trial_frequency bigint,
  tax_rate text NOT NULL,
  tax_behavior text NOT NULL,
  quantity_min bigint NOT NULL,
  quantity_max bigint NOT NULL,
  archived boolean NOT NULL,
  created_at {{.Time}} NOT NULL,
  updated_at {{.Time}} NOT NULL,
  UNIQUE (merchant_id, external_id)
);

CREATE TABLE discounts (
  id {{.ID}} NOT NULL PRIMARY KEY,
  merchant_id {{.ID}} NOT NULL REFERENCES merchants (id),
  external_id text,
  type text NOT NULL CHECK (type IN ('percent', 'fixed')),
  percent text NOT NULL,
  amount bigint,
  currency text NOT NULL,
  periods bigint,
  code text NOT NULL,
  description text NOT NULL,
  archived boolean NOT NULL,
  created_at {{.Time}} NOT NULL,
  updated_at {{.Time}} NOT NULL,
  UNIQUE (merchant_id, external_id)
);

CREATE TABLE payment_methods (
  id {{.ID}} NOT NULL PRIMARY KEY,
  merchant_id {{.ID}} NOT NULL,
  customer_id {{.ID}} NOT NULL,
  external_id text,
  gateway text NOT NULL,
  type text NOT NULL,
  brand text NOT NULL,
  last4 text NOT NULL,
  expiry_month bigint NOT NULL,
  expiry_year bigint NOT NULL,
  billing_name text NOT NULL,
  is_default boolean NOT NULL,
  deleted_at {{.Time}},
  created_at {{.Time}} NOT NULL,
  updated_at {{.Time}} NOT NULL,
  version bigint NOT NULL,
  FOREIGN KEY (merchant_id, customer_id) REFERENCES customers (merchant_id, id)
);
CREATE INDEX payment_methods_list ON payment_methods (merchant_id, customer_id, created_at, id);
CREATE UNIQUE INDEX payment_methods_default ON payment_methods (merchant_id, customer_id) WHERE is_default AND deleted_at IS NULL;

CREATE TABLE subscriptions (
  id {{.ID}} NOT NULL PRIMARY KEY,
  merchant_id {{.ID}} NOT NULL,
  customer_id {{.ID}} NOT NULL,
  external_id text,
  status text NOT NULL CHECK (status IN ('trialing', 'active', 'past_due', 'paused', 'canceled')),
  currency text NOT NULL,
  items {{.JSON}} NOT NULL,
  recurring_total bigint NOT NULL,
  amounts_unknown boolean NOT NULL,
  next_total bigint,
  cycle_interval text NOT NULL,
  cycle_frequency bigint NOT NULL,
  collection_mode text NOT NULL,
  period_starts_at {{.Time}},
  period_ends_at {{.Time}},
  trial_starts_at {{.Time}},
  trial_ends_at {{.Time}},
  next_billed_at {{.Time}},
  scheduled_action text,
  scheduled_at {{.Time}},
  scheduled_resume_at {{.Time}},
  discount {{.JSON}},
  payment_method_id {{.ID}},
  started_at {{.Time}},
  paused_at {{.Time}},
  canceled_at {{.Time}},
  created_at {{.Time}} NOT NULL,
  updated_at {{.Time}} NOT NULL,
  version bigint NOT NULL,
  UNIQUE (merchant_id, external_id),
  FOREIGN KEY (merchant_id, customer_id) REFERENCES customers (merchant_id, id)
);
CREATE INDEX subscriptions_list ON subscriptions (merchant_id, customer_id, created_at, id);
CREATE INDEX subscriptions_method ON subscriptions (merchant_id, payment_method_id);

CREATE TABLE payments (
  id {{.ID}} NOT NULL PRIMARY KEY,
  merchant_id {{.ID}} NOT NULL,
  customer_id {{.ID}} NOT NULL,
  external_id text,
  status text NOT NULL CHECK (status IN ('draft', 'ready', 'billed', 'paid', 'completed', 'canceled', 'past_due')),
  origin text NOT NULL,
  collection_mode text NOT NULL,
  currency text NOT NULL,
  description text NOT NULL,
  subscription_id {{.ID}},
  external_subscription_id text NOT NULL,
  period_starts_at {{.Time}},
  period_ends_at {{.Time}},
  billing_details {{.JSON}},
  subtotal bigint NOT NULL,
  discount bigint NOT NULL,
  tax bigint NOT NULL,
  total bigint NOT NULL,
  credit bigint NOT NULL,
  credit_to_balance bigint NOT NULL,
  grand_total bigint NOT NULL,
  balance bigint NOT NULL,
  refunded bigint NOT NULL,
  invoice_id {{.ID}},
  invoice_number text NOT NULL,
  tax_rates {{.JSON}} NOT NULL,
  lines {{.JSON}} NOT NULL,
  -- What the invoice of an imported payment is made of.
  imported {{.JSON}},
  created_at {{.Time}} NOT NULL,
  updated_at {{.Time}} NOT NULL,
  billed_at {{.Time}},
  -- What lists are sorted by: billed_at, or created_at while it is not billed. One column that is never null keeps the
  -- page at one index range.
  listed_at {{.Time}} NOT NULL,
  version bigint NOT NULL,
  UNIQUE (merchant_id, external_id),
  FOREIGN KEY (merchant_id, customer_id) REFERENCES customers (merchant_id, id)
);
CREATE INDEX payments_list ON payments (merchant_id, customer_id, listed_at, id);
CREATE INDEX payments_subscription ON payments (merchant_id, subscription_id, listed_at, id);

CREATE TABLE attempts (
  id {{.ID}} NOT NULL PRIMARY KEY,
  merchant_id {{.ID}} NOT NULL,
  payment_id {{.ID}} NOT NULL REFERENCES payments (id),
  external_id text,
  status text NOT NULL,
  error_code text NOT NULL,
  amount bigint NOT NULL,
  method_type text NOT NULL,
  brand text NOT NULL,
  last4 text NOT NULL,
  expiry_month bigint NOT NULL,
  expiry_year bigint NOT NULL,
  created_at {{.Time}} NOT NULL,
  captured_at {{.Time}}
);
CREATE INDEX attempts_payment ON attempts (payment_id, merchant_id);

CREATE TABLE refunds (
  id {{.ID}} NOT NULL PRIMARY KEY,
  merchant_id {{.ID}} NOT NULL,
  customer_id {{.ID}} NOT NULL,
  -- Null while the payment of an imported refund has not arrived; external_payment_id then joins them.
  payment_id {{.ID}} REFERENCES payments (id),
  external_payment_id text NOT NULL,
  external_id text,
  action text NOT NULL,
  status text NOT NULL,
  total bigint NOT NULL,
  tax bigint NOT NULL,
  reason text NOT NULL,
  lines {{.JSON}} NOT NULL,
  created_at {{.Time}} NOT NULL,
  updated_at {{.Time}} NOT NULL,
  UNIQUE (merchant_id, external_id)
);
CREATE INDEX refunds_payment ON refunds (payment_id, merchant_id);

CREATE TABLE invoices (
  id {{.ID}} NOT NULL PRIMARY KEY,
  merchant_id {{.ID}} NOT NULL,
  customer_id {{.ID}} NOT NULL,
  external_id text,
  number text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('invoice', 'credit_note')),
  revision bigint NOT NULL,
  replaces {{.ID}},
  status text NOT NULL,
  payment_id {{.ID}} NOT NULL REFERENCES payments (id),
  currency text NOT NULL,
  total bigint NOT NULL,
  copy boolean NOT NULL,
  buyer {{.JSON}} NOT NULL,
  document {{.JSON}} NOT NULL,
  issued_at {{.Time}} NOT NULL,
  due_at {{.Time}},
  created_at {{.Time}} NOT NULL,
  updated_at {{.Time}} NOT NULL,
  version bigint NOT NULL,
  FOREIGN KEY (merchant_id, customer_id) REFERENCES customers (merchant_id, id)
);
CREATE INDEX invoices_list ON invoices (merchant_id, customer_id, created_at, id);
CREATE INDEX invoices_payment ON invoices (payment_id, merchant_id);

CREATE TABLE invoice_files (
  merchant_id {{.ID}} NOT NULL,
  invoice_id {{.ID}} NOT NULL REFERENCES invoices (id),
  version bigint NOT NULL,
  locale text NOT NULL,
  content {{.Bytes}} NOT NULL,
  sha256 {{.Bytes}} NOT NULL,
  created_at {{.Time}} NOT NULL,
  PRIMARY KEY (invoice_id, version, locale)
);

CREATE TABLE sign_ins (
  id {{.ID}} NOT NULL PRIMARY KEY,
  merchant_id {{.ID}} NOT NULL REFERENCES merchants (id),
  portal_id {{.ID}} NOT NULL,
  email text NOT NULL,
  email_key text NOT NULL,
  customer_id {{.ID}},
  nonce {{.Bytes}} NOT NULL,
  token_hash {{.Bytes}} NOT NULL UNIQUE,
  code_challenge text NOT NULL,
  code_tries bigint NOT NULL,
  locale text NOT NULL,
  target_kind text NOT NULL,
  target_id text NOT NULL,
  silent boolean NOT NULL,
  created_at {{.Time}} NOT NULL,
  expires_at {{.Time}} NOT NULL,
  used_at {{.Time}}
);
CREATE INDEX sign_ins_open ON sign_ins (merchant_id, email_key, created_at);
CREATE INDEX sign_ins_customer ON sign_ins (merchant_id, customer_id) WHERE used_at IS NULL;
CREATE INDEX sign_ins_expired ON sign_ins (expires_at);

CREATE TABLE sessions (
  id {{.ID}} NOT NULL PRIMARY KEY,
  merchant_id {{.ID}} NOT NULL,
  customer_id {{.ID}} NOT NULL,
  kind text NOT NULL CHECK (kind IN ('sign_in', 'portal_session')),
  scope text NOT NULL,
  target_kind text NOT NULL,
  target_id text NOT NULL,
  return_url text NOT NULL,
  device text NOT NULL,
  ip text NOT NULL,
  authenticated_at {{.Time}} NOT NULL,
  created_at {{.Time}} NOT NULL,
  last_used_at {{.Time}} NOT NULL,
  idle_expires_at {{.Time}} NOT NULL,
  expires_at {{.Time}} NOT NULL,
  revoked_at {{.Time}},
  FOREIGN KEY (merchant_id, customer_id) REFERENCES customers (merchant_id, id)
);
CREATE INDEX sessions_list ON sessions (merchant_id, customer_id, created_at, id);
CREATE INDEX sessions_revoked ON sessions (revoked_at) WHERE revoked_at IS NOT NULL;
CREATE INDEX sessions_expired ON sessions (expires_at);

CREATE TABLE refresh_tokens (
  hash {{.Bytes}} NOT NULL PRIMARY KEY,
  merchant_id {{.ID}} NOT NULL,
  session_id {{.ID}} NOT NULL REFERENCES sessions (id),
  created_at {{.Time}} NOT NULL,
  used_at {{.Time}},
  successor_hash {{.Bytes}}
);
CREATE INDEX refresh_tokens_session ON refresh_tokens (session_id, merchant_id);

CREATE TABLE signing_keys (
  kid text NOT NULL PRIMARY KEY,
  public_key {{.Bytes}} NOT NULL,
  sealed_private_key {{.Bytes}} NOT NULL,
  created_at {{.Time}} NOT NULL,
  retired_at {{.Time}}
);
-- At most one key signs: two processes that start on an empty database can't both make one.
CREATE UNIQUE INDEX signing_keys_current ON signing_keys ((retired_at IS NULL)) WHERE retired_at IS NULL;

CREATE TABLE mails (
  id {{.ID}} NOT NULL PRIMARY KEY,
  merchant_id {{.ID}} NOT NULL,
  recipient_key {{.Bytes}} NOT NULL,
  sealed {{.Bytes}} NOT NULL,
  created_at {{.Time}} NOT NULL
);
CREATE INDEX mails_recipient ON mails (recipient_key, created_at);
CREATE INDEX mails_created ON mails (created_at);

CREATE TABLE activity (
  id {{.ID}} NOT NULL PRIMARY KEY,
  merchant_id {{.ID}} NOT NULL,
  customer_id {{.ID}} NOT NULL,
  session_id {{.ID}},
  type text NOT NULL,
  params {{.JSON}} NOT NULL,
  device text NOT NULL,
  ip text NOT NULL,
  created_at {{.Time}} NOT NULL,
  FOREIGN KEY (merchant_id, customer_id) REFERENCES customers (merchant_id, id)
);
CREATE INDEX activity_list ON activity (merchant_id, customer_id, created_at, id);

-- What imported records refer to and do not know yet.
CREATE TABLE import_waits (
  merchant_id {{.ID}} NOT NULL,
  awaited_kind text NOT NULL,
  awaited_external_id text NOT NULL,
  waiting_kind text NOT NULL,
  waiting_external_id text NOT NULL,
  PRIMARY KEY (merchant_id, awaited_kind, awaited_external_id, waiting_kind, waiting_external_id)
);
CREATE INDEX import_waits_waiting ON import_waits (merchant_id, waiting_kind, waiting_external_id);

-- Counters of the rate limits, shared by all processes. The subject is a MAC, so that no address is readable here.
CREATE TABLE rate_limits (
  name text NOT NULL,
  subject {{.Bytes}} NOT NULL,
  period bigint NOT NULL,
  used bigint NOT NULL,
  resets_at {{.Time}} NOT NULL,
  PRIMARY KEY (name, subject, period)
);
CREATE INDEX rate_limits_reset ON rate_limits (resets_at);

CREATE TABLE idempotency_keys (
  merchant_id {{.ID}} NOT NULL,
  caller text NOT NULL,
  operation text NOT NULL,
  key_hash {{.Bytes}} NOT NULL,
  fingerprint {{.Bytes}} NOT NULL,
  sealed_answer {{.Bytes}},
  locked_until {{.Time}} NOT NULL,
  created_at {{.Time}} NOT NULL,
  PRIMARY KEY (merchant_id, caller, operation, key_hash)
);
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);

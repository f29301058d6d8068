-- +goose Up
-- The merchant's side of billing: what it keeps beside a subscription or payment, and its lists over all customers.

ALTER TABLE subscriptions ADD COLUMN metadata {{.JSON}};
ALTER TABLE payments ADD COLUMN metadata {{.JSON}};

-- The external id of the subscription that exists once this payment is paid: two of the same are never charged for at once.
ALTER TABLE payments ADD COLUMN starts_external_id text;
CREATE UNIQUE INDEX payments_starting ON payments (merchant_id, starts_external_id) WHERE starts_external_id IS NOT NULL AND status = 'ready';

-- Which call made it: a repeat after a crash finds its own refund.
ALTER TABLE refunds ADD COLUMN command text NOT NULL DEFAULT '';
CREATE INDEX refunds_command ON refunds (merchant_id, command) WHERE command <> '';

-- Where the clock was last told to go: whoever asks for the same again goes on, also when the time has passed meanwhile.
ALTER TABLE merchants ADD COLUMN clock_target {{.Time}};

CREATE INDEX subscriptions_all ON subscriptions (merchant_id, created_at, id);
CREATE INDEX subscriptions_all_status ON subscriptions (merchant_id, status, created_at, id);
CREATE INDEX payments_all ON payments (merchant_id, listed_at, id);
-- Almost all payments are completed: those are found in the list of all.
CREATE INDEX payments_all_status ON payments (merchant_id, status, listed_at, id) WHERE status <> 'completed';
CREATE INDEX invoices_all ON invoices (merchant_id, created_at, id);
CREATE INDEX invoices_all_number ON invoices (merchant_id, number);

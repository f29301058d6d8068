-- +goose Up
-- Charges the customer's bank takes back, or asks about, as the gateway tells them. What the bank has of the money is a refund.
CREATE TABLE disputes (
  id {{.ID}} NOT NULL PRIMARY KEY,
  merchant_id {{.ID}} NOT NULL,
  customer_id {{.ID}} NOT NULL,
  payment_id {{.ID}} NOT NULL REFERENCES payments (id),
  attempt_id {{.ID}} NOT NULL REFERENCES attempts (id),
  reference text NOT NULL,
  status text NOT NULL CHECK (status IN ('inquiry', 'open', 'under_review', 'won', 'lost', 'closed')),
  reason text NOT NULL,
  amount bigint NOT NULL,
  opened_at {{.Time}} NOT NULL,
  respond_by {{.Time}},
  closed_at {{.Time}},
  refund_id {{.ID}} REFERENCES refunds (id),
  version bigint NOT NULL,
  FOREIGN KEY (merchant_id, customer_id) REFERENCES customers (merchant_id, id)
);
CREATE UNIQUE INDEX disputes_reference ON disputes (merchant_id, reference);
CREATE INDEX disputes_payment ON disputes (payment_id, merchant_id);
CREATE INDEX disputes_attempt ON disputes (attempt_id);
CREATE INDEX disputes_customer ON disputes (merchant_id, customer_id);
CREATE INDEX disputes_refund ON disputes (refund_id);
-- Refunds that may still fail are looked for by their charge.
CREATE INDEX refunds_charge ON refunds (merchant_id, charge) WHERE charge <> '';

-- +goose Up
-- What a gateway calls a thing of ours: the payment intent of an attempt, the customer there of a customer here. Committed before
-- anything is done with it at the gateway.
CREATE TABLE gateway_references (
  merchant_id {{.ID}} NOT NULL REFERENCES merchants (id),
  gateway text NOT NULL,
  subject text NOT NULL,
  reference text NOT NULL,
  created_at {{.Time}} NOT NULL,
  PRIMARY KEY (merchant_id, gateway, subject)
);
CREATE UNIQUE INDEX gateway_references_reference ON gateway_references (gateway, reference);

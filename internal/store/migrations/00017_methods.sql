-- +goose Up
-- What a customer recognises a payment method by that is no plain card: the wallet a card came with, the end of an account number or
-- an address. An attempt keeps its own copy, as it does of a card.
ALTER TABLE payment_methods ADD COLUMN wallet text NOT NULL DEFAULT '';
ALTER TABLE payment_methods ADD COLUMN identifier text NOT NULL DEFAULT '';
-- When the gateway said that it can't be charged any more, while subscriptions were charged with it.
ALTER TABLE payment_methods ADD COLUMN gone_at {{.Time}};
ALTER TABLE attempts ADD COLUMN wallet text NOT NULL DEFAULT '';
ALTER TABLE attempts ADD COLUMN identifier text NOT NULL DEFAULT '';

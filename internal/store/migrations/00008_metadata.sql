-- +goose Up
-- What a merchant keeps beside a payment method.

ALTER TABLE payment_methods ADD COLUMN metadata {{.JSON}};
-- A deleted method's row stays for the attempts that name it; its external id is another's to have.
CREATE UNIQUE INDEX payment_methods_external ON payment_methods (merchant_id, external_id) WHERE external_id IS NOT NULL AND deleted_at IS NULL;

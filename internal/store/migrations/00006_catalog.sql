-- +goose Up
-- What merchants keep of their customers and their catalog.

ALTER TABLE customers ADD COLUMN metadata {{.JSON}};
CREATE INDEX customers_list ON customers (merchant_id, created_at, id);
CREATE INDEX customers_archived ON customers (merchant_id, archived, created_at, id);

-- A customer's addresses. The default one is the customer's own address, which stands in customers too: documents are made
-- of it, and both are written in one transaction.
CREATE TABLE addresses (
  id {{.ID}} NOT NULL PRIMARY KEY,
  merchant_id {{.ID}} NOT NULL,
  customer_id {{.ID}} NOT NULL,
  external_id text,
  description text NOT NULL,
  line1 text NOT NULL,
  line2 text NOT NULL,
  city text NOT NULL,
  region text NOT NULL,
  postal_code text NOT NULL,
  country text NOT NULL,
  metadata {{.JSON}},
  is_default boolean NOT NULL,
  archived boolean NOT NULL,
  created_at {{.Time}} NOT NULL,
  updated_at {{.Time}} NOT NULL,
  version bigint NOT NULL,
  UNIQUE (merchant_id, external_id),
  FOREIGN KEY (merchant_id, customer_id) REFERENCES customers (merchant_id, id)
);
CREATE INDEX addresses_list ON addresses (merchant_id, customer_id, created_at, id);
CREATE UNIQUE INDEX addresses_default ON addresses (merchant_id, customer_id) WHERE is_default;
-- The address every customer has so far. Its id is the customer's under another prefix: as random as that.
INSERT INTO addresses (id, merchant_id, customer_id, description, line1, line2, city, region, postal_code, country, is_default, archived, created_at, updated_at, version)
  SELECT 'add_' || substr(id, 5), merchant_id, id, '', line1, line2, city, region, postal_code, country, true, false, created_at, updated_at, 1
  FROM customers WHERE line1 <> '' OR line2 <> '' OR city <> '' OR region <> '' OR postal_code <> '' OR country <> '';

ALTER TABLE products ADD COLUMN metadata {{.JSON}};
ALTER TABLE products ADD COLUMN version bigint NOT NULL DEFAULT 1;
CREATE INDEX products_list ON products (merchant_id, created_at, id);
CREATE INDEX products_archived ON products (merchant_id, archived, created_at, id);

ALTER TABLE prices ADD COLUMN metadata {{.JSON}};
ALTER TABLE prices ADD COLUMN version bigint NOT NULL DEFAULT 1;
CREATE INDEX prices_list ON prices (merchant_id, created_at, id);
CREATE INDEX prices_archived ON prices (merchant_id, archived, created_at, id);
CREATE INDEX prices_product ON prices (merchant_id, product_id, created_at, id);

ALTER TABLE discounts ADD COLUMN metadata {{.JSON}};
ALTER TABLE discounts ADD COLUMN version bigint NOT NULL DEFAULT 1;
-- What makes a code one discount's: null for what is archived, has no code, or was imported from where other rules hold.
ALTER TABLE discounts ADD COLUMN code_key text;
CREATE INDEX discounts_list ON discounts (merchant_id, created_at, id);
CREATE INDEX discounts_archived ON discounts (merchant_id, archived, created_at, id);
CREATE INDEX discounts_code ON discounts (merchant_id, lower(code), created_at, id);
CREATE UNIQUE INDEX discounts_code_key ON discounts (merchant_id, code_key);

-- +goose Up
-- Outgoing webhooks: where merchants listen, and what is delivered there.

CREATE TABLE webhook_endpoints (
  id {{.ID}} NOT NULL PRIMARY KEY,
  merchant_id {{.ID}} NOT NULL REFERENCES merchants (id),
  url text NOT NULL,
  event_types {{.JSON}} NOT NULL,
  description text NOT NULL,
  metadata {{.JSON}} NOT NULL,
  status text NOT NULL CHECK (status IN ('enabled', 'disabled')),
  disabled_reason text NOT NULL,
  disabled_at {{.Time}},
  failing_since {{.Time}},
  -- The secrets that sign, encrypted under a key from FOYER_SECRET; null when archived.
  sealed_secrets {{.Bytes}},
  overlap_until {{.Time}},
  archived_at {{.Time}},
  created_at {{.Time}} NOT NULL,
  updated_at {{.Time}} NOT NULL,
  version bigint NOT NULL
);
CREATE INDEX webhook_endpoints_list ON webhook_endpoints (merchant_id, created_at, id) WHERE archived_at IS NULL;

CREATE TABLE deliveries (
  id {{.ID}} NOT NULL PRIMARY KEY,
  merchant_id {{.ID}} NOT NULL,
  endpoint_id {{.ID}} NOT NULL,
  event_id {{.ID}} NOT NULL,
  event_type text NOT NULL,
  -- When it happened, by the merchant's clock. Every other time here is real.
  event_at {{.Time}} NOT NULL,
  status text NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed')),
  tries bigint NOT NULL,
  step bigint NOT NULL,
  -- When it is tried next, or when the lease of who is sending it ends; null when it is done. The one column workers scan.
  due_at {{.Time}},
  lease text NOT NULL,
  last_outcome text NOT NULL,
  last_status bigint NOT NULL,
  -- Not "attempts": that is a table, which the guard would look for.
  attempt_log {{.JSON}} NOT NULL,
  -- The body of a test. An event's is rendered when it is sent.
  message {{.Bytes}},
  created_at {{.Time}} NOT NULL,
  completed_at {{.Time}}
);
-- One delivery of an event to an endpoint, whatever asks for it.
CREATE UNIQUE INDEX deliveries_event ON deliveries (merchant_id, event_id, endpoint_id);
CREATE INDEX deliveries_list ON deliveries (merchant_id, created_at, id);
CREATE INDEX deliveries_endpoint ON deliveries (merchant_id, endpoint_id, created_at, id);
CREATE INDEX deliveries_due ON deliveries (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX deliveries_endpoint_due ON deliveries (merchant_id, endpoint_id, due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX deliveries_unfinished ON deliveries (merchant_id, endpoint_id, event_at, id) WHERE status <> 'succeeded';

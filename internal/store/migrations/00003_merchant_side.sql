-- +goose Up
-- The merchant's side: keys that are rotated, events with their objects, the audit log.

-- The secret before the last rotation works until previous_until.
ALTER TABLE api_keys ADD COLUMN previous_hash {{.Bytes}};
ALTER TABLE api_keys ADD COLUMN previous_until {{.Time}};
ALTER TABLE api_keys ADD COLUMN expires_at {{.Time}};
ALTER TABLE api_keys ADD COLUMN version bigint NOT NULL DEFAULT 1;
CREATE UNIQUE INDEX api_keys_previous_hash ON api_keys (previous_hash) WHERE previous_hash IS NOT NULL;
CREATE INDEX api_keys_list ON api_keys (merchant_id, created_at, id);

-- The thing as the API showed it after the change, and what was different before.
ALTER TABLE events ADD COLUMN object {{.JSON}};
ALTER TABLE events ADD COLUMN previous {{.JSON}};
CREATE INDEX events_customer ON events (merchant_id, customer_id, created_at, id);

-- Who did what. Rows are written once, in the transaction of what was done: the triggers below refuse anything else, whoever asks.
CREATE TABLE audit_log (
  id {{.ID}} NOT NULL PRIMARY KEY,
  merchant_id {{.ID}} NOT NULL REFERENCES merchants (id),
  actor_kind text NOT NULL,
  actor_id text NOT NULL,
  customer_id text NOT NULL,
  action text NOT NULL,
  subject_id text NOT NULL,
  ip text NOT NULL,
  request_id text NOT NULL,
  created_at {{.Time}} NOT NULL
);
CREATE INDEX audit_log_list ON audit_log (merchant_id, created_at, id);

-- The entries chained by hash, some seconds later, by a job: no request waits for another's entry. Position counts from 1
-- without a gap; two workers can't both append at one place.
CREATE TABLE audit_chain (
  merchant_id {{.ID}} NOT NULL REFERENCES merchants (id),
  position bigint NOT NULL,
  entry_id {{.ID}} NOT NULL UNIQUE REFERENCES audit_log (id),
  hash {{.Bytes}} NOT NULL,
  PRIMARY KEY (merchant_id, position)
);
{{if .Postgres}}
-- +goose StatementBegin
CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_chain_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_chain FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
REVOKE UPDATE, DELETE, TRUNCATE ON audit_log, audit_chain FROM PUBLIC, CURRENT_USER;
{{else}}
-- +goose StatementBegin
CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON audit_log BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_chain_no_update BEFORE UPDATE ON audit_chain BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_chain_no_delete BEFORE DELETE ON audit_chain BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
-- +goose StatementEnd
{{end}}

package sandbox

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"foyer/internal/foyer"
)

// Books are the gateway's rows. All SQL runs on SQLite and PostgreSQL alike: $n parameters, TEXT and BIGINT, times in
// microseconds since 1970, flags as 0 and 1.
type Books struct {
	db  *sql.DB
	key atomic.Pointer[[]byte]
}

// schema makes the tables. The ledger's order is (captured_at, key): a number that counts up would need a dialect.
var schema = []string{
	`CREATE TABLE IF NOT EXISTS sandbox_gateway_keys (
  name TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL)`,
	`CREATE TABLE IF NOT EXISTS sandbox_gateway_methods (
  id TEXT NOT NULL PRIMARY KEY,
  behavior TEXT NOT NULL,
  brand TEXT NOT NULL,
  last4 TEXT NOT NULL,
  expiry_month BIGINT NOT NULL,
  expiry_year BIGINT NOT NULL,
  fingerprint TEXT NOT NULL,
  authenticated BIGINT NOT NULL,
  removed BIGINT NOT NULL,
  created_at BIGINT NOT NULL)`,
	`CREATE TABLE IF NOT EXISTS sandbox_gateway_setups (
  id TEXT NOT NULL PRIMARY KEY,
  merchant TEXT NOT NULL,
  customer TEXT NOT NULL,
  status TEXT NOT NULL,
  method_id TEXT NOT NULL,
  created_at BIGINT NOT NULL)`,
	`CREATE INDEX IF NOT EXISTS sandbox_gateway_setups_method ON sandbox_gateway_setups (method_id)`,
	`CREATE TABLE IF NOT EXISTS sandbox_gateway_charges (
  key TEXT NOT NULL PRIMARY KEY,
  merchant TEXT NOT NULL,
  reference TEXT NOT NULL,
  method_id TEXT NOT NULL,
  amount BIGINT NOT NULL,
  currency TEXT NOT NULL,
  on_session BIGINT NOT NULL,
  status TEXT NOT NULL,
  error_code TEXT NOT NULL,
  refunded BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  captured_at BIGINT NOT NULL,
  disputed_at BIGINT NOT NULL)`,
	`CREATE INDEX IF NOT EXISTS sandbox_gateway_charges_ledger ON sandbox_gateway_charges (captured_at, key)`,
	`CREATE TABLE IF NOT EXISTS sandbox_gateway_refunds (
  key TEXT NOT NULL PRIMARY KEY,
  merchant TEXT NOT NULL,
  charge TEXT NOT NULL,
  amount BIGINT NOT NULL,
  currency TEXT NOT NULL,
  refunded BIGINT NOT NULL,
  error_code TEXT NOT NULL,
  created_at BIGINT NOT NULL)`,
	`CREATE TABLE IF NOT EXISTS sandbox_gateway_dispute_ends (
  key TEXT NOT NULL PRIMARY KEY,
  opened_at BIGINT NOT NULL,
  closed_at BIGINT NOT NULL,
  won BIGINT NOT NULL)`,
}

// Tables are all of the gateway's, for copying them.
var Tables = []string{"sandbox_gateway_keys", "sandbox_gateway_methods", "sandbox_gateway_setups", "sandbox_gateway_charges", "sandbox_gateway_refunds", "sandbox_gateway_dispute_ends"}

// Migrate makes the gateway's tables and its key where they are missing. Two processes may do it at once.
func Migrate(ctx context.Context, db *sql.DB) error {
	for _, statement := range schema {
		if err := define(ctx, db, statement); err != nil {
			return fmt.Errorf("sandbox gateway: %w", err)
		}
	}
	if err := addType(ctx, db); err != nil {
		return fmt.Errorf("sandbox gateway: %w", err)
	}
	key := base64.RawStdEncoding.EncodeToString(random(32))
	_, err := db.ExecContext(ctx, `INSERT INTO sandbox_gateway_keys (name, value) VALUES ('key', $1) ON CONFLICT (name) DO NOTHING`, key)
	return err
}

// define runs a CREATE … IF NOT EXISTS. On PostgreSQL two of them at once can both find nothing, and the slower one then
// fails on a catalog's unique index; asked again it finds the other's work.
func define(ctx context.Context, db *sql.DB, statement string) error {
	var err error
	for range 5 {
		if _, err = db.ExecContext(ctx, statement); err == nil {
			return nil
		}
		var state interface{ SQLState() string }
		// unique_violation, duplicate_table, duplicate_object
		if !errors.As(err, &state) || !strings.Contains("23505 42P07 42710", state.SQLState()) {
			return err
		}
	}
	return err
}

// addType adds the column that older books lack. SQLite knows no ADD COLUMN IF NOT EXISTS, and another process may be quicker: so
// whether it is there is asked of it, before and after.
func addType(ctx context.Context, db *sql.DB) error {
	if hasType(ctx, db) == nil {
		return nil
	}
	if _, err := db.ExecContext(ctx, `ALTER TABLE sandbox_gateway_methods ADD COLUMN type TEXT NOT NULL DEFAULT 'card'`); err != nil && hasType(ctx, db) != nil {
		return err
	}
	return nil
}

func hasType(ctx context.Context, db *sql.DB) error {
	var n int64
	return db.QueryRowContext(ctx, `SELECT count(type) FROM sandbox_gateway_methods WHERE id = ''`).Scan(&n)
}

// derive makes a secret for one purpose and thing from the gateway's key: nobody can guess it and no row holds it.
func (b *Books) derive(ctx context.Context, purpose, thing string) (string, error) {
	key := b.key.Load()
	if key == nil {
		var text string
		if err := b.db.QueryRowContext(ctx, `SELECT value FROM sandbox_gateway_keys WHERE name = 'key'`).Scan(&text); err != nil {
			return "", down(err)
		}
		raw, err := base64.RawStdEncoding.DecodeString(text)
		if err != nil {
			return "", fmt.Errorf("sandbox gateway: its key is broken: %w", err)
		}
		key = &raw
		b.key.Store(key)
	}
	h := hmac.New(sha256.New, *key)
	h.Write([]byte(purpose + ":" + thing))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)), nil
}

// inTx runs f in a transaction, which is rolled back when f fails.
func (b *Books) inTx(ctx context.Context, f func(tx *sql.Tx) error) error {
	tx, err := b.db.BeginTx(ctx, nil)
	if err != nil {
		return down(err)
	}
	if err := f(tx); err != nil {
		_ = tx.Rollback()
		return err
	}
	return down(tx.Commit())
}

// one tells whether a statement wrote its row: the callers that come second find it written.
func one(r sql.Result, err error) (bool, error) {
	if err != nil {
		return false, down(err)
	}
	n, err := r.RowsAffected()
	return n == 1, down(err)
}

// down says that the books did not answer; a row that is not there is NotFound.
func down(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return foyer.ErrNotFound()
	default:
		return &foyer.Error{Kind: foyer.Unavailable, Code: "unavailable", Err: fmt.Errorf("sandbox gateway: %w", err)}
	}
}

func random(n int) []byte {
	out := make([]byte, n)
	_, _ = rand.Read(out) // crypto/rand never returns an error since Go 1.24
	return out
}

// flag writes a truth as SQL's BIGINT.
func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

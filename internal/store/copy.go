package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

// copyOrder lists every table of ours so that a row comes after what it refers to; a test compares it with the schema.
var copyOrder = []string{
	"merchants", "portals", "portal_origins", "api_keys", "audit_log", "audit_chain", "customers", "addresses", "products", "prices", "discounts", "payment_methods",
	"payment_method_setups", "subscriptions", "payments", "attempts", "refunds", "disputes", "number_series", "invoices", "invoice_files", "credit_balances",
	"events", "webhook_endpoints", "deliveries", "gateway_references", "mail_orders", "mail_texts", "retention_settings", "cancellations", "offers", "offer_budgets", "withdrawals", "receipts", "receipt_files", "evidence", "notices", "retention_tallies", "import_waits", "sign_ins", "portal_sessions", "sessions", "refresh_tokens", "email_changes", "signing_keys", "mails",
	"activity", "rate_limits", "idempotency_keys",
}

// CopyTo copies everything from this embedded database into an empty PostgreSQL one with the same schema, in one
// transaction: all of it or nothing. Nobody may write to this one meanwhile. Both need the same FOYER_SECRET. Jobs that
// wait are left behind; they are mails of the last minutes. others are tables that belong to somebody else in both databases:
// what the new one has of them is replaced. progress is told each table and its rows.
func (s *Store) CopyTo(ctx context.Context, target *Store, progress func(table string, rows int64), others ...string) error {
	if s.dialect != SQLite || target.dialect != Postgres {
		return errors.New("copying goes from sqlite: to postgres://")
	}
	return pgx.BeginFunc(ctx, target.pool, func(tx pgx.Tx) error {
		var merchants int
		if err := tx.QueryRow(ctx, "SELECT count(*) FROM merchants").Scan(&merchants); err != nil {
			return translate(err)
		}
		if merchants > 0 {
			return errors.New("the PostgreSQL database already has merchants; copy into an empty one")
		}
		// Copying a large table takes longer than a request may.
		if _, err := tx.Exec(ctx, "SET LOCAL statement_timeout = 0"); err != nil {
			return translate(err)
		}
		for _, table := range others {
			if _, err := tx.Exec(ctx, "DELETE FROM "+pgx.Identifier{table}.Sanitize()); err != nil {
				return translate(err)
			}
		}
		for _, table := range slices.Concat(copyOrder, others) {
			rows, err := s.copyTable(ctx, tx, table)
			if err != nil {
				return fmt.Errorf("table %s: %w", table, err)
			}
			progress(table, rows)
		}
		return nil
	})
}

func (s *Store) copyTable(ctx context.Context, tx pgx.Tx, table string) (int64, error) {
	rows, err := s.sql.QueryContext(ctx, "SELECT * FROM "+table) //nolint:gosec // a name of copyOrder
	if err != nil {
		return 0, translate(err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		return 0, err
	}
	booleans, err := booleanColumns(ctx, tx, table)
	if err != nil {
		return 0, err
	}
	copied, err := tx.CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromFunc(func() ([]any, error) {
		if !rows.Next() {
			return nil, rows.Err()
		}
		values, targets := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			targets[i] = &values[i]
		}
		err := rows.Scan(targets...)
		for i, column := range columns {
			if n, ok := values[i].(int64); ok && slices.Contains(booleans, column) {
				values[i] = n != 0 // SQLite has no type of its own for them
			}
		}
		return values, err
	}))
	return copied, translate(err)
}

func booleanColumns(ctx context.Context, tx pgx.Tx, table string) ([]string, error) {
	rows, err := tx.Query(ctx, "SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = $1 AND data_type = 'boolean'", table)
	if err != nil {
		return nil, translate(err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

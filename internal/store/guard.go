package store

import (
	"context"
	"database/sql"
	"strings"
	"sync"

	"gorm.io/gorm"
)

// guard is the second wall between tenants: it sees every statement GORM sends, on both databases, and refuses one that
// touches a tenant's table without comparing (or, in an INSERT, writing) its merchant_id; judge.go says how it knows. It can't
// know whether the right merchant is named, but a forgotten condition, the usual mistake, never reaches the data.
type guard struct {
	pool gorm.ConnPool
}

// crossesKey marks a context whose statements may look at all merchants.
type crossesKey struct{}

// acrossMerchants lets the statements under ctx look at rows of all merchants. It is for what starts from a secret that
// itself tells the merchant (a token's hash), and for sweeps that delete what has expired. why is for the reader.
func acrossMerchants(ctx context.Context, why string) context.Context {
	return context.WithValue(ctx, crossesKey{}, why)
}

// tenantTables are the tables with a merchant_id; a test compares the list with the schema.
var tenantTables = []string{
	"activity", "addresses", "api_keys", "attempts", "audit_chain", "audit_log", "cancellations", "credit_balances", "customers", "deliveries", "discounts", "disputes", "email_changes", "events", "evidence", "gateway_references", "idempotency_keys",
	"import_waits", "invoice_files", "invoices", "mail_orders", "mail_texts", "mails", "notices", "number_series", "offer_budgets", "offers", "payment_method_setups", "payment_methods", "payments",
	"portal_origins", "portal_sessions", "portals", "prices", "products", "receipt_files", "receipts", "refresh_tokens", "refunds", "retention_settings", "retention_tallies", "sessions", "sign_ins", "subscriptions",
	"webhook_endpoints", "withdrawals",
}

// verdicts remembers what was found of each statement's text; a program has a few hundred of them. Long ones, lists of ids
// of every length, are judged again each time, so that they don't fill the memory.
var verdicts sync.Map // string → error or nil

const longestRemembered = 4096

// inspect refuses a statement that forgets the tenant.
func inspect(ctx context.Context, query string) error {
	if ctx.Value(crossesKey{}) != nil {
		return nil
	}
	query = withoutRows(query)
	if verdict, ok := verdicts.Load(query); ok {
		err, _ := verdict.(error)
		return err
	}
	err := judge(query)
	if len(query) <= longestRemembered {
		verdicts.Store(query, err)
	}
	return err
}

// withoutRows leaves one of the rows of an INSERT: however many are written at once, what is judged is the same. Only
// placeholders are left out, nothing a table could hide in.
func withoutRows(query string) string {
	const values = " VALUES "
	start := strings.Index(query, values)
	if start < 0 {
		return query
	}
	end := start + len(values)
	for end < len(query) && strings.IndexByte("$?0123456789,() ", query[end]) >= 0 {
		end++
	}
	if end == len(query) || query[end-1] == ' ' {
		return query[:start+len(values)] + "(?) " + query[end:]
	}
	return query
}

// PrepareContext, ExecContext, QueryContext and QueryRowContext make guard a gorm.ConnPool.
func (g *guard) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	if err := inspect(ctx, query); err != nil {
		return nil, err
	}
	return g.pool.PrepareContext(ctx, query)
}

// ExecContext runs a statement the guard lets pass.
func (g *guard) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if err := inspect(ctx, query); err != nil {
		return nil, err
	}
	return g.pool.ExecContext(ctx, query, args...)
}

// QueryContext runs a query the guard lets pass.
func (g *guard) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := inspect(ctx, query); err != nil {
		return nil, err
	}
	return g.pool.QueryContext(ctx, query, args...)
}

// QueryRowContext has no way to return the refusal, so it asks for nothing instead: a canceled context makes Scan fail.
func (g *guard) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if err := inspect(ctx, query); err != nil {
		canceled, cancel := context.WithCancelCause(ctx)
		cancel(err)
		return g.pool.QueryRowContext(canceled, query, args...)
	}
	return g.pool.QueryRowContext(ctx, query, args...)
}

package store_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"foyer/internal/foyer"
	"foyer/internal/store"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	for _, statement := range []string{
		// Not a tenant's.
		`SELECT * FROM merchants WHERE id = ?`,
		`SELECT 1`,
		`UPDATE signing_keys SET retired_at = ? WHERE retired_at IS NULL`,
		`INSERT INTO rate_limits (name) VALUES (?) ON CONFLICT (name) DO UPDATE SET used = rate_limits.used + 1 RETURNING used`,
		`SELECT 'payments' FROM merchants`,
		`SELECT * FROM merchants -- payments`,
		`SELECT payments.id FROM merchants`,

		// The tenant is named.
		`SELECT * FROM payments WHERE merchant_id = ?`,
		`SELECT * FROM payments WHERE merchant_id = $1 AND id = $2`,
		`SELECT * FROM payments WHERE id = ? AND merchant_id = ? ORDER BY id LIMIT 1`,
		`SELECT * FROM "payments" WHERE "payments"."merchant_id" = $1`,
		"SELECT * FROM `payments` WHERE `merchant_id` = ? AND (total <> 0 OR total IS NULL)",
		`select * from PAYMENTS where MERCHANT_ID=?`,
		`SELECT * FROM payments WHERE (merchant_id = ? AND id = ?) AND (listed_at, id) < (?, ?)`,
		`SELECT * FROM payments WHERE ((merchant_id = ?))`,
		`SELECT * FROM payments WHERE merchant_id IN (?, ?)`,
		`SELECT * FROM payments WHERE merchant_id = 'mer_1'`,
		`SELECT * FROM payments p WHERE p.merchant_id = ? /* the tenant's */ AND p.id = ?`,
		`SELECT * FROM payments p JOIN invoices i ON i.payment_id = p.id AND i.merchant_id = p.merchant_id WHERE p.merchant_id = ?`,
		`SELECT * FROM payments p JOIN invoices i ON i.merchant_id = ? AND i.payment_id = p.id WHERE p.merchant_id = ?`,
		`SELECT * FROM payments WHERE merchant_id = ? AND id IN (SELECT payment_id FROM refunds WHERE merchant_id = ?)`,
		`WITH mine AS (SELECT id FROM payments WHERE merchant_id = ?) SELECT * FROM mine`,
		`SELECT id FROM payments WHERE merchant_id = ? UNION ALL SELECT id FROM invoices WHERE merchant_id = ?`,
		`SELECT * FROM payments WHERE merchant_id = ? AND id = ? FOR UPDATE`,
		`SELECT count(*) FROM (SELECT id FROM payments WHERE merchant_id = ?) AS mine`,
		`SELECT CASE WHEN total = 0 OR tax = 0 THEN 1 ELSE 2 END FROM payments WHERE merchant_id = ?`,
		`UPDATE payments SET status = ? WHERE merchant_id = ? AND id = ?`,
		`DELETE FROM payments WHERE merchant_id = ? AND id = ?`,
		`INSERT INTO payments (id, merchant_id) VALUES (?, ?)`,
		`INSERT INTO "payments" ("id","merchant_id") VALUES ($1,$2) ON CONFLICT ("id") DO UPDATE SET "total"="excluded"."total" WHERE payments.merchant_id = excluded.merchant_id`,
		`INSERT INTO payments (id, merchant_id) SELECT id, merchant_id FROM invoices WHERE merchant_id = ?`,
	} {
		assert.NoError(t, store.Judge(statement), statement)
	}
	for _, statement := range []string{
		`SELECT * FROM payments`,
		`SELECT * FROM payments WHERE id = ?`,
		`select * from payments where id = ?`,
		`SELECT * FROM "payments" WHERE id = $1`,
		"SELECT * FROM `Payments` WHERE id = ?",
		`SELECT * FROM public.payments WHERE id = ?`,
		`SELECT * FROM "public"."payments" WHERE id = $1`,
		`SELECT * FROM [payments] WHERE id = ?`,
		`SELECT*FROM(payments)WHERE id = ?`,
		`SELECT * FROM/**/payments`,
		`SELECT * FROM ONLY payments`,
		`SELECT * FROM merchants, payments WHERE payments.id = ?`,
		`TABLE payments`,
		`TRUNCATE payments`,
		`UPDATE payments SET status = ? WHERE id = ?`,
		`DELETE FROM payments WHERE id = ?`,
		`INSERT INTO payments (id) VALUES (?)`,
		`INSERT INTO payments VALUES (?, ?)`,
		`INSERT INTO payments (id, not_merchant_id) VALUES (?, ?)`,
		`INSERT INTO payments (id) SELECT merchant_id FROM merchants`,

		// Named where it decides nothing.
		`SELECT merchant_id FROM payments WHERE id = ?`,
		`SELECT merchant_id = ? FROM payments WHERE id = ?`,
		`SELECT (merchant_id = ?) FROM payments`,
		`SELECT * FROM payments ORDER BY merchant_id = ?`,
		`SELECT count(*) FROM payments GROUP BY merchant_id HAVING merchant_id = ?`,
		`SELECT * FROM payments -- WHERE merchant_id = ?`,
		`SELECT * FROM payments /* WHERE merchant_id = ? */ WHERE id = ?`,
		`SELECT * FROM payments WHERE id = 'merchant_id = ?'`,
		`SELECT * FROM payments WHERE id = 'it''s merchant_id = ?'`,
		`UPDATE payments SET merchant_id = ? WHERE id = ?`,
		`DELETE FROM payments WHERE id = ? RETURNING merchant_id = ?`,

		// Compared so that another's row is found.
		`SELECT * FROM payments WHERE id = ? OR merchant_id = ?`,
		`SELECT * FROM payments WHERE merchant_id = ? OR id = ?`,
		`SELECT * FROM payments WHERE merchant_id = ? AND id = ? OR id = ?`,
		`SELECT * FROM payments WHERE (id = ? OR merchant_id = ?) AND status = ?`,
		`SELECT * FROM payments WHERE (merchant_id = ?) OR (id = ?)`,
		`SELECT * FROM payments WHERE merchant_id <> ?`,
		`SELECT * FROM payments WHERE merchant_id != ?`,
		`SELECT * FROM payments WHERE merchant_id >= ?`,
		`SELECT * FROM payments WHERE merchant_id IS NOT NULL`,
		`SELECT * FROM payments WHERE merchant_id NOT IN (?)`,
		`SELECT * FROM payments WHERE NOT merchant_id = ?`,
		`SELECT * FROM payments WHERE NOT (merchant_id = ?)`,
		`SELECT * FROM payments WHERE coalesce(merchant_id = ?, true)`,
		`SELECT * FROM payments WHERE CASE WHEN id = ? AND merchant_id = ? THEN true ELSE true END`,
		`SELECT * FROM payments WHERE merchant_id = merchant_id`,
		`SELECT * FROM payments p WHERE p.merchant_id = p.merchant_id`,
		`SELECT * FROM payments WHERE merchant_id IN (SELECT id FROM merchants)`,
		`SELECT * FROM payments JOIN merchants ON payments.merchant_id = merchants.id WHERE payments.id = ?`,
		`SELECT * FROM payments WHERE old_merchant_id = ?`,

		// One of several is forgotten.
		`SELECT * FROM payments p JOIN invoices i ON i.payment_id = p.id WHERE p.merchant_id = ?`,
		`SELECT * FROM payments p, invoices i WHERE p.merchant_id = ?`,
		`SELECT * FROM payments p JOIN payments q ON q.subscription_id = p.subscription_id WHERE p.merchant_id = ?`,
		`SELECT * FROM payments p JOIN invoices i ON i.merchant_id = p.merchant_id AND p.merchant_id = i.merchant_id`,
		`SELECT * FROM payments p LEFT JOIN invoices i ON i.merchant_id = p.merchant_id AND p.merchant_id = ?`,
		`SELECT * FROM payments WHERE merchant_id = ? AND id IN (SELECT payment_id FROM refunds)`,
		`SELECT * FROM payments WHERE merchant_id = ? AND EXISTS (SELECT 1 FROM refunds WHERE payment_id = payments.id)`,
		`SELECT * FROM payments WHERE id IN (SELECT payment_id FROM refunds WHERE merchant_id = ? AND merchant_id = ?)`,
		`SELECT (SELECT count(*) FROM refunds) FROM payments WHERE merchant_id = ? AND merchant_id = ?`,
		`WITH mine AS (SELECT id FROM payments) SELECT * FROM mine`,
		`WITH mine AS (SELECT id FROM payments) SELECT * FROM invoices WHERE merchant_id = ? AND merchant_id = ?`,
		`SELECT id FROM payments WHERE merchant_id = ? AND merchant_id = ? UNION SELECT id FROM invoices`,
		`DELETE FROM payments USING invoices WHERE invoices.merchant_id = ?`,
		`INSERT INTO payments (id, merchant_id) SELECT id, merchant_id FROM invoices`,
		`INSERT INTO payments (id, merchant_id) SELECT id, ? FROM invoices WHERE id = ?`,
		`SELECT 1; DELETE FROM payments`,
		`SELECT * FROM payments WHERE merchant_id = ? AND merchant_id = ?; DELETE FROM payments`,
		`SELECT * FROM ((payments`,
	} {
		assert.Error(t, store.Judge(statement), statement)
	}
}

func FuzzJudge(f *testing.F) {
	f.Add(`SELECT * FROM payments WHERE (merchant_id = ?) OR 'x' -- y`)
	f.Add(`)) CASE END ( . " ' /*`)
	f.Fuzz(func(_ *testing.T, statement string) { _ = store.Judge(statement) }) // it reads anything
}

// The list of tenants' tables is that of the schema: a new table can't be forgotten.
func TestTenantTables(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		var tables []string
		for name, table := range schemaOf(t, f.Store) {
			for _, c := range table.Columns {
				if c.Name == "merchant_id" {
					tables = append(tables, name)
				}
			}
		}
		assert.ElementsMatch(t, tables, store.TenantTables)
	})
}

// A forgotten condition reaches no row, whatever the way: finder, row, scan, update, delete, in and outside a transaction.
func TestGuardRefuses(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		var n int64
		var names []string
		tries := func(t *testing.T, s func() *gorm.DB) {
			t.Helper()
			for name, err := range map[string]error{
				"find":   s().Table("customers").Where("id = ?", f.foreigner.ID).Pluck("name", &names).Error,
				"raw":    s().Raw("SELECT name FROM customers WHERE id = ?", f.foreigner.ID).Scan(&names).Error,
				"row":    s().Raw("SELECT count(*) FROM customers").Row().Scan(&n),
				"count":  s().Table("customers").Count(&n).Error,
				"update": s().Exec("UPDATE customers SET name = 'mine' WHERE id = ?", f.foreigner.ID).Error,
				"delete": s().Exec("DELETE FROM customers").Error,
				"insert": s().Exec("INSERT INTO portal_origins (origin) VALUES ('https://x.test')").Error,
			} {
				assert.Error(t, err, name)
			}
			assert.Empty(t, names)
			assert.Zero(t, n)
		}
		tries(t, func() *gorm.DB { return f.GORM(t.Context()) })
		require.NoError(t, f.InTx(t.Context(), func(ctx context.Context) error {
			tries(t, func() *gorm.DB { return f.GORM(ctx) })
			return nil
		}))
		got, err := f.Customer(t.Context(), scope(f.foreigner))
		require.NoError(t, err)
		require.Equal(t, f.foreigner, got)

		// Whoever says so may look across merchants, also in a transaction, and only there.
		across := store.AcrossMerchants(t.Context(), "a test")
		require.NoError(t, f.GORM(across).Table("customers").Count(&n).Error)
		require.EqualValues(t, 3, n)
		require.NoError(t, f.InTx(t.Context(), func(ctx context.Context) error {
			require.NoError(t, f.GORM(store.AcrossMerchants(ctx, "a test")).Table("customers").Count(&n).Error)
			return nil
		}))
		require.EqualValues(t, 3, n)
		require.ErrorContains(t, f.GORM(t.Context()).Table("customers").Count(&n).Error, "merchant_id")
	})
}

// Ids of every length make statements of every length; the longest are not remembered, but judged all the same.
func TestGuardLongStatements(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		ids := make([]string, 2000)
		for i := range ids {
			ids[i] = fmt.Sprint(i)
		}
		var found []foyer.CustomerID
		require.NoError(t, f.GORM(t.Context()).Table("customers").Where("merchant_id = ? AND id IN ?", f.merchant.ID, ids).Pluck("id", &found).Error)
		for range 2 {
			require.Error(t, f.GORM(t.Context()).Table("customers").Where("id IN ?", ids).Pluck("id", &found).Error)
		}
	})
}

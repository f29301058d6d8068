package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyertest"
	"foyer/internal/retention"
	"foyer/internal/store"
)

// The numbers of the insights and the receipts are compared with the cancellations: what is changed by hand, on whichever day, is found.
func TestCheckAddsUpTheCancellations(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		c := a.Customer(t, m, "mia@mailbox.test")
		mia := a.SignIn(t, m, c.Email)
		cancel := func(sub billing.Subscription, body map[string]any) string {
			return mia.Post("/v1/subscriptions/"+string(sub.ID)+"/cancellations", body).Must(http.StatusCreated).Text("id")
		}
		native := func(s *billing.Subscription) { s.Provider = billing.ProviderNative }
		cancel(a.Subscription(t, c, native), map[string]any{})
		confirmed := cancel(a.Subscription(t, c, native), map[string]any{"confirm": true})
		now, err := a.Merchants.Clock(t.Context(), m.ID)
		require.NoError(t, err)
		a.Until(t, m, now.AddDate(0, 0, 3))
		cancel(a.Subscription(t, c, native), map[string]any{"confirm": true, "effective": "immediately"})

		const numbers, receipts = "retention numbers that are not the sums of their cancellations", "receipts of cancellations missing or changed"
		broken := func(rule string) int64 {
			t.Helper()
			findings, err := a.Check(t.Context())
			require.NoError(t, err)
			for _, f := range findings {
				if f.Rule == rule {
					return f.Broken
				}
			}
			t.Fatal("no such rule: ", rule)
			return 0
		}
		exec := func(statement string, args ...any) {
			t.Helper()
			_, err := a.Store.SQL().ExecContext(t.Context(), statement, args...)
			require.NoError(t, err, statement)
		}
		require.Zero(t, broken(numbers))
		require.Zero(t, broken(receipts))
		sums, err := a.Store.Tallies(t.Context(), m.ID, retention.InsightsQuery{From: now.AddDate(0, 0, -1), To: now.AddDate(0, 0, 5), By: retention.GroupByDay})
		require.NoError(t, err)
		require.Len(t, sums, 2)

		empty := "INSERT INTO retention_tallies SELECT merchant_id, '%d', product_id, country, currency, reason, rule, offer_type, offer_group, %n, 0, 0, 0, 0, 0, 0, " +
			"0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 FROM retention_tallies WHERE day = '" + sums[0].Key.Day + "'"
		row := func(day, started string) string { return strings.NewReplacer("%d", day, "%n", started).Replace(empty) }
		for name, wrong := range map[string][2]string{
			"a number":                      {"UPDATE retention_tallies SET saved = saved + 1 WHERE started = 2", "UPDATE retention_tallies SET saved = saved - 1 WHERE started = 2"},
			"money":                         {"UPDATE retention_tallies SET revenue_at_stake = revenue_at_stake + 1 WHERE started = 1", "UPDATE retention_tallies SET revenue_at_stake = revenue_at_stake - 1 WHERE started = 1"},
			"before the first day":          {row("2001-01-01", "1"), "DELETE FROM retention_tallies WHERE day = '2001-01-01'"},
			"between the days":              {row(now.AddDate(0, 0, 1).Format(time.DateOnly), "1"), "DELETE FROM retention_tallies WHERE day = '" + now.AddDate(0, 0, 1).Format(time.DateOnly) + "'"},
			"after the last day":            {row("2199-01-01", "1"), "DELETE FROM retention_tallies WHERE day = '2199-01-01'"},
			"what became of a cancellation": {"UPDATE cancellations SET state = 'undone' WHERE state = 'scheduled'", "UPDATE cancellations SET state = 'scheduled' WHERE state = 'undone'"},
		} {
			exec(wrong[0])
			assert.EqualValues(t, 1, broken(numbers), name)
			exec(wrong[1])
			require.Zero(t, broken(numbers), name)
		}
		exec(row("2001-01-01", "0"))
		assert.Zero(t, broken(numbers), "a row of nothing says nothing")
		exec("DELETE FROM retention_tallies")
		assert.EqualValues(t, 2, broken(numbers), "rows that are missing")

		if a.Store.Dialect() == store.Postgres {
			exec("ALTER TABLE receipts DISABLE TRIGGER USER")
			exec("GRANT UPDATE, DELETE ON receipts TO CURRENT_USER")
		} else {
			exec("DROP TRIGGER receipts_no_update")
			exec("DROP TRIGGER receipts_no_delete")
		}
		exec("UPDATE receipts SET hash = 'x' WHERE id = '" + confirmed + "'")
		assert.EqualValues(t, 1, broken(receipts), "a receipt that was changed")
		exec("DELETE FROM receipt_files")
		exec("DELETE FROM receipts")
		assert.EqualValues(t, 2, broken(receipts), "no receipts at all")
	})
}

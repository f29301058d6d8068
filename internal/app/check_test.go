package app_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/foyertest"
)

// What Check looks for, it finds: each rule is broken by hand, one after the other.
func TestCheckFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		c := a.Customer(t, m, "mia@mailbox.test")
		sub := a.Subscribe(t, c, a.Price(t, m, "Basic", 1000), "tok_4242")
		a.Until(t, m, sub.CurrentPeriod.End.Add(time.Hour))
		broken := func() (rules []string) {
			findings, err := a.Check(context.Background())
			require.NoError(t, err)
			require.NotEmpty(t, findings)
			for _, f := range findings {
				if f.Broken != 0 {
					rules = append(rules, f.Rule)
				}
			}
			return rules
		}
		require.Empty(t, broken())
		require.Len(t, a.Ledger(t), 2)
		bills, err := a.Store.Payments(context.Background(), foyertest.As(c).Scope, billing.PaymentFilter{}, foyer.PageRequest{Limit: 1})
		require.NoError(t, err)
		_, _, err = a.Engine.Refund(context.Background(), foyertest.As(c), bills[0].ID, billing.RefundInput{})
		require.NoError(t, err)
		require.Empty(t, broken())
		for _, wrong := range []struct{ rule, do, undo string }{
			{"charges booked with another amount", "UPDATE attempts SET amount = amount + 1", "UPDATE attempts SET amount = amount - 1"},
			{"charges of the gateway that are not booked", "UPDATE attempts SET status = 'failed'", "UPDATE attempts SET status = 'captured'"},
			{"booked charges the gateway knows nothing of", "DELETE FROM sandbox_gateway_charges", ""},
			{"completed payments without an invoice", "UPDATE payments SET invoice_id = NULL", ""},
			{"numbers missing or given twice", "UPDATE number_series SET last = last + 1", ""},
			{"payments whose totals do not add up", "UPDATE payments SET tax = tax + 1", ""},
			{"subscriptions past due without a debt", "UPDATE subscriptions SET status = 'past_due'", ""},
			{"payments refunded other than their refunds", "UPDATE refunds SET status = 'reversed'", "UPDATE refunds SET status = 'approved'"},
			{"invoices with more credited than they were for", "UPDATE invoices SET total = total + 1 WHERE credits IS NOT NULL", "UPDATE invoices SET total = total - 1 WHERE credits IS NOT NULL"},
			{"attempts nobody looks after", "UPDATE attempts SET status = 'pending'", ""},
		} {
			_, err := a.Store.SQL().ExecContext(context.Background(), wrong.do)
			require.NoError(t, err, wrong.rule)
			assert.Contains(t, broken(), wrong.rule)
			if wrong.undo != "" {
				_, err := a.Store.SQL().ExecContext(context.Background(), wrong.undo)
				require.NoError(t, err)
			}
		}
	})
}

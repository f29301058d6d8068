package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/invoice"
	"foyer/internal/retention"
)

func TestWithdrawals(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		scope := foyer.Scope{Merchant: f.merchant.ID, Customer: f.customer.ID}
		sub := billing.Subscription{
			ID: billing.SubscriptionID(f.ids(foyer.PrefixSubscription)), Merchant: scope.Merchant, Customer: scope.Customer, Status: billing.SubscriptionActive,
			Currency: "EUR", Items: []billing.SubscriptionItem{{ProductName: "Plan", Quantity: 1}}, Cycle: foyer.Cycle{Interval: foyer.Month, Frequency: 1},
			CollectionMode: billing.CollectAutomatic, CreatedAt: start, UpdatedAt: start, Version: 1,
		}
		require.NoError(t, f.Importing(invoice.Party{}).Save(ctx, scope.Merchant, billing.ImportBatch{Subscriptions: []billing.ImportedSubscription{{Subscription: sub}}}))
		made := func() retention.Withdrawal {
			return retention.NewWithdrawal{
				ID: retention.WithdrawalID(f.ids(foyer.PrefixWithdrawal)), Subscription: sub, Profile: retention.ProfileDE, Country: "DE", EndsAt: start.AddDate(0, 0, 14), Policy: retention.RefundFull,
			}.Begin(start)
		}
		_, err := f.CurrentWithdrawal(ctx, scope, sub.ID)
		refused(t, foyer.NotFound, err)
		w := made()
		created, err := f.CreateWithdrawal(ctx, w)
		require.NoError(t, err)
		require.True(t, created)
		created, err = f.CreateWithdrawal(ctx, made())
		require.NoError(t, err)
		require.False(t, created, "one is open already")
		current, err := f.CurrentWithdrawal(ctx, scope, sub.ID)
		require.NoError(t, err)
		require.Equal(t, w, current)

		before := w.Version
		w, err = w.Confirmed(billing.Subscription{Status: billing.SubscriptionCanceled}, []retention.Return{{Payment: "pay_1", Money: 5}}, "call", start)
		require.NoError(t, err)
		require.NoError(t, f.SaveWithdrawal(ctx, w, before))
		refused(t, foyer.Conflict, f.SaveWithdrawal(ctx, w, before))
		saved, err := f.Withdrawal(ctx, scope, w.ID)
		require.NoError(t, err)
		require.Equal(t, w, saved)
		created, err = f.CreateWithdrawal(ctx, made())
		require.NoError(t, err)
		require.False(t, created, "a contract is undone once")

		// Who takes it over has it until its lease is over.
		due := start.Add(time.Minute)
		taken, err := f.DueWithdrawals(ctx, scope.Merchant, due, due.Add(time.Minute), 10)
		require.NoError(t, err)
		require.Equal(t, []retention.Withdrawal{w}, taken)
		taken, err = f.DueWithdrawals(ctx, scope.Merchant, due, due.Add(time.Minute), 10)
		require.NoError(t, err)
		require.Empty(t, taken)
		next, err := f.NextDue(ctx, scope.Merchant)
		require.NoError(t, err)
		assert.Equal(t, due.Add(time.Minute), *next)

		for _, other := range []foyer.Scope{{Merchant: scope.Merchant, Customer: f.neighbor.ID}, {Merchant: f.stranger.ID, Customer: scope.Customer}, {}} {
			_, err = f.Withdrawal(ctx, other, w.ID)
			refused(t, foyer.NotFound, err)
			_, err = f.CurrentWithdrawal(ctx, other, sub.ID)
			refused(t, foyer.NotFound, err)
			all, err := f.AllWithdrawals(ctx, other, foyer.PageRequest{Limit: 10})
			assert.NoError(t, err)
			assert.Empty(t, all)
			theirs := w
			theirs.Merchant, theirs.Customer, theirs.Version = other.Merchant, other.Customer, 3
			refused(t, foyer.Conflict, f.SaveWithdrawal(ctx, theirs, w.Version))
		}
		_, err = f.MerchantWithdrawal(ctx, f.stranger.ID, w.ID)
		refused(t, foyer.NotFound, err)
		for name, c := range map[string]struct {
			filter retention.WithdrawalFilter
			found  int
		}{
			"all":       {retention.WithdrawalFilter{}, 1},
			"confirmed": {retention.WithdrawalFilter{States: []retention.WithdrawalState{retention.WithdrawalConfirmed}, Customer: scope.Customer, Subscription: sub.ID}, 1},
			"failed":    {retention.WithdrawalFilter{States: []retention.WithdrawalState{retention.WithdrawalFailed}}, 0},
			"neighbor":  {retention.WithdrawalFilter{Customer: f.neighbor.ID}, 0},
		} {
			found, err := f.MerchantWithdrawals(ctx, scope.Merchant, c.filter, foyer.PageRequest{Limit: 10})
			require.NoError(t, err)
			assert.Len(t, found, c.found, name)
		}
	})
}

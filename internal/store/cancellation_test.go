package store_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/invoice"
	"foyer/internal/retention"
)

func TestCancellations(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		scope := foyer.Scope{Merchant: f.merchant.ID, Customer: f.customer.ID}
		period := foyer.Period{Start: start, End: start.AddDate(0, 1, 0)}
		sub := billing.Subscription{
			ID: billing.SubscriptionID(f.ids(foyer.PrefixSubscription)), Merchant: scope.Merchant, Customer: scope.Customer, Status: billing.SubscriptionActive,
			Currency: "EUR", Items: []billing.SubscriptionItem{{ProductName: "Plan", Quantity: 1}}, Cycle: foyer.Cycle{Interval: foyer.Month, Frequency: 1},
			CollectionMode: billing.CollectAutomatic, CurrentPeriod: &period, CreatedAt: start, UpdatedAt: start, Version: 1,
		}
		require.NoError(t, f.Importing(invoice.Party{}).Save(ctx, scope.Merchant, billing.ImportBatch{Subscriptions: []billing.ImportedSubscription{{Subscription: sub}}}))
		made := func() retention.Cancellation {
			return retention.Cancellation{
				ID: retention.CancellationID(f.ids(foyer.PrefixCancellation)), Merchant: scope.Merchant, Customer: scope.Customer, Subscription: sub.ID,
				State: retention.Open, Step: retention.StepConfirm, Effective: billing.Immediately, CreatedAt: start, UpdatedAt: start, Version: 1,
			}
		}
		_, err := f.OpenCancellation(ctx, scope, sub.ID)
		refused(t, foyer.NotFound, err)
		c := made()
		created, err := f.CreateCancellation(ctx, c)
		require.NoError(t, err)
		require.True(t, created)
		created, err = f.CreateCancellation(ctx, made())
		require.NoError(t, err)
		require.False(t, created, "one is open already")
		open, err := f.OpenCancellation(ctx, scope, sub.ID)
		require.NoError(t, err)
		require.Equal(t, c, open)

		c.State, c.Step, c.Effective, c.EffectiveAt, c.Version = retention.Scheduled, retention.StepDone, billing.AtPeriodEnd, &period.End, 2
		require.NoError(t, f.SaveCancellation(ctx, c, 1))
		refused(t, foyer.Conflict, f.SaveCancellation(ctx, c, 1))
		saved, err := f.Cancellation(ctx, scope, c.ID)
		require.NoError(t, err)
		require.Equal(t, c, saved)
		scheduled, err := f.ScheduledCancellations(ctx, scope, sub.ID)
		require.NoError(t, err)
		require.Equal(t, []retention.Cancellation{c}, scheduled)
		created, err = f.CreateCancellation(ctx, made())
		require.NoError(t, err)
		require.True(t, created, "another one may be open now")

		for _, other := range []foyer.Scope{{Merchant: scope.Merchant, Customer: f.neighbor.ID}, {Merchant: f.stranger.ID, Customer: scope.Customer}, {}} {
			_, err = f.Cancellation(ctx, other, c.ID)
			refused(t, foyer.NotFound, err)
			_, err = f.OpenCancellation(ctx, other, sub.ID)
			refused(t, foyer.NotFound, err)
			scheduled, err = f.ScheduledCancellations(ctx, other, sub.ID)
			assert.NoError(t, err)
			assert.Empty(t, scheduled)
			theirs := c
			theirs.Merchant, theirs.Customer, theirs.Version = other.Merchant, other.Customer, 3
			refused(t, foyer.Conflict, f.SaveCancellation(ctx, theirs, 2))
		}
	})
}

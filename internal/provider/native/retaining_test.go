package native_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

func percentOff(percent foyer.Rate, periods int) billing.SubscriptionDiscount {
	return billing.SubscriptionDiscount{Type: billing.DiscountPercent, Percent: percent, PeriodsLeft: &periods}
}

func onDay(month time.Month, day int) time.Time {
	return time.Date(2026, month, day, 13, 0, 0, 0, time.UTC) // an hour after subscriptions renew
}

// totals are what the customer's payments came to, oldest first.
func (r *rig) totals(t testing.TB) []int64 {
	t.Helper()
	var all []int64
	for _, p := range r.payments(t) {
		all = append(all, p.Totals.Total)
	}
	return all
}

// 19.99 with 19 % tax is 23.79. Less 30 %: 19.99 − 6.00 = 13.99, with tax 16.65. Less 5.00: 14.99, with tax 17.84.
func TestADiscountLowersTheNextBillsToTheCent(t *testing.T) {
	t.Parallel()
	three, fixed := 3, int64(500)
	for name, c := range map[string]struct {
		discount billing.SubscriptionDiscount
		trial    bool
		want     []int64
	}{
		"30 % for three periods": {percentOff("30", 3), false, []int64{2379, 1665, 1665, 1665, 2379}},
		"5.00 for three periods": {billing.SubscriptionDiscount{Type: billing.DiscountFixed, Amount: &fixed, PeriodsLeft: &three}, false, []int64{2379, 1784, 1784, 1784, 2379}},
		"given in a trial":       {percentOff("30", 3), true, []int64{1665, 1665, 1665, 2379}},
		"without end":            {billing.SubscriptionDiscount{Type: billing.DiscountPercent, Percent: "30"}, false, []int64{2379, 1665, 1665, 1665, 1665}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, r *rig) {
				ctx := context.Background()
				price := r.price(t, "Basic", 1999, func(p *billing.Price) {
					if c.trial {
						p.Trial = &foyer.Cycle{Interval: foyer.Day, Frequency: 28}
					}
				})
				sub := r.subscribe(t, price, r.method(t, r.by, "good"))
				shown, err := sub.Discounted(c.discount, r.clock.now())
				require.NoError(t, err)
				r.mails.take()
				given, err := r.billing.ApplyDiscount(ctx, r.by, sub.ID, c.discount)
				require.NoError(t, err)
				assert.Equal(t, shown.NextPayment(), given.NextPayment(), "as it was shown before")
				assert.Equal(t, []billing.MailKind{billing.MailDiscountApplied}, r.mails.take())
				_, err = r.billing.ApplyDiscount(ctx, r.by, sub.ID, c.discount)
				require.ErrorIs(t, err, foyer.Conflict, "one at a time")
				r.until(t, onDay(5, 31))
				assert.Equal(t, c.want, r.totals(t))
				full := r.payments(t)[len(c.want)-1]
				assert.Equal(t, full.BillingPeriod.Start, *given.BillAfter(4), "the first bill after three")
				r.audit(t)
			})
		})
	}
}

func TestALaterEndIsRenewedUntilThen(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		ctx := context.Background()
		sub := r.subscribe(t, r.price(t, "Basic", 1000), r.method(t, r.by, "good"))
		named := onDay(4, 2)
		canceled, err := r.billing.Cancel(ctx, r.by, sub.ID, billing.CancelInput{NotBefore: &named, Receipt: "can_1"})
		require.NoError(t, err)
		assert.Equal(t, onDay(4, 30).Add(-time.Hour), canceled.ScheduledChange.EffectiveAt)
		assert.NotNil(t, canceled.NextPayment())
		r.until(t, onDay(3, 1))
		assert.NotNil(t, r.subscription(t, sub.ID).NextPayment(), "March is billed too")
		r.until(t, onDay(4, 1))
		running := r.subscription(t, sub.ID)
		assert.Equal(t, billing.SubscriptionActive, running.Status)
		assert.Equal(t, canceled.ScheduledChange, running.ScheduledChange, "read as it was written")
		assert.Nil(t, running.NextPayment(), "this is its last period")
		r.until(t, onDay(8, 1))
		over := r.subscription(t, sub.ID)
		assert.Equal(t, billing.SubscriptionCanceled, over.Status)
		assert.Equal(t, onDay(4, 30).Add(-time.Hour), *over.CanceledAt)
		assert.Equal(t, []int64{1190, 1190, 1190}, r.totals(t))
		orders, err := r.store.MailOrders(ctx, r.by.Scope)
		require.NoError(t, err)
		i := slices.IndexFunc(orders, func(o billing.MailOrder) bool { return o.Kind == billing.MailCancellationScheduled })
		require.GreaterOrEqual(t, i, 0)
		assert.Equal(t, "can_1", orders[i].Facts.Receipt)
		assert.False(t, orders[i].Facts.WithCharge)
		r.audit(t)
	})
}

// Declared by somebody who was not signed in, while a renewal is owed: dunning goes on, declined again and again, and what is not paid
// by the end is not collected any more.
func TestADeferredCancelOfWhatIsPastDue(t *testing.T) {
	t.Parallel()
	for name, paid := range map[string]bool{"never paid": false, "paid meanwhile": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, r *rig) {
				ctx := context.Background()
				sub := r.subscribe(t, r.price(t, "Basic", 1000), r.method(t, r.by, "good"))
				r.gateway.behavior["good"] = "declined"
				r.until(t, onDay(3, 1))
				declared, err := r.billing.Cancel(ctx, r.by, sub.ID, billing.CancelInput{Deferred: true})
				require.NoError(t, err)
				require.Equal(t, billing.SubscriptionPastDue, declared.Status)
				assert.Equal(t, onDay(3, 31).Add(-time.Hour), declared.ScheduledChange.EffectiveAt)
				r.until(t, onDay(3, 10))
				dunned := r.subscription(t, sub.ID)
				require.Equal(t, billing.SubscriptionPastDue, dunned.Status, "declined retries end nothing")
				assert.Len(t, r.payments(t)[1].Attempts, 4)
				if paid {
					delete(r.gateway.behavior, "good")
				}
				r.until(t, onDay(5, 1))
				over := r.subscription(t, sub.ID)
				assert.Equal(t, billing.SubscriptionCanceled, over.Status)
				want := billing.PaymentCanceled
				if paid {
					want = billing.PaymentCompleted
				}
				bills := r.payments(t)
				require.Len(t, bills, 2, "no other period is billed")
				assert.Equal(t, want, bills[1].Status)
				r.audit(t)
			})
		})
	}
}

// The last tries of dunning come after the end: the debt is given up at the end itself.
func TestADebtIsForgivenAtADeclaredEnd(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		ctx := context.Background()
		weekly := r.price(t, "Weekly", 1000, func(p *billing.Price) { p.Cycle = &foyer.Cycle{Interval: foyer.Week, Frequency: 1} })
		sub := r.subscribe(t, weekly, r.method(t, r.by, "good"))
		r.gateway.behavior["good"] = "declined"
		r.until(t, onDay(2, 16)) // declined on the 7th; its week was over on the 14th
		declared, err := r.billing.Cancel(ctx, r.by, sub.ID, billing.CancelInput{Deferred: true})
		require.NoError(t, err)
		assert.Equal(t, onDay(3, 2), declared.ScheduledChange.EffectiveAt, "never at once: two weeks")
		r.until(t, onDay(3, 1))
		require.Equal(t, billing.SubscriptionPastDue, r.subscription(t, sub.ID).Status)
		r.until(t, onDay(3, 3))
		assert.Equal(t, billing.SubscriptionCanceled, r.subscription(t, sub.ID).Status)
		assert.Equal(t, billing.PaymentCanceled, r.payments(t)[1].Status)
		r.until(t, onDay(4, 15))
		assert.Len(t, r.payments(t), 2)
		r.audit(t)
	})
}

// An invoice is owed after the end too, and its reminders bring the subscription back in no state.
func TestAnInvoiceOutlivesItsSubscription(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		ctx := context.Background()
		sub := r.subscribe(t, r.price(t, "Basic", 1000), billing.PaymentMethod{}, func(in *billing.SubscribeInput) {
			in.CollectionMode = billing.CollectManual
			in.BillingDetails = &billing.Terms{PaymentTerms: &foyer.Cycle{Interval: foyer.Day, Frequency: 7}}
		})
		r.until(t, onDay(2, 8))
		require.Equal(t, billing.SubscriptionPastDue, r.subscription(t, sub.ID).Status)
		_, err := r.billing.Cancel(ctx, r.by, sub.ID, billing.CancelInput{Effective: billing.Immediately})
		require.NoError(t, err)
		r.until(t, onDay(4, 15))
		assert.Equal(t, billing.SubscriptionCanceled, r.subscription(t, sub.ID).Status)
		assert.Equal(t, billing.PaymentPastDue, r.payments(t)[0].Status)
	})
}

func TestADeferredCancelOfWhatIsPaused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		on, resume, end time.Time
	}{
		"within the period it keeps":  {onDay(2, 10), onDay(2, 20), onDay(2, 28).Add(-time.Hour)},
		"when nothing is kept of one": {onDay(3, 5), onDay(3, 10), onDay(3, 19)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, r *rig) {
				ctx := context.Background()
				sub := r.subscribe(t, r.price(t, "Basic", 1000), r.method(t, r.by, "good"))
				_, err := r.billing.Pause(ctx, r.by, sub.ID, billing.PauseInput{Effective: billing.Immediately, ResumeAt: &c.resume})
				require.NoError(t, err)
				r.until(t, c.on)
				declared, err := r.billing.Cancel(ctx, r.by, sub.ID, billing.CancelInput{Effective: billing.Immediately, Deferred: true})
				require.NoError(t, err)
				assert.Equal(t, billing.SubscriptionPaused, declared.Status)
				assert.Equal(t, c.end, declared.ScheduledChange.EffectiveAt)
				r.until(t, c.end.Add(-time.Minute))
				assert.Equal(t, billing.SubscriptionPaused, r.subscription(t, sub.ID).Status, "it is not resumed before")
				r.until(t, c.end.Add(time.Minute))
				assert.Equal(t, billing.SubscriptionCanceled, r.subscription(t, sub.ID).Status)
				assert.Len(t, r.payments(t), 1)
			})
		})
	}
}

// A discount and a cancel at the same moment: one of each at most, and never a discount on what is to end.
func TestADiscountAgainstACancel(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		ctx := context.Background()
		sub := r.subscribe(t, r.price(t, "Basic", 1000), r.method(t, r.by, "good"))
		r.mails.take()
		var wait sync.WaitGroup
		accepts, cancels := make([]error, 50), make([]error, 50)
		for i := range 50 {
			wait.Go(func() { _, accepts[i] = r.ApplyDiscount(ctx, r.by, sub.ID, percentOff("30", 3)) })
			wait.Go(func() {
				_, cancels[i] = r.Cancel(ctx, r.by, sub.ID, billing.CancelInput{Effective: billing.AtPeriodEnd})
			})
		}
		wait.Wait()
		done := func(errs []error) (n int) {
			for _, err := range errs {
				if err == nil {
					n++
					continue
				}
				require.ErrorIs(t, err, foyer.Conflict)
			}
			return n
		}
		given := done(accepts)
		assert.Equal(t, 1, done(cancels), "who wants to leave can")
		assert.LessOrEqual(t, given, 1)
		after := r.subscription(t, sub.ID)
		assert.Equal(t, given == 1, after.Discount != nil)
		assert.Equal(t, sub.Version+int64(1+given), after.Version, "each had one effect")
		assert.Len(t, r.mails.take(), 1+given)
		_, err := r.ApplyDiscount(ctx, r.by, sub.ID, percentOff("30", 3))
		require.ErrorIs(t, err, foyer.Conflict)
	})
}

func TestALongerTrialAndADowngrade(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		ctx := context.Background()
		pro := r.price(t, "Pro", 3000, func(p *billing.Price) { p.Trial = &foyer.Cycle{Interval: foyer.Day, Frequency: 14} })
		basic := r.price(t, "Basic", 1000)
		sub := r.subscribe(t, pro, r.method(t, r.by, "good"))
		longer, err := r.billing.ExtendTrial(ctx, r.by, sub.ID, 14)
		require.NoError(t, err)
		assert.Equal(t, start.AddDate(0, 0, 28), longer.Trial.End)
		r.until(t, onDay(2, 27))
		assert.Empty(t, r.payments(t))
		r.until(t, onDay(2, 28))
		assert.Equal(t, []int64{3570}, r.totals(t))
		_, err = r.billing.ExtendTrial(ctx, r.by, sub.ID, 14)
		require.ErrorIs(t, err, foyer.Conflict)

		_, err = r.billing.Downgrade(ctx, r.by, sub.ID, []billing.ItemInput{{Price: pro.ID, Quantity: 2}})
		require.ErrorIs(t, err, foyer.Conflict, "that would be charged")
		down, err := r.billing.Downgrade(ctx, r.by, sub.ID, []billing.ItemInput{{Price: basic.ID, Quantity: 1}})
		require.NoError(t, err)
		assert.Equal(t, billing.ScheduleChange, down.ScheduledChange.Action)
		r.until(t, onDay(3, 28))
		assert.Equal(t, []int64{3570, 1190}, r.totals(t))
		r.audit(t)
	})
}

package native_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

func TestRenewalsKeepTheirDay(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		sub := r.subscribe(t, r.price(t, "Basic", 1000), r.method(t, r.by, "good"))
		require.Equal(t, billing.SubscriptionActive, sub.Status)
		r.until(t, time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC))
		var days []string
		for _, p := range r.payments(t) {
			assert.Equal(t, billing.PaymentCompleted, p.Status)
			assert.Equal(t, int64(1190), p.Totals.Total)
			days = append(days, p.BillingPeriod.Start.Format(time.DateOnly))
		}
		assert.Equal(t, []string{"2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"}, days)
		assert.Equal(t, []string{"INV-000001", "INV-000002", "INV-000003", "INV-000004", "INV-000005"}, r.numbers(t))
		r.audit(t)
	})
}

func TestDeclinedRenewalIsDunnedAndPaidByANewCard(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		ctx := context.Background()
		old := r.method(t, r.by, "good")
		sub := r.subscribe(t, r.price(t, "Basic", 1000), old)
		r.gateway.behavior["good"] = "not_enough_balance"
		r.mails.take()
		r.until(t, time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)) // renewal on the 28th, tried again after three days
		sub = r.subscription(t, sub.ID)
		require.Equal(t, billing.SubscriptionPastDue, sub.Status)
		debt := r.payments(t)[1]
		assert.Equal(t, sub.Debt, debt.ID)
		assert.Len(t, debt.Attempts, 2)
		assert.Equal(t, billing.ErrorCode("not_enough_balance"), debt.Attempts[0].ErrorCode)
		assert.Equal(t, time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC), *debt.RetryAt)
		assert.Equal(t, []billing.MailKind{billing.MailPaymentFailed, billing.MailPaymentFailed}, r.mails.take())

		declined := r.method(t, r.by, "expired_card")
		_, _, err := r.billing.SetSubscriptionPaymentMethod(ctx, r.by, sub.ID, declined.ID)
		require.ErrorIs(t, err, foyer.Declined)
		assert.Equal(t, old.ID, r.subscription(t, sub.ID).PaymentMethod, "declined: nothing changed but the attempt")

		delete(r.gateway.behavior, "good")
		fresh := r.method(t, r.by, "good")
		paid, next, err := r.billing.SetSubscriptionPaymentMethod(ctx, r.by, sub.ID, fresh.ID)
		require.NoError(t, err)
		require.Nil(t, next)
		assert.Equal(t, billing.SubscriptionActive, paid.Status)
		assert.Equal(t, fresh.ID, paid.PaymentMethod)
		assert.Empty(t, paid.Debt)
		r.audit(t)
		r.until(t, time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC))
		assert.Len(t, r.payments(t), 3)
	})
}

func TestDunningEndsWithTheSubscription(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		sub := r.subscribe(t, r.price(t, "Basic", 1000), r.method(t, r.by, "good"))
		r.gateway.behavior["good"] = "declined"
		r.until(t, time.Date(2026, 4, 15, 0, 0, 0, 0, time.UTC))
		sub = r.subscription(t, sub.ID)
		assert.Equal(t, billing.SubscriptionCanceled, sub.Status)
		debt := r.payments(t)[1]
		assert.Equal(t, billing.PaymentCanceled, debt.Status)
		var days []int
		for i := range debt.Attempts {
			a := debt.Attempts[len(debt.Attempts)-1-i]
			days = append(days, int(a.CreatedAt.Sub(*debt.FailedAt).Hours()/24))
		}
		assert.Equal(t, []int{0, 3, 5, 7, 14, 21, 30}, days)
		assert.Len(t, r.payments(t), 2, "nothing is billed after it ended")
	})
}

func TestTrialUpgradePauseResumeCancel(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		ctx := context.Background()
		basic := r.price(t, "Basic", 1000, func(p *billing.Price) { p.Trial = &foyer.Cycle{Interval: foyer.Day, Frequency: 14} })
		pro := r.price(t, "Pro", 3000)
		sub := r.subscribe(t, basic, r.method(t, r.by, "good"))
		require.Equal(t, billing.SubscriptionTrialing, sub.Status)
		require.Empty(t, r.payments(t))
		r.until(t, time.Date(2026, 2, 15, 0, 0, 0, 0, time.UTC))
		require.Equal(t, billing.SubscriptionActive, r.subscription(t, sub.ID).Status)

		half := time.Date(2026, 2, 28, 12, 0, 0, 0, time.UTC) // 14 of 28 days
		r.until(t, half)
		items := []billing.ItemInput{{Price: pro.ID, Quantity: 1}}
		preview, err := r.billing.PreviewChange(ctx, r.by, sub.ID, items)
		require.NoError(t, err)
		require.NotNil(t, preview.Immediate)
		after, next, err := r.billing.Change(ctx, r.by, sub.ID, items)
		require.NoError(t, err)
		require.Nil(t, next)
		assert.Equal(t, "Pro", after.Items[0].ProductName)
		charged := r.payments(t)[1]
		assert.Equal(t, preview.Immediate.Totals, withBalance(charged.Totals, preview.Immediate.Totals.Balance), "the preview is what is charged")
		assert.InDelta(t, 1190, charged.Totals.Total, 1, "half of 30 less half of 10, and 19 % tax")
		assert.Equal(t, int64(3570), after.RecurringTotal)

		down, _, err := r.billing.Change(ctx, r.by, sub.ID, []billing.ItemInput{{Price: basic.ID, Quantity: 1}})
		require.NoError(t, err)
		require.Equal(t, billing.ScheduleChange, down.ScheduledChange.Action)
		assert.Equal(t, int64(1190), *down.NextPayment().Total)
		_, err = r.billing.Keep(ctx, r.by, sub.ID)
		require.NoError(t, err)

		resume := time.Date(2026, 4, 20, 0, 0, 0, 0, time.UTC)
		paused, err := r.billing.Pause(ctx, r.by, sub.ID, billing.PauseInput{Effective: billing.AtPeriodEnd, ResumeAt: &resume})
		require.NoError(t, err)
		assert.Nil(t, paused.NextPayment())
		r.until(t, time.Date(2026, 3, 20, 0, 0, 0, 0, time.UTC))
		require.Equal(t, billing.SubscriptionPaused, r.subscription(t, sub.ID).Status)
		r.until(t, time.Date(2026, 4, 21, 0, 0, 0, 0, time.UTC))
		running := r.subscription(t, sub.ID)
		require.Equal(t, billing.SubscriptionActive, running.Status)
		assert.Equal(t, resume, running.CurrentPeriod.Start, "a resume by itself begins a period of its own")

		canceled, err := r.billing.Cancel(ctx, r.by, sub.ID, billing.CancelInput{Effective: billing.AtPeriodEnd})
		require.NoError(t, err)
		assert.Equal(t, billing.SubscriptionActive, canceled.Status)
		r.until(t, time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC))
		assert.Equal(t, billing.SubscriptionCanceled, r.subscription(t, sub.ID).Status)
		assert.Len(t, r.payments(t), 3)
		r.audit(t)
	})
}

func withBalance(t billing.Totals, balance int64) billing.Totals {
	t.Balance = balance
	return t
}

func TestResumeWithBothBillingModes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		ctx := context.Background()
		sub := r.subscribe(t, r.price(t, "Basic", 1000), r.method(t, r.by, "good"))
		pause := func() {
			_, err := r.billing.Pause(ctx, r.by, sub.ID, billing.PauseInput{Effective: billing.Immediately})
			require.NoError(t, err)
		}
		pause()
		r.until(t, time.Date(2026, 2, 10, 0, 0, 0, 0, time.UTC))
		kept, _, err := r.billing.Resume(ctx, r.by, sub.ID, billing.ResumeContinue)
		require.NoError(t, err)
		assert.Equal(t, time.Date(2026, 2, 28, 12, 0, 0, 0, time.UTC), kept.CurrentPeriod.End)
		assert.Len(t, r.payments(t), 1, "no charge within a period that was paid")

		pause()
		r.until(t, time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC))
		_, _, err = r.billing.Resume(ctx, r.by, sub.ID, billing.ResumeContinue)
		require.ErrorIs(t, err, foyer.Conflict, "that period is over")
		r.gateway.behavior["good"] = "declined"
		_, _, err = r.billing.Resume(ctx, r.by, sub.ID, billing.ResumeNewPeriod)
		require.ErrorIs(t, err, foyer.Declined)
		assert.Equal(t, billing.SubscriptionPaused, r.subscription(t, sub.ID).Status, "declined: still paused")
		delete(r.gateway.behavior, "good")
		fresh, _, err := r.billing.Resume(ctx, r.by, sub.ID, billing.ResumeNewPeriod)
		require.NoError(t, err)
		assert.Equal(t, billing.SubscriptionActive, fresh.Status)
		assert.Equal(t, 10, fresh.CurrentPeriod.Start.Day())
		assert.Equal(t, 10, fresh.CurrentPeriod.End.Day())
		r.audit(t)
	})
}

func TestTheBankAsksForTheCustomer(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		ctx := foyer.WithCommand(context.Background(), "upgrade-1")
		sub := r.subscribe(t, r.price(t, "Basic", 1000), r.method(t, r.by, "good"))
		pro := r.price(t, "Pro", 3000)
		strict := r.method(t, r.by, "3ds")
		_, _, err := r.billing.SetSubscriptionPaymentMethod(context.Background(), r.by, sub.ID, strict.ID)
		require.NoError(t, err)
		items := []billing.ItemInput{{Price: pro.ID, Quantity: 1}}
		waiting, next, err := r.billing.Change(ctx, r.by, sub.ID, items)
		require.NoError(t, err)
		require.NotNil(t, next)
		assert.Equal(t, "Basic", waiting.Items[0].ProductName, "nothing has changed yet")
		_, _, err = r.billing.Change(foyer.WithCommand(ctx, "upgrade-2"), r.by, sub.ID, items)
		require.ErrorIs(t, err, foyer.Conflict)

		r.gateway.confirm(next.Charge)
		require.NoError(t, r.Settle(context.Background(), r.merchant.ID, billing.AttemptID(next.Charge)))
		assert.Equal(t, "Pro", r.subscription(t, sub.ID).Items[0].ProductName)
		r.audit(t)

		// Not confirmed within the hour: given up, nothing changed.
		_, next, err = r.billing.Change(foyer.WithCommand(ctx, "upgrade-3"), r.by, sub.ID, []billing.ItemInput{{Price: pro.ID, Quantity: 5}})
		require.NoError(t, err)
		require.NotNil(t, next)
		r.clock.advance(2 * time.Hour)
		r.due(t)
		after := r.subscription(t, sub.ID)
		assert.Equal(t, int64(1), after.Items[0].Quantity)
		assert.Empty(t, after.OpenPayment)
		r.audit(t)
	})
}

func TestRefundsGiveCreditNotes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		ctx := context.Background()
		r.subscribe(t, r.price(t, "Basic", 1000), r.method(t, r.by, "good"))
		p := r.payments(t)[0]
		after, _, err := r.Refund(ctx, r.by, p.ID, billing.RefundInput{Amount: 500, Reason: "goodwill"})
		require.NoError(t, err)
		assert.Equal(t, int64(500), after.Totals.Refunded)
		assert.Equal(t, []string{"CN-000001", "INV-000001"}, r.numbers(t))
		_, _, err = r.Refund(ctx, r.by, p.ID, billing.RefundInput{Amount: 691})
		require.ErrorIs(t, err, foyer.Invalid)
		r.gateway.after = func(string) error { return errLost }
		_, _, err = r.Refund(ctx, r.by, p.ID, billing.RefundInput{})
		require.ErrorIs(t, err, foyer.Unavailable, "nobody knows yet")
		r.gateway.after = nil
		r.clock.advance(time.Minute)
		r.due(t)
		assert.Equal(t, int64(1190), r.payments(t)[0].Totals.Refunded)
		assert.Len(t, r.gateway.refunds, 2)
		_, _, err = r.Refund(ctx, r.by, p.ID, billing.RefundInput{})
		require.ErrorIs(t, err, foyer.Conflict)
	})
}

func TestCollectionByInvoice(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		terms := &billing.Terms{PaymentTerms: &foyer.Cycle{Interval: foyer.Day, Frequency: 14}, PurchaseOrderNumber: "PO-7"}
		sub := r.subscribe(t, r.price(t, "Basic", 1000), billing.PaymentMethod{}, func(in *billing.SubscribeInput) {
			in.CollectionMode, in.BillingDetails = billing.CollectManual, terms
		})
		bill := r.payments(t)[0]
		assert.Equal(t, billing.PaymentBilled, bill.Status)
		assert.Equal(t, "INV-000001", bill.InvoiceNumber)
		assert.Equal(t, start.AddDate(0, 0, 14), *bill.DueAt())
		_, _, err := r.billing.Pay(context.Background(), r.by, bill.ID, r.method(t, r.by, "declined").ID)
		require.ErrorIs(t, err, foyer.Declined, "a card tried before it is due keeps it from nothing")
		r.until(t, start.AddDate(0, 0, 15))
		assert.Equal(t, billing.PaymentPastDue, r.payments(t)[0].Status)
		assert.Equal(t, billing.SubscriptionPastDue, r.subscription(t, sub.ID).Status)
		paid, _, err := r.billing.Pay(context.Background(), r.by, bill.ID, r.method(t, r.by, "good").ID)
		require.NoError(t, err)
		assert.Equal(t, billing.PaymentCompleted, paid.Status)
		assert.Equal(t, billing.SubscriptionActive, r.subscription(t, sub.ID).Status)
		r.audit(t)
	})
}

func TestDiscountsAndCredit(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		ctx := context.Background()
		periods := 2
		d, err := r.catalog.CreateDiscount(ctx, r.by, billing.Discount{Type: billing.DiscountPercent, Percent: "50", Periods: &periods})
		require.NoError(t, err)
		r.subscribe(t, r.price(t, "Basic", 1000), r.method(t, r.by, "good"), func(in *billing.SubscribeInput) { in.Discount = d.ID })
		require.NoError(t, r.store.AddCredit(ctx, billing.Credit{Scope: r.by.Scope, Currency: "EUR", Amount: 2000}))
		r.until(t, time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC))
		var paid, credit []int64
		for _, p := range r.payments(t) {
			paid, credit = append(paid, p.Totals.GrandTotal), append(credit, p.Totals.Credit)
		}
		assert.Equal(t, []int64{595, 0, 0, 975}, paid)
		assert.Equal(t, []int64{0, 595, 1190, 215}, credit)
		r.audit(t)
	})
}

// 50 calls at once on one debt: one charge.
func TestManyPayOneDebt(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		sub := r.subscribe(t, r.price(t, "Basic", 1000), r.method(t, r.by, "good"))
		r.gateway.behavior["good"] = "declined"
		r.until(t, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
		delete(r.gateway.behavior, "good")
		debt := r.subscription(t, sub.ID).Debt
		var wait sync.WaitGroup
		errs := make([]error, 50)
		for i := range errs {
			wait.Go(func() { _, _, errs[i] = r.billing.Pay(context.Background(), r.by, debt, "") })
		}
		wait.Wait()
		paid := 0
		for _, err := range errs {
			if err == nil {
				paid++
				continue
			}
			require.ErrorIs(t, err, foyer.Conflict)
		}
		assert.Equal(t, 1, paid)
		assert.Len(t, r.gateway.ledger(), 2)
		r.audit(t)
	})
}

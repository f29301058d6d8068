package native_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// debited is a subscription whose renewal is a bank debit nobody knows the outcome of yet, with that payment.
func (r *rig) debited(t testing.TB) (billing.Subscription, billing.Payment) {
	t.Helper()
	sub := r.subscribe(t, r.price(t, "Basic", 1000), r.method(t, r.by, "good"))
	debit := r.method(t, r.by, "debit")
	_, _, err := r.SetPaymentMethod(context.Background(), r.by, sub.ID, debit.ID)
	require.NoError(t, err)
	r.clock.advance(sub.CurrentPeriod.End.Sub(r.clock.now()) + time.Second)
	r.due(t)
	bills := r.payments(t)
	require.Len(t, bills, 2)
	return r.subscription(t, sub.ID), bills[1]
}

// A debit is looked up each hour and not each half minute, told of once, and settled when the bank has decided. Meanwhile the clock runs,
// and the subscription can be canceled.
func TestADebitTakesDays(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		code   billing.ErrorCode
		cancel bool
		after  billing.SubscriptionStatus
		mails  []billing.MailKind
	}{
		"goes through":             {"", false, billing.SubscriptionActive, []billing.MailKind{billing.MailReceipt}},
		"fails":                    {"not_enough_balance", false, billing.SubscriptionPastDue, []billing.MailKind{billing.MailPaymentFailed}},
		"canceled, goes through":   {"", true, billing.SubscriptionActive, []billing.MailKind{billing.MailReceipt}},
		"canceled meanwhile,fails": {"not_enough_balance", true, billing.SubscriptionCanceled, []billing.MailKind{billing.MailCanceled}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, r *rig) {
				ctx := context.Background()
				sub, p := r.debited(t)
				a := p.Attempts[0]
				assert.Equal(t, billing.AttemptPending, a.Status)
				assert.Equal(t, p.ID, sub.OpenPayment)
				assert.True(t, a.LeasedUntil.After(r.clock.now().Add(59*time.Minute)), "for an hour")
				told := r.told(t, string(p.ID))
				for range 3 {
					r.clock.advance(61 * time.Minute)
					r.due(t)
				}
				assert.Equal(t, told, r.told(t, string(p.ID)), "nothing is told while nothing changes")
				_, done, err := r.Advance(ctx, r.merchants, r.merchant.ID, foyerNow(r).AddDate(0, 0, 2))
				require.NoError(t, err)
				require.True(t, done, "the clock doesn't wait for a bank")
				if c.cancel {
					sub, err = r.billing.Cancel(ctx, r.by, sub.ID, billing.CancelInput{})
					require.NoError(t, err)
					require.Equal(t, billing.ScheduleCancel, sub.ScheduledChange.Action)
				}
				r.mails.take()
				r.gateway.settle(string(a.ID), c.code)
				require.NoError(t, r.Settle(ctx, r.merchant.ID, a.ID))
				assert.Equal(t, c.after, r.subscription(t, sub.ID).Status)
				assert.Equal(t, c.mails, r.mails.take())
				r.audit(t)
			})
		})
	}
}

func foyerNow(r *rig) time.Time {
	now, err := r.merchants.Clock(context.Background(), r.merchant.ID)
	if err != nil {
		panic(err)
	}
	return now
}

// Whoever pays by debit has an answer, and a mail when it fails days later: nobody waits at a screen that long. The same call again
// answers the same.
func TestPayingByDebit(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		ctx := context.Background()
		r.gateway.behavior["first"] = "good"
		sub := r.subscribe(t, r.price(t, "Basic", 1000), r.method(t, r.by, "first"))
		r.gateway.behavior["first"] = "declined"
		r.clock.advance(sub.CurrentPeriod.End.Sub(r.clock.now()) + time.Second)
		r.due(t)
		debt := r.subscription(t, sub.ID).Debt
		require.NotEmpty(t, debt)
		debit := r.method(t, r.by, "debit")
		p, next, err := r.Pay(ctx, r.by, debt, debit.ID)
		require.NoError(t, err)
		assert.Nil(t, next)
		i := slices.IndexFunc(p.Attempts, func(a billing.Attempt) bool { return a.Status == billing.AttemptPending })
		require.GreaterOrEqual(t, i, 0)
		_, _, err = r.Pay(ctx, r.by, debt, debit.ID)
		require.ErrorContains(t, err, "payment.in_progress")
		_, err = r.billing.Cancel(ctx, r.by, sub.ID, billing.CancelInput{})
		require.NoError(t, err)
		require.NotEqual(t, billing.SubscriptionCanceled, r.subscription(t, sub.ID).Status, "nobody knows yet what is paid")
		r.clock.advance(3 * 24 * time.Hour)
		r.mails.take()
		r.gateway.settle(string(p.Attempts[i].ID), "not_enough_balance")
		r.due(t)
		assert.Contains(t, r.mails.take(), billing.MailCanceled)
		r.audit(t)
	})
}

// What is bought by debit begins when the money is there; declined, it never does.
func TestSubscribingByDebit(t *testing.T) {
	t.Parallel()
	for _, code := range []billing.ErrorCode{"", "not_enough_balance"} {
		t.Run("declined "+string(code), func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, r *rig) {
				ctx := context.Background()
				sub, next, err := r.CreateSubscription(ctx, r.by, billing.SubscribeInput{
					Items: []billing.ItemInput{{Price: r.price(t, "Basic", 1000).ID, Quantity: 1}}, PaymentMethod: r.method(t, r.by, "debit").ID,
				})
				require.NoError(t, err)
				assert.Nil(t, next)
				p := r.payments(t)[0]
				assert.Equal(t, billing.PaymentReady, p.Status)
				r.gateway.settle(string(p.Attempts[0].ID), code)
				require.NoError(t, r.Settle(ctx, r.merchant.ID, p.Attempts[0].ID))
				_, err = r.store.Subscription(ctx, r.by.Scope, sub.ID)
				assert.Equal(t, code == "", err == nil)
				r.audit(t)
			})
		})
	}
}

// What the gateway has not got any more is looked at, once for all that was to be charged with it; what we deleted ourselves is not.
func TestAMethodTheGatewayHasNotGotIsLookedAt(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		price, first := r.price(t, "Basic", 1000), r.method(t, r.by, "first")
		r.gateway.behavior["first"] = "good"
		sub := r.subscribe(t, price, first)
		r.subscribe(t, price, first)
		for _, code := range []string{"expired_card", "redacted_payment_method"} {
			r.gateway.behavior["first"] = code
			_, _, err := r.CreateSubscription(context.Background(), r.by, billing.SubscribeInput{Items: []billing.ItemInput{{Price: price.ID, Quantity: 1}}, PaymentMethod: first.ID})
			require.ErrorContains(t, err, "payment.declined")
		}
		assert.Equal(t, []foyer.Scope{r.by.Scope}, r.mails.followed)
		r.until(t, sub.CurrentPeriod.End.Add(time.Minute))
		assert.Equal(t, []foyer.Scope{r.by.Scope, r.by.Scope}, r.mails.followed, "two renewals, one look")
	})
}

// A card that was declined for good is not asked again by itself: the days pass, mails and end as they are. The customer may try it, and a
// replaced card or another method is tried.
func TestRetriesInVainAreLeftOut(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mend  func(t *testing.T, r *rig, sub billing.Subscription)
		calls int
		paid  bool
	}{
		"nothing changes": {nil, 0, false},
		"another method": {func(t *testing.T, r *rig, sub billing.Subscription) {
			s := r.subscription(t, sub.ID)
			require.NoError(t, r.store.SaveSubscriptions(context.Background(), s.PayWith(r.method(t, r.by, "good").ID, foyerNow(r))))
		}, 1, true},
		"its card was replaced": {func(t *testing.T, r *rig, sub billing.Subscription) {
			r.gateway.behavior["first"] = "good"
			m, err := r.store.PaymentMethod(context.Background(), r.by.Scope, r.subscription(t, sub.ID).PaymentMethod)
			require.NoError(t, err)
			m.UpdatedAt = foyerNow(r).Add(time.Second)
			m.Version++
			saved, err := r.store.SavePaymentMethod(context.Background(), m)
			require.NoError(t, err)
			require.True(t, saved)
		}, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, r *rig) {
				r.gateway.behavior["first"] = "good"
				sub := r.subscribe(t, r.price(t, "Basic", 1000), r.method(t, r.by, "first"))
				r.gateway.behavior["first"] = "expired_card"
				r.until(t, sub.CurrentPeriod.End.Add(time.Minute))
				require.Equal(t, billing.SubscriptionPastDue, r.subscription(t, sub.ID).Status)
				calls := r.gateway.calls
				r.mails.take()
				if c.mend != nil {
					c.mend(t, r, sub)
				}
				r.until(t, sub.CurrentPeriod.End.AddDate(0, 0, 29))
				assert.Equal(t, c.calls, r.gateway.calls-calls)
				if c.paid {
					assert.Equal(t, billing.SubscriptionActive, r.subscription(t, sub.ID).Status)
					r.audit(t)
					return
				}
				p := r.payments(t)[1]
				assert.Len(t, p.Attempts, 1, "no attempt that never was")
				assert.Equal(t, 6, p.Tries)
				kinds := r.mails.take()
				assert.Len(t, kinds, 5)
				assert.Equal(t, billing.MailPaymentFailed, kinds[0])
				r.until(t, sub.CurrentPeriod.End.AddDate(0, 0, 31))
				assert.Equal(t, billing.SubscriptionCanceled, r.subscription(t, sub.ID).Status)
				assert.Equal(t, []billing.MailKind{billing.MailPaymentFailed, billing.MailCanceled}, r.mails.take())
				r.audit(t)
			})
		})
	}
}

// A method replaced in the moment its first payment is booked: what begins goes on with the new one, whoever comes first.
func TestAMethodReplacedWhileItsFirstPaymentIsBooked(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		ctx := context.Background()
		debit := r.method(t, r.by, "debit")
		sub := r.subscribe(t, r.price(t, "Basic", 1000), debit)
		p := r.payments(t)[0]
		key := r.payment(t, p.ID).Attempts[0].ID
		start, err := r.billing.StartSetup(ctx, r.by)
		require.NoError(t, err)
		r.gateway.settle(string(key), "")
		added := make(chan billing.AddedMethod, 1)
		require.NoError(t, r.store.InTx(ctx, func(ctx context.Context) error {
			if _, err := r.store.PaymentsForUpdate(ctx, r.merchant.ID, p.ID); err != nil {
				return err
			}
			go func() {
				m, err := r.billing.AddPaymentMethod(context.Background(), r.by, billing.AddMethodInput{Setup: start.ID, Replaces: debit.ID})
				assert.NoError(t, err)
				added <- m
			}()
			time.Sleep(300 * time.Millisecond) // it waits for the payment, where a database has locks of rows
			return r.Settle(ctx, r.merchant.ID, key)
		}))
		with := <-added
		after := r.subscription(t, sub.ID)
		assert.Equal(t, with.ID, after.PaymentMethod)
		shown, err := r.billing.PaymentMethod(ctx, r.by.Scope, with.ID)
		require.NoError(t, err)
		assert.Equal(t, []billing.SubscriptionID{sub.ID}, shown.UsedBy)
		r.audit(t)
	})
}

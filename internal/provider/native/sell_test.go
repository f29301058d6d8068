package native_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/foyertest"
	"foyer/internal/provider/native"
)

// setup is something bought once that is in no catalog.
func setup(amount, quantity int64) billing.BillItemInput {
	return billing.BillItemInput{Name: "Setup", UnitPrice: foyer.Money{Amount: amount, Currency: "EUR"}, Quantity: quantity, TaxRate: "0.19"}
}

func once1(amount int64, method billing.PaymentMethod) billing.BillInput {
	return billing.BillInput{Items: []billing.BillItemInput{setup(amount, 1)}, PaymentMethod: method.ID, Metadata: foyer.Metadata{"order": "7"}}
}

func TestBoughtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		ctx := context.Background()
		good := r.method(t, r.by, "good")
		fee := r.price(t, "Fee", 500, func(p *billing.Price) { p.Cycle = nil })
		monthly := r.price(t, "Basic", 1000)
		in := once1(1000, good)
		in.Items = append(in.Items, billing.BillItemInput{Price: fee.ID, Quantity: 2})
		paid, next, err := r.CreatePayment(ctx, r.by, in)
		require.NoError(t, err)
		require.Nil(t, next)
		assert.Equal(t, billing.PaymentCompleted, paid.Status)
		assert.Equal(t, int64(2380), paid.Totals.Total)
		assert.Equal(t, "Setup, Fee", paid.Description)
		assert.Equal(t, foyer.Metadata{"order": "7"}, paid.Metadata, "kept through charge and booking")
		assert.Equal(t, "INV-000001", paid.InvoiceNumber)
		assert.Equal(t, []billing.MailKind{billing.MailReceipt}, r.mails.take())

		declined := r.method(t, r.by, "expired_card")
		_, _, err = r.CreatePayment(ctx, r.by, once1(1000, declined))
		require.ErrorIs(t, err, foyer.Declined)
		refusal, _ := foyer.AsError(err)
		canceled, err := r.store.Payment(ctx, r.by.Scope, billing.PaymentID(refusal.Extra["payment_id"].(string)))
		require.NoError(t, err)
		assert.Equal(t, billing.PaymentCanceled, canceled.Status, "declined: not bought")
		assert.Empty(t, canceled.InvoiceID)

		strict := r.method(t, r.by, "3ds")
		waiting, next, err := r.CreatePayment(ctx, r.by, once1(700, strict))
		require.NoError(t, err)
		require.NotNil(t, next)
		assert.Equal(t, billing.PaymentReady, waiting.Status)
		r.gateway.confirm(next.Charge)
		require.NoError(t, r.Settle(ctx, r.merchant.ID, billing.AttemptID(next.Charge)))
		confirmed, err := r.store.Payment(ctx, r.by.Scope, waiting.ID)
		require.NoError(t, err)
		assert.Equal(t, billing.PaymentCompleted, confirmed.Status)

		lost, next, err := r.CreatePayment(ctx, r.by, once1(700, strict))
		require.NoError(t, err)
		require.NotNil(t, next)
		r.clock.advance(2 * time.Hour)
		r.due(t)
		lost, err = r.store.Payment(ctx, r.by.Scope, lost.ID)
		require.NoError(t, err)
		assert.Equal(t, billing.PaymentCanceled, lost.Status, "never confirmed: not bought")

		manual := billing.BillInput{Items: []billing.BillItemInput{setup(1000, 1)}, CollectionMode: billing.CollectManual}
		r.mails.take()
		bill, next, err := r.CreatePayment(ctx, r.by, manual)
		require.NoError(t, err)
		require.Nil(t, next)
		assert.Equal(t, billing.PaymentBilled, bill.Status)
		assert.Equal(t, foyer.Micro(r.clock.now()).AddDate(0, 0, 14), *bill.DueAt())
		assert.Equal(t, []billing.MailKind{billing.MailInvoiceDue}, r.mails.take())
		_, _, err = r.billing.Pay(ctx, r.by, bill.ID, declined.ID)
		require.ErrorIs(t, err, foyer.Declined)
		r.until(t, r.clock.now().AddDate(0, 0, 15))
		bill, err = r.store.Payment(ctx, r.by.Scope, bill.ID)
		require.NoError(t, err)
		assert.Equal(t, billing.PaymentPastDue, bill.Status, "it falls due although a card was declined before")
		collected, _, err := r.billing.Pay(ctx, r.by, bill.ID, good.ID)
		require.NoError(t, err)
		assert.Equal(t, billing.PaymentCompleted, collected.Status)
		r.audit(t)

		for name, row := range map[string]struct {
			in      billing.BillInput
			pointer string
			code    string
		}{
			"no method":         {billing.BillInput{Items: manual.Items}, "/payment_method_id", "input.required"},
			"another's method":  {once1(1000, billing.PaymentMethod{ID: "paymtd_01kb3v5q8r9s0t1v2w3x4y5z6a"}), "/payment_method_id", "input.unknown_reference"},
			"a recurring price": {billing.BillInput{Items: []billing.BillItemInput{{Price: monthly.ID, Quantity: 1}}, PaymentMethod: good.ID}, "/items/0/price_id", "price.recurring"},
			"an unknown price":  {billing.BillInput{Items: []billing.BillItemInput{{Price: "pri_x", Quantity: 1}}, PaymentMethod: good.ID}, "/items/0/price_id", "input.unknown_reference"},
			"two currencies": {billing.BillInput{Items: []billing.BillItemInput{
				setup(1, 1), {Name: "Yen", UnitPrice: foyer.Money{Amount: 1, Currency: "JPY"}, Quantity: 1},
			}, PaymentMethod: good.ID}, "/items/1", "payment.mixed_currencies"},
			"no such currency": {billing.BillInput{Items: []billing.BillItemInput{
				{Name: "X", UnitPrice: foyer.Money{Amount: 1, Currency: "EEE"}, Quantity: 1},
			}, PaymentMethod: good.ID}, "/items/0/unit_price/currency", "input.currency"},
			"more tax than all": {billing.BillInput{Items: []billing.BillItemInput{
				{Name: "X", UnitPrice: foyer.Money{Amount: 1, Currency: "EUR"}, Quantity: 1, TaxRate: "1.01"},
			}, PaymentMethod: good.ID}, "/items/0/tax_rate", "input.invalid"},
			"nothing": {billing.BillInput{PaymentMethod: good.ID}, "/items", "input.too_many"},
		} {
			_, _, err := r.CreatePayment(ctx, r.by, row.in)
			require.ErrorIs(t, err, foyer.Invalid, name)
			refusal, _ := foyer.AsError(err)
			require.Len(t, refusal.Fields, 1, name)
			assert.Equal(t, row.pointer, refusal.Fields[0].Pointer, name)
			assert.Equal(t, row.code, refusal.Fields[0].Code, name)
		}
		_, _, err = r.CreatePayment(ctx, r.by, billing.BillInput{Items: []billing.BillItemInput{setup(billing.MaxAmount, 2)}, PaymentMethod: good.ID})
		require.ErrorIs(t, err, foyer.Invalid)
	})
}

// A process dies at every moment of a call that buys once, starts a subscription or gives money back, one after the other, and the
// same call is made again: one charge, one refund. Without the command the repeat charges again (tried by hand).
func TestACallIsRepeatedAfterItsProcessDied(t *testing.T) {
	t.Parallel()
	for _, dialect := range foyertest.Dialects() {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, dialect)
			good, basic := r.method(t, r.by, "good"), r.price(t, "Basic", 1000)
			sold := r.subscribe(t, basic, good)
			paid := r.payments(t)[0]
			calls := map[string]func(ctx context.Context, e *native.Engine) error{
				"payment": func(ctx context.Context, e *native.Engine) error {
					p, _, err := e.CreatePayment(ctx, r.by, once1(1000, good))
					if err == nil {
						assert.Equal(t, billing.PaymentCompleted, p.Status)
					}
					return err
				},
				"subscription": func(ctx context.Context, e *native.Engine) error {
					in := billing.SubscribeInput{Items: []billing.ItemInput{{Price: basic.ID, Quantity: 1}}, PaymentMethod: good.ID, ExternalID: foyer.CommandOf(ctx)}
					sub, _, err := e.CreateSubscription(ctx, r.by, in)
					if err == nil {
						assert.Equal(t, billing.SubscriptionActive, r.subscription(t, sub.ID).Status)
						assert.Equal(t, foyer.CommandOf(ctx), sub.ExternalID)
					}
					return err
				},
				"refund": func(ctx context.Context, e *native.Engine) error {
					after, made, err := e.Refund(ctx, r.by, paid.ID, billing.RefundInput{Amount: 10})
					if err == nil {
						assert.Equal(t, billing.RefundApproved, made.Status)
						assert.Positive(t, after.Totals.Refunded)
					}
					return err
				},
			}
			for name, call := range calls {
				deaths := 0
				for moment := 0; ; moment++ {
					ctx := foyer.WithCommand(context.Background(), fmt.Sprint(name, moment))
					charged, refunded := len(r.gateway.ledger()), len(r.gateway.refunds)
					err := call(ctx, r.engine(&doomed{Store: r.store, left: moment}, r.gateway))
					died := errors.Is(err, errDied)
					if died {
						deaths++
						require.NoError(t, call(ctx, r.Engine), "%s died at %d", name, moment)
					} else {
						require.NoError(t, err)
					}
					require.NoError(t, call(ctx, r.Engine), "and once more")
					if name == "refund" {
						require.Len(t, r.gateway.refunds, refunded+1, "died at %d", moment)
						require.Len(t, r.gateway.ledger(), charged)
					} else {
						require.Len(t, r.gateway.ledger(), charged+1, "%s died at %d", name, moment)
					}
					if !died {
						break
					}
				}
				assert.GreaterOrEqual(t, deaths, 4, name)
			}
			// The gateway's answer is lost, before and after the charge.
			for i, fault := range []func(){
				func() { r.gateway.before = once(errLost) }, func() { r.gateway.after = once(errLost) },
			} {
				for name, call := range calls {
					ctx := foyer.WithCommand(context.Background(), fmt.Sprint(name, "lost", i))
					fault()
					if err := call(ctx, r.Engine); err != nil {
						require.ErrorIs(t, err, foyer.Unavailable)
					}
					r.gateway.before, r.gateway.after = nil, nil
					charged := len(r.gateway.ledger())
					require.NoError(t, call(ctx, r.Engine), name)
					require.LessOrEqual(t, len(r.gateway.ledger()), charged+1)
				}
			}
			r.clock.advance(time.Minute)
			r.due(t)
			r.audit(t)
			require.Equal(t, billing.SubscriptionActive, r.subscription(t, sold.ID).Status)
			var back int64
			for _, amount := range r.gateway.refunds {
				back += amount
			}
			after, err := r.store.Payment(context.Background(), r.by.Scope, paid.ID)
			require.NoError(t, err)
			require.Equal(t, back, after.Totals.Refunded, "the gateway's refunds and the books")
		})
	}
}

// 40 refunds of a third each, all at once: never more than was paid, and each has its credit note.
func TestRefundsAtOnceNeverExceedThePayment(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		r.subscribe(t, r.price(t, "Basic", 1000), r.method(t, r.by, "good"))
		p := r.payments(t)[0]
		errs := make([]error, 40)
		var wait sync.WaitGroup
		for i := range errs {
			wait.Go(func() { _, _, errs[i] = r.Refund(context.Background(), r.by, p.ID, billing.RefundInput{Amount: 400}) })
		}
		wait.Wait()
		done := 0
		for _, err := range errs {
			if err == nil {
				done++
				continue
			}
			require.ErrorIs(t, err, foyer.Invalid)
		}
		assert.Equal(t, 2, done)
		assert.Equal(t, int64(800), r.payments(t)[0].Totals.Refunded)
		assert.Len(t, r.gateway.refunds, 2)
		assert.Equal(t, []string{"CN-000001", "CN-000002", "INV-000001"}, r.numbers(t))
		r.audit(t)
	})
}

// Two backends start a subscription of one external id at the same moment: one is charged.
func TestOneExternalIDIsOneSubscription(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		ctx := context.Background()
		basic := r.price(t, "Basic", 1000)
		others := make([]foyer.Actor, 6)
		methods := make([]billing.PaymentMethod, len(others))
		for i := range others {
			c := r.newCustomer(t, fmt.Sprintf("c%d@mailbox.test", i))
			others[i] = foyer.Actor{Kind: foyer.ActorMerchant, Scope: foyer.Scope{Merchant: r.merchant.ID, Customer: c.ID}}
			methods[i] = r.method(t, others[i], "good")
		}
		start := func(i int, token billing.PaymentMethod) (billing.Subscription, *billing.NextAction, error) {
			return r.CreateSubscription(ctx, others[i], billing.SubscribeInput{
				Items: []billing.ItemInput{{Price: basic.ID, Quantity: 1}}, PaymentMethod: token.ID, ExternalID: "order-1",
			})
		}
		errs := make([]error, len(others))
		var wait sync.WaitGroup
		for i := range others {
			wait.Go(func() { _, _, errs[i] = start(i, methods[i]) })
		}
		wait.Wait()
		made := 0
		for _, err := range errs {
			if err == nil {
				made++
			} else {
				require.ErrorIs(t, err, foyer.Conflict)
			}
		}
		assert.Equal(t, 1, made)
		assert.Len(t, r.gateway.ledger(), 1, "nobody paid for what they did not get")

		// The name of one that waits for its customer is kept for it; once given up it is free.
		strict := r.method(t, others[0], "3ds")
		wait3ds := func(i int, m billing.PaymentMethod) (*billing.NextAction, error) {
			_, next, err := r.CreateSubscription(ctx, others[i], billing.SubscribeInput{
				Items: []billing.ItemInput{{Price: basic.ID, Quantity: 1}}, PaymentMethod: m.ID, ExternalID: "order-2",
			})
			return next, err
		}
		next, err := wait3ds(0, strict)
		require.NoError(t, err)
		require.NotNil(t, next)
		_, err = wait3ds(1, methods[1])
		require.ErrorIs(t, err, foyer.Conflict)
		r.clock.advance(2 * time.Hour)
		r.due(t)
		next, err = wait3ds(1, methods[1])
		require.NoError(t, err)
		require.Nil(t, next)
	})
}

// The clock stops between two batches when time is up, and goes on where it stopped.
func TestTheClockStopsWhenItIsEnough(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		r.subscribe(t, r.price(t, "Basic", 1000), r.method(t, r.by, "good"))
		to := start.AddDate(0, 6, 0)
		var asked atomic.Int64 // every lane asks
		now, done, err := r.AdvanceUntil(context.Background(), r.merchants, r.merchant.ID, to, func() bool { return asked.Add(1) > 12 })
		require.NoError(t, err)
		require.False(t, done)
		require.True(t, now.Before(to), "%s", now)
		stands, err := r.merchants.Clock(context.Background(), r.merchant.ID)
		require.NoError(t, err)
		require.Equal(t, now, stands)
		r.until(t, to)
		require.Len(t, r.payments(t), 7)
		r.audit(t)
	})
}

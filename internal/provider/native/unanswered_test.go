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

// A question the bank asked and nobody answered holds up nothing longer than an hour of the merchant's clock, however far that is moved
// in a minute: what was canceled meanwhile ends on its day, and what was not is renewed on its days.
func TestAnUnansweredQuestionIsGivenUpByTheMerchantsClock(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ cancel, dark bool }{
		"canceled meanwhile": {true, false}, "goes on": {false, false}, "canceled, and the gateway can't be reached": {true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, r *rig) {
				ctx := context.Background()
				sub := r.subscribe(t, r.price(t, "Basic", 1000), r.method(t, r.by, "good"))
				first := *sub.CurrentPeriod
				strict := r.method(t, r.by, "3ds")
				_, _, err := r.billing.SetSubscriptionPaymentMethod(ctx, r.by, sub.ID, strict.ID)
				require.NoError(t, err)
				_, next, err := r.billing.Change(ctx, r.by, sub.ID, []billing.ItemInput{{Price: r.price(t, "Pro", 3000).ID, Quantity: 1}})
				require.NoError(t, err)
				require.NotNil(t, next)
				if c.cancel {
					_, err = r.billing.Cancel(ctx, r.by, sub.ID, billing.CancelInput{})
					require.NoError(t, err)
					orders, err := r.store.MailOrders(ctx, r.by.Scope)
					require.NoError(t, err)
					i := slices.IndexFunc(orders, func(o billing.MailOrder) bool { return o.Kind == billing.MailCancellationScheduled })
					require.GreaterOrEqual(t, i, 0)
					assert.True(t, orders[i].Facts.WithCharge, "the mail tells of the charge")
				}
				r.until(t, start.Add(59*time.Minute))
				require.NotEmpty(t, r.subscription(t, sub.ID).OpenPayment, "there is still time to answer")
				if c.dark {
					lost := &unreachable{till: r.gateway}
					engine := r.engine(r.store, lost)
					_, done, err := engine.Advance(ctx, r.merchants, r.merchant.ID, start.AddDate(0, 0, 39))
					require.NoError(t, err)
					require.True(t, done, "what nobody knows the outcome of is not waited for")
					assert.LessOrEqual(t, lost.calls, 3)
					r.clock.advance(time.Minute) // the lease has run out
				}
				r.until(t, start.AddDate(0, 0, 40))
				after := r.subscription(t, sub.ID)
				assert.Empty(t, after.OpenPayment)
				bills := r.payments(t)
				asked := slices.IndexFunc(bills, func(p billing.Payment) bool { return p.Attempts[0].ID == billing.AttemptID(next.Charge) })
				require.GreaterOrEqual(t, asked, 0)
				assert.Equal(t, billing.PaymentCanceled, bills[asked].Status)
				assert.NotContains(t, r.gateway.ledger(), next.Charge)
				if c.cancel {
					assert.Equal(t, billing.SubscriptionCanceled, after.Status)
					assert.Equal(t, first.End, *after.CanceledAt)
					assert.Len(t, bills, 2)
				} else {
					assert.Equal(t, billing.SubscriptionActive, after.Status)
					assert.Equal(t, first.End, after.CurrentPeriod.Start)
					require.Len(t, bills, 3)
					assert.Equal(t, first.End, *bills[2].BilledAt, "renewed in its time")
				}
				r.audit(t)
			})
		})
	}
}

// unreachable is a gateway nobody can ask what became of a charge.
type unreachable struct {
	*till
	calls int
}

func (g *unreachable) GatewayOf(context.Context, foyer.MerchantID) (billing.Gateway, error) {
	return g, nil
}

func (g *unreachable) ChargeByKey(context.Context, foyer.MerchantID, string) (billing.ChargeResult, error) {
	g.calls++
	return billing.ChargeResult{}, errLost
}

// A gateway that can give up no charge keeps the question open, and the clock goes on.
func TestAQuestionThatCannotBeGivenUpHoldsNoClock(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		ctx := context.Background()
		stubborn := r.engine(r.store, stubborn{r.gateway})
		sub := r.subscribe(t, r.price(t, "Basic", 1000), r.method(t, r.by, "good"))
		strict := r.method(t, r.by, "3ds")
		_, _, err := r.billing.SetSubscriptionPaymentMethod(ctx, r.by, sub.ID, strict.ID)
		require.NoError(t, err)
		_, next, err := r.billing.Change(ctx, r.by, sub.ID, []billing.ItemInput{{Price: r.price(t, "Pro", 3000).ID, Quantity: 1}})
		require.NoError(t, err)
		now, done, err := stubborn.Advance(ctx, r.merchants, r.merchant.ID, start.AddDate(0, 0, 40))
		require.NoError(t, err)
		require.True(t, done)
		assert.Equal(t, start.AddDate(0, 0, 40), now)
		r.gateway.confirm(next.Charge)
		require.NoError(t, stubborn.Settle(ctx, r.merchant.ID, billing.AttemptID(next.Charge)))
		assert.Equal(t, "Pro", r.subscription(t, sub.ID).Items[0].ProductName, "it could still be answered")
	})
}

// stubborn is a gateway that can't give up a charge.
type stubborn struct{ billing.Gateway }

func (g stubborn) GatewayOf(context.Context, foyer.MerchantID) (billing.Gateway, error) {
	return g, nil
}

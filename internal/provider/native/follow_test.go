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
	"foyer/internal/notify"
)

// bought is a paid first period of 11.90 and the key of its charge.
func (r *rig) bought(t testing.TB) (billing.Payment, billing.AttemptID) {
	t.Helper()
	r.subscribe(t, r.price(t, "Basic", 1000), r.method(t, r.by, "good"))
	p := r.payments(t)[0]
	return p, p.Attempts[0].ID
}

func (r *rig) payment(t testing.TB, id billing.PaymentID) billing.Payment {
	t.Helper()
	p, err := r.store.Payment(context.Background(), r.by.Scope, id)
	require.NoError(t, err)
	return p
}

// told counts the events of a thing by type.
func (r *rig) told(t testing.TB, subject string) map[foyer.EventType]int {
	t.Helper()
	events, err := r.store.Events(context.Background(), r.merchant.ID, notify.EventFilter{Subject: subject}, foyer.PageRequest{Limit: 1000})
	require.NoError(t, err)
	out := map[foyer.EventType]int{}
	for _, e := range events {
		out[e.Type]++
	}
	return out
}

// Fifty workers hear of the same dispute, and of its end: it is booked once each time. The subscription goes on.
func TestADisputeIsBookedOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		ctx := context.Background()
		p, key := r.bought(t)
		crowd := func() {
			var wait sync.WaitGroup
			for range 50 {
				wait.Go(func() { assert.NoError(t, r.Settle(ctx, r.merchant.ID, key)) })
			}
			wait.Wait()
		}
		crowd()
		assert.Empty(t, r.payment(t, p.ID).Disputes, "nothing happened")
		r.gateway.dispute(string(key), billing.DisputeOpen, 1190)
		crowd()
		after := r.payment(t, p.ID)
		require.Len(t, after.Disputes, 1)
		require.Len(t, after.Refunds, 1)
		assert.Equal(t, []any{billing.ActionChargeback, billing.RefundApproved, int64(1190), int64(190)},
			[]any{after.Refunds[0].Action, after.Refunds[0].Status, after.Refunds[0].Total, after.Refunds[0].Tax})
		assert.Equal(t, int64(1190), after.Totals.Refunded)
		assert.Equal(t, p.Version+1, after.Version)
		assert.Equal(t, 1, r.told(t, string(p.ID))[billing.EventPaymentDisputed])
		assert.Equal(t, []string{"disputed"}, r.mails.toMerchant)
		assert.Len(t, r.numbers(t), 1, "no credit note: nobody gave it back")
		_, _, err := r.Refund(ctx, r.by, p.ID, billing.RefundInput{})
		require.ErrorContains(t, err, "refund.disputed")
		assert.Equal(t, billing.SubscriptionActive, r.subscription(t, p.Subscription).Status)

		r.gateway.dispute(string(key), billing.DisputeWon, 1190)
		crowd()
		after = r.payment(t, p.ID)
		assert.Equal(t, int64(0), after.Totals.Refunded)
		require.Len(t, after.Refunds, 1)
		assert.Equal(t, billing.RefundReversed, after.Refunds[0].Status)
		assert.Equal(t, 1, r.told(t, string(p.ID))[billing.EventDisputeClosed])
		assert.Equal(t, []string{"disputed", "ended"}, r.mails.toMerchant)
		_, made, err := r.Refund(ctx, r.by, p.ID, billing.RefundInput{})
		require.NoError(t, err)
		assert.Equal(t, int64(1190), made.Total)
		r.audit(t)
	})
}

// Whoever read the gateway before others booked something newer asks again, and doesn't bring back what was.
func TestAnOldAnswerAboutADisputeIsNotBooked(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		ctx := context.Background()
		p, key := r.bought(t)
		r.gateway.dispute(string(key), billing.DisputeOpen, 1190)
		slow := r.engine(r.store, &meanwhile{till: r.gateway, do: func() {
			r.gateway.dispute(string(key), billing.DisputeWon, 1190)
			require.NoError(t, r.Settle(ctx, r.merchant.ID, key))
		}})
		require.NoError(t, slow.Settle(ctx, r.merchant.ID, key))
		after := r.payment(t, p.ID)
		assert.Equal(t, billing.DisputeWon, after.Disputes[0].Status)
		assert.Equal(t, int64(0), after.Totals.Refunded)
		assert.Equal(t, map[foyer.EventType]int{billing.EventPaymentDisputed: 1, billing.EventDisputeClosed: 1}, only(r.told(t, string(p.ID)), billing.EventPaymentDisputed, billing.EventDisputeUpdated, billing.EventDisputeClosed))
	})
}

func only(all map[foyer.EventType]int, wanted ...foyer.EventType) map[foyer.EventType]int {
	out := map[foyer.EventType]int{}
	for _, w := range wanted {
		if n := all[w]; n > 0 {
			out[w] = n
		}
	}
	return out
}

// meanwhile is a gateway whose first answer about disputes arrives after something else happened.
type meanwhile struct {
	*till
	do   func()
	once sync.Once
}

func (g *meanwhile) GatewayOf(context.Context, foyer.MerchantID) (billing.Gateway, error) {
	return g, nil
}

func (g *meanwhile) Disputes(ctx context.Context, merchant foyer.MerchantID, key string) ([]billing.GatewayDispute, error) {
	read, err := g.till.Disputes(ctx, merchant, key)
	g.once.Do(g.do)
	return read, err
}

// What was refunded in part is taken back as far as something is left; another merchant's charge is nobody's business.
func TestADisputeAfterARefund(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		ctx := context.Background()
		p, key := r.bought(t)
		_, _, err := r.Refund(ctx, r.by, p.ID, billing.RefundInput{Amount: 1000})
		require.NoError(t, err)
		r.gateway.dispute(string(key), billing.DisputeOpen, 1190)
		require.NoError(t, r.Settle(ctx, "mer_of_somebody_else", key))
		assert.Empty(t, r.payment(t, p.ID).Disputes)
		require.NoError(t, r.Settle(ctx, r.merchant.ID, key))
		after := r.payment(t, p.ID)
		assert.Equal(t, int64(1190), after.Totals.Refunded)
		i := slices.IndexFunc(after.Refunds, func(r billing.Refund) bool { return r.Action == billing.ActionChargeback })
		require.GreaterOrEqual(t, i, 0)
		assert.Equal(t, int64(190), after.Refunds[i].Total)
		r.gateway.dispute(string(key), billing.DisputeLost, 1190)
		require.NoError(t, r.Settle(ctx, r.merchant.ID, key))
		_, _, err = r.Refund(ctx, r.by, p.ID, billing.RefundInput{})
		require.ErrorContains(t, err, "refund.not_refundable")
	})
}

// A refund the customer's bank sends back days later is reversed once, however many hear of it; the credit note stays.
func TestARefundThatComesBack(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		ctx := context.Background()
		p, key := r.bought(t)
		_, made, err := r.Refund(ctx, r.by, p.ID, billing.RefundInput{Amount: 500})
		require.NoError(t, err)
		_, kept, err := r.Refund(ctx, r.by, p.ID, billing.RefundInput{Amount: 100})
		require.NoError(t, err)
		documents := r.numbers(t)
		require.NoError(t, r.Settle(ctx, r.merchant.ID, key))
		assert.Equal(t, int64(600), r.payment(t, p.ID).Totals.Refunded)
		before := r.told(t, string(p.ID))[billing.EventPaymentUpdated]
		r.gateway.sendBack(made.ID)
		var wait sync.WaitGroup
		for range 20 {
			wait.Go(func() { assert.NoError(t, r.Settle(ctx, r.merchant.ID, key)) })
		}
		wait.Wait()
		after := r.payment(t, p.ID)
		assert.Equal(t, int64(100), after.Totals.Refunded)
		states := map[billing.RefundID]billing.RefundStatus{}
		for _, refund := range after.Refunds {
			states[refund.ID] = refund.Status
		}
		assert.Equal(t, map[billing.RefundID]billing.RefundStatus{made.ID: billing.RefundReversed, kept.ID: billing.RefundApproved}, states)
		assert.Equal(t, before+1, r.told(t, string(p.ID))[billing.EventPaymentUpdated])
		assert.Equal(t, []string{"refund"}, r.mails.toMerchant)
		assert.Equal(t, documents, r.numbers(t))

		r.mails.take()
		paid, again, err := r.Refund(ctx, r.by, p.ID, billing.RefundInput{Amount: 500})
		require.NoError(t, err)
		assert.Equal(t, []any{billing.RefundApproved, int64(600)}, []any{again.Status, paid.Totals.Refunded})
		assert.Equal(t, documents, r.numbers(t), "the credit note it left stands for it")
		assert.Equal(t, []billing.MailKind{billing.MailRefunded}, r.mails.take())
		_, _, err = r.Refund(ctx, r.by, p.ID, billing.RefundInput{})
		require.NoError(t, err)
		assert.Len(t, r.numbers(t), len(documents)+1, "the rest has its own")
		r.audit(t)
	})
}

// While a bank decides it has what came back; should it give up, the customer is owed it, and the merchant is told so.
func TestARefundThatComesBackWhileABankDecides(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		ctx := context.Background()
		p, key := r.bought(t)
		_, made, err := r.Refund(ctx, r.by, p.ID, billing.RefundInput{Amount: 1000})
		require.NoError(t, err)
		r.gateway.dispute(string(key), billing.DisputeOpen, 1190)
		require.NoError(t, r.Settle(ctx, r.merchant.ID, key))
		r.gateway.sendBack(made.ID)
		require.NoError(t, r.Settle(ctx, r.merchant.ID, key))
		assert.Equal(t, []string{"disputed"}, r.mails.toMerchant)
		assert.Zero(t, r.payment(t, p.ID).Owed())
		r.gateway.dispute(string(key), billing.DisputeWon, 1190)
		for range 2 {
			require.NoError(t, r.Settle(ctx, r.merchant.ID, key))
		}
		assert.Equal(t, []string{"disputed", "ended", "refund"}, r.mails.toMerchant)
		assert.Equal(t, int64(1000), r.payment(t, p.ID).Owed())
		notes := len(r.numbers(t))
		_, _, err = r.Refund(ctx, r.by, p.ID, billing.RefundInput{Amount: 1000})
		require.NoError(t, err)
		assert.Len(t, r.numbers(t), notes)
		assert.Zero(t, r.payment(t, p.ID).Owed())
	})
}

// Told of a refund that came back, the merchant is not told again when a dispute that was opened later is won.
func TestARefundThatCameBackBeforeADisputeIsToldOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		ctx := context.Background()
		p, key := r.bought(t)
		_, made, err := r.Refund(ctx, r.by, p.ID, billing.RefundInput{Amount: 500})
		require.NoError(t, err)
		r.gateway.sendBack(made.ID)
		require.NoError(t, r.Settle(ctx, r.merchant.ID, key))
		r.clock.advance(time.Hour)
		for _, status := range []billing.DisputeStatus{billing.DisputeOpen, billing.DisputeWon} {
			r.gateway.dispute(string(key), status, 1190)
			require.NoError(t, r.Settle(ctx, r.merchant.ID, key))
		}
		assert.Equal(t, []string{"refund", "disputed", "ended"}, r.mails.toMerchant)
		assert.Equal(t, int64(500), r.payment(t, p.ID).Owed())
	})
}

// A bank that took what a refund had left takes the rest when the refund comes back: the customer has the money, and nobody asks the
// merchant to pay it another way.
func TestARefundThatComesBackAfterADispute(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		ctx := context.Background()
		p, key := r.bought(t)
		_, made, err := r.Refund(ctx, r.by, p.ID, billing.RefundInput{Amount: 1000})
		require.NoError(t, err)
		r.gateway.dispute(string(key), billing.DisputeLost, 1190)
		require.NoError(t, r.Settle(ctx, r.merchant.ID, key))
		r.gateway.sendBack(made.ID)
		told := len(r.mails.toMerchant)
		for range 2 {
			require.NoError(t, r.Settle(ctx, r.merchant.ID, key))
		}
		after := r.payment(t, p.ID)
		assert.Equal(t, int64(1190), after.Totals.Refunded)
		i := slices.IndexFunc(after.Refunds, func(r billing.Refund) bool { return r.Action == billing.ActionChargeback })
		require.GreaterOrEqual(t, i, 0)
		assert.Equal(t, int64(1190), after.Refunds[i].Total)
		assert.Len(t, r.mails.toMerchant, told)
		assert.Equal(t, 1, r.told(t, string(p.ID))[billing.EventDisputeUpdated])
		r.audit(t)
	})
}

// A refund made more than sixty days ago is not asked about any more.
func TestOldRefundsAreLeftAlone(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		ctx := context.Background()
		p, key := r.bought(t)
		_, made, err := r.Refund(ctx, r.by, p.ID, billing.RefundInput{Amount: 500})
		require.NoError(t, err)
		r.gateway.sendBack(made.ID)
		r.clock.advance(61 * 24 * time.Hour)
		require.NoError(t, r.Settle(ctx, r.merchant.ID, key))
		assert.Equal(t, int64(500), r.payment(t, p.ID).Totals.Refunded)
	})
}

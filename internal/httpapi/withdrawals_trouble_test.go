package httpapi_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyertest"
)

// A gateway that is away keeps nobody from withdrawing: the money follows, once.
func TestTheGatewayIsAwayWhenSomebodyWithdraws(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		l := newLeaver(t, a)
		away := func(from, to string) {
			_, err := a.Store.SQL().ExecContext(t.Context(), "ALTER TABLE "+from+" RENAME TO "+to)
			require.NoError(t, err)
		}
		away("sandbox_gateway_refunds", "gone")
		done := l.withdraw("k").Must(http.StatusCreated)
		assert.Equal(t, "confirmed", done.Text("state"))
		assert.Equal(t, "pending", done.Text("refunds.0.state"))
		assert.Equal(t, billing.SubscriptionCanceled, l.now(t).Status)
		soon := func(d time.Duration) {
			now, err := a.Merchants.Clock(t.Context(), l.merchant.ID)
			require.NoError(t, err)
			a.Until(t, l.merchant, now.Add(d))
		}
		soon(5 * time.Minute)
		away("gone", "sandbox_gateway_refunds")
		assert.Equal(t, "true", l.withdraw("k").Must(http.StatusCreated).Header.Get("Idempotency-Replayed"))
		soon(time.Hour)
		after := l.mia.Get("/v1/withdrawals/" + done.Text("id")).Must(http.StatusOK)
		assert.Equal(t, "completed", after.Text("state"))
		assert.Equal(t, []int64{2379}, l.refunds(t))
		assert.Equal(t, 1, l.told(t)["withdrawal.completed"])
		l.sound(t)
	})
}

// A refund that is refused needs the merchant, who is told, and can have it tried again.
func TestARefundOfAWithdrawalIsRefused(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		l := newLeaver(t, a)
		givenBack := func(sum string) { // at the gateway, by somebody else
			_, err := a.Store.SQL().ExecContext(t.Context(), "UPDATE sandbox_gateway_charges SET refunded = "+sum)
			require.NoError(t, err)
		}
		givenBack("amount")
		failed := l.withdraw("k").Must(http.StatusCreated)
		assert.Equal(t, "failed", failed.Text("state"))
		assert.Equal(t, "refused", failed.Text("refunds.0.state"))
		assert.Equal(t, billing.SubscriptionCanceled, l.now(t).Status)
		path := "/v1/merchant/withdrawals/" + failed.Text("id")
		assert.Equal(t, "already_refunded", l.key.Get(path).Must(http.StatusOK).Text("reason"))
		accept := func(key string) string {
			return l.key.Post(path+"/accept", nil, foyertest.Keyed(key)...).Must(http.StatusOK).Text("state")
		}
		assert.Equal(t, "failed", accept("one"))
		givenBack("0")
		assert.Equal(t, "completed", accept("two"))
		assert.Equal(t, "failed", accept("one"), "that call has its answer")
		assert.Equal(t, []int64{2379}, l.refunds(t))
		assert.Equal(t, 2, l.told(t)["withdrawal.failed"])
		l.key.Post(path+"/dismiss", nil).Refused(http.StatusConflict, "withdrawal.closed")
		settleMails(t, a)
		l.sound(t)
	})
}

// A charge the bank asks about is under way when the customer withdraws: the subscription ends when it is settled, and all of it goes back.
func TestWithdrawingWhileAChargeIsUnderWay(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		l := newLeaver(t, a)
		strict := l.mia.Post("/v1/payment-methods", object{"setup_id": l.mia.Setup(foyertest.Card3DSecure)}, foyertest.Keyed("3ds")...).Must(http.StatusCreated).Text("id")
		l.mia.Call(http.MethodPut, l.path("/payment-method"), object{"payment_method_id": strict}, foyertest.Keyed("set")...).Must(http.StatusOK)
		better := a.Price(t, l.merchant, "Max", 3999)
		asked := l.key.Post("/v1/merchant/subscriptions/"+string(l.sub.ID)+"/change", object{"items": []any{object{"price_id": better.ID, "quantity": 1}}}, foyertest.Keyed("up")...).Must(http.StatusAccepted)
		done := l.withdraw("k").Must(http.StatusCreated)
		assert.Equal(t, "confirmed", done.Text("state"))
		assert.NotEqual(t, billing.SubscriptionCanceled, l.now(t).Status)
		l.mia.Confirm(asked.Text("next_action.charge_id"), asked.Text("next_action.client_secret"), "succeed")
		require.Eventually(t, func() bool { return l.now(t).OpenPayment == "" }, 20*time.Second, 20*time.Millisecond)
		now, err := a.Merchants.Clock(t.Context(), l.merchant.ID)
		require.NoError(t, err)
		a.Until(t, l.merchant, now.Add(10*time.Minute))
		assert.Equal(t, billing.SubscriptionCanceled, l.now(t).Status)
		after := l.mia.Get("/v1/withdrawals/" + done.Text("id")).Must(http.StatusOK)
		assert.Equal(t, "completed", after.Text("state"))
		var charged, back int64
		for _, c := range a.Ledger(t) {
			charged += c.Amount
		}
		for _, sum := range l.refunds(t) {
			back += sum
		}
		assert.Equal(t, charged, back)
		assert.Len(t, l.refunds(t), 2)
		assert.True(t, slices.IsSorted(l.refunds(t)))
		l.sound(t)
	})
}

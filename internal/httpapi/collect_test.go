package httpapi_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyertest"
)

// entered is a setup whose card the customer entered with the sandbox gateway's own form.
func entered(t *testing.T, a *foyertest.App, c *foyertest.Client, card string) string {
	t.Helper()
	setup := c.Post("/v1/payment-methods/setups", nil).Must(http.StatusCreated)
	body, _ := json.Marshal(map[string]any{
		"client_secret": setup.Text("client_secret"), "card": map[string]any{"number": card, "expiry_month": 12, "expiry_year": 2040, "cvc": "123"},
	})
	res, err := http.Post(a.URL+"/sandbox-gateway/setups/"+setup.Text("setup_id")+"/confirm", "application/json", bytes.NewReader(body))
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusOK, res.StatusCode)
	return setup.Text("setup_id")
}

// The one-act update of an expired card: the new one takes over the old one's subscriptions and collects what they owe.
func TestANewCardCollectsEveryDebtOnce(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		c := a.Customer(t, m, "mia@mailbox.test")
		mia := a.SignIn(t, m, c.Email)
		old := mia.Post("/v1/payment-methods", map[string]any{"setup_id": entered(t, a, mia, "4000000000000341")}, idempotencyKey, "old").Must(http.StatusCreated)
		assert.Equal(t, true, old.At("default"), "the first one")
		var debts []string
		for range 3 {
			debts = append(debts, string(owed(t, a, c, billing.PaymentMethodID(old.Text("id"))).ID))
		}
		body := map[string]any{"setup_id": entered(t, a, mia, "4242424242424242"), "replaces": old.Text("id")}
		added := mia.Post("/v1/payment-methods", body, idempotencyKey, "new").Must(http.StatusCreated)
		require.Equal(t, 3, added.Len("collections"))
		for i := range 3 {
			assert.Equal(t, "completed", added.Text(fmt.Sprintf("collections.%d.status", i)))
			assert.Contains(t, debts, added.Text(fmt.Sprintf("collections.%d.payment_id", i)))
		}
		assert.Equal(t, 3, added.Len("used_by"))
		assert.Equal(t, true, added.At("default"))
		again := mia.Post("/v1/payment-methods", body, idempotencyKey, "new").Must(http.StatusCreated)
		assert.Equal(t, string(added.Body), string(again.Body))
		mia.Get("/v1/payment-methods/"+old.Text("id")).Refused(http.StatusNotFound, "not_found")
		for _, id := range debts {
			paid := mia.Get("/v1/payments/" + id).Must(http.StatusOK)
			assert.Equal(t, "completed", paid.Text("status"))
			mia.Post("/v1/payments/"+id+"/pay", nil, idempotencyKey, rand.Text()).Refused(http.StatusConflict, "payment.not_payable")
		}
		assert.Equal(t, 0, mia.Get("/v1/subscriptions?status=past_due").Must(http.StatusOK).Len("data"))
	})
}

// A declined payment is 402, told again to the same call, and leaves an attempt; fifty clicks with another card are one charge.
func TestPayingADebt(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		c := a.Customer(t, m, "mia@mailbox.test")
		mia := a.SignIn(t, m, c.Email)
		method := func(card string) string {
			return mia.Post("/v1/payment-methods", map[string]any{"setup_id": entered(t, a, mia, card)}, idempotencyKey, rand.Text()).Must(http.StatusCreated).Text("id")
		}
		poor, good := method("4000000000009995"), method("4242424242424242")
		debt := "/v1/payments/" + string(owed(t, a, c, billing.PaymentMethodID(poor)).ID)
		for i := range 2 {
			declined := mia.Post(debt+"/pay", nil, idempotencyKey, "poor").Refused(http.StatusPaymentRequired, "payment.declined")
			assert.Equal(t, "not_enough_balance", declined.Text("error_code"))
			assert.Equal(t, i == 1, declined.Header.Get("Idempotency-Replayed") == "true")
		}
		assert.Equal(t, 1, mia.Get(debt).Must(http.StatusOK).Len("attempts")-1, "one attempt more than there was")
		answers := together(50, func(int) string {
			answer := mia.Post(debt+"/pay", map[string]any{"payment_method_id": good}, idempotencyKey, "good")
			return fmt.Sprint(answer.Status, " ", answer.Text("code"), answer.Text("status"))
		})
		delete(answers, "409 idempotency.in_progress")
		assert.Len(t, answers, 1)
		assert.Positive(t, answers["200 completed"], "%v", answers)
		assert.Equal(t, 3, mia.Get(debt).Must(http.StatusOK).Len("attempts"))
	})
}

// owed is a past due payment of a subscription that is charged with the method.
func owed(t *testing.T, a *foyertest.App, c billing.Customer, method billing.PaymentMethodID) billing.Payment {
	t.Helper()
	sub := a.Subscription(t, c, func(s *billing.Subscription) {
		s.Provider, s.Status, s.PaymentMethod = billing.ProviderNative, billing.SubscriptionPastDue, method
		s.Debt = billing.PaymentID(a.IDs("pay"))
	})
	return a.Payment(t, c, a.Clock.Now(), 2000, "EUR", "", func(p *billing.Payment) {
		p.ID, p.Subscription, p.Status, p.Origin, p.PaymentMethod = sub.Debt, sub.ID, billing.PaymentPastDue, billing.OriginRenewal, method
		p.Totals.Balance = p.Totals.GrandTotal
		p.BillingPeriod, p.Effect = sub.CurrentPeriod, &billing.Effect{Kind: billing.EffectPeriod}
		p.Attempts[0].Status, p.Attempts[0].ErrorCode, p.Attempts[0].CapturedAt = billing.AttemptFailed, "expired_card", nil
	})
}

package stripe_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyertest"
	"foyer/internal/gateway/stripe/stripetest"
)

// handed is a card the merchant's backend hands over: its id at Stripe, and here.
func (p *portal) handed(number string) (atStripe, id string) {
	p.t.Helper()
	atStripe, err := p.fake.NewMethod(p.fake.Number(number))
	require.NoError(p.t, err)
	return atStripe, p.hand(atStripe)
}

func (p *portal) hand(token string) (id string) {
	p.t.Helper()
	return p.key.Post("/v1/merchant/customers/"+string(p.customer.ID)+"/payment-methods", map[string]any{"gateway_token": token}, keyed()...).Must(http.StatusCreated).Text("id")
}

// subscribe begins a subscription of the customer's.
func (p *portal) subscribe(method string) *foyertest.Answer {
	p.t.Helper()
	return p.key.Post("/v1/merchant/subscriptions", map[string]any{
		"customer_id": p.customer.ID, "payment_method_id": method, "items": []any{map[string]any{"price_id": p.price.ID, "quantity": 1}},
	}, keyed()...)
}

// mailed counts the mails of a kind that were ordered for the customer.
func (p *portal) mailed(kind billing.MailKind) (n int) {
	p.t.Helper()
	orders, err := p.Store.MailOrders(p.t.Context(), foyertest.As(p.customer).Scope)
	require.NoError(p.t, err)
	for _, o := range orders {
		if o.Kind == kind {
			n++
		}
	}
	return n
}

// newest is the newest event of a subject.
func (p *portal) newest(subject string) *foyertest.Answer {
	p.t.Helper()
	return p.key.Get("/v1/merchant/events?limit=1&subject_id=" + subject).Must(http.StatusOK)
}

// A card somebody detaches in Stripe's dashboard is nobody's any more there, and the message says whose it was only in what was different
// before. Nothing charged with it, it is gone here, too; else it counts as expired, and the customer is written to when the next charge
// fails.
func TestACardDetachedAtStripe(t *testing.T) {
	t.Parallel()
	foyertest.EachAtStripe(t, func(t *testing.T, a *foyertest.App, fake *stripetest.Fake) {
		p := newPortal(t, a, fake)
		freeAtStripe, free := p.handed("5555555555554444")
		usedAtStripe, used := p.handed("4242424242424242")
		sub := p.subscribe(used).Must(http.StatusCreated).Text("id")

		fake.DetachMethod(freeAtStripe)
		require.Eventually(t, func() bool { return p.mia.Get("/v1/payment-methods/"+free).Status == http.StatusNotFound }, 30*time.Second, 20*time.Millisecond)
		assert.Equal(t, 1, p.told("payment_method.deleted", free))
		assert.Equal(t, 1, p.mailed(billing.MailMethodRemoved))
		p.key.Post("/v1/merchant/customers/"+string(p.customer.ID)+"/payment-methods", map[string]any{"gateway_token": freeAtStripe}, keyed()...).
			Refused(http.StatusUnprocessableEntity, "input.invalid")

		fake.DetachMethod(usedAtStripe)
		require.Eventually(t, func() bool {
			return p.mia.Get("/v1/payment-methods/"+used).Must(http.StatusOK).Text("status") == "expired"
		}, 30*time.Second, 20*time.Millisecond)
		event := p.newest(used)
		assert.Equal(t, "payment_method.updated", event.Text("data.0.type"))
		assert.Equal(t, map[string]any{"status": "valid"}, event.At("data.0.previous_attributes"))
		assert.Equal(t, "active", p.mia.Get("/v1/subscriptions/"+sub).Text("status"))
		assert.Zero(t, p.mailed(billing.MailCardExpiring))
		assert.Zero(t, p.mailed(billing.MailPaymentFailed), "nothing is owed yet")

		p.Until(t, p.merchant, a.Clock.Now().AddDate(0, 1, 1))
		assert.Equal(t, "past_due", p.mia.Get("/v1/subscriptions/"+sub).Text("status"))
		debt := p.mia.Get("/v1/payments?subscription_id=" + sub).Must(http.StatusOK)
		assert.Equal(t, "redacted_payment_method", p.mia.Get("/v1/payments/"+debt.Text("data.0.id")).Text("attempts.0.error_code"))
		assert.Equal(t, 1, p.mailed(billing.MailPaymentFailed))
		assert.Zero(t, p.mailed(billing.MailCardExpiring))
		p.mia.Post("/v1/payment-methods", map[string]any{"setup_id": p.mia.Setup("4242424242424242"), "replaces": used}, keyed()...).Must(http.StatusCreated)
		assert.Equal(t, "active", p.mia.Get("/v1/subscriptions/"+sub).Text("status"))
		assert.Equal(t, 1, p.captures(debt.Text("data.0.id")))
	})
}

// What a method is charged for is told by the subscriptions: that it changed since is nothing a change of the method says.
func TestOnlyWhatIsDifferentWasDifferentBefore(t *testing.T) {
	t.Parallel()
	foyertest.EachAtStripe(t, func(t *testing.T, a *foyertest.App, fake *stripetest.Fake) {
		p := newPortal(t, a, fake)
		atStripe, id := p.handed("4242424242424242")
		card := p.mia.Get("/v1/payment-methods/" + id).Must(http.StatusOK).At("card")
		sub := p.subscribe(id).Must(http.StatusCreated).Text("id")
		fake.ReplaceCard(atStripe, "1881", 7, time.Now().Year()+5)
		require.Eventually(t, func() bool { return p.told("payment_method.updated", id) == 1 }, 30*time.Second, 20*time.Millisecond)
		event := p.newest(id)
		assert.Equal(t, map[string]any{"card": card}, event.At("data.0.previous_attributes"))
		assert.Equal(t, []any{sub}, event.At("data.0.data.used_by"))
		p.mia.Patch("/v1/payment-methods/"+id, map[string]any{"billing_name": "Mia Reyes"}).Must(http.StatusOK)
		assert.Equal(t, map[string]any{"billing_name": nil}, p.newest(id).At("data.0.previous_attributes"))

		p.mia.Post("/v1/payment-methods", map[string]any{"setup_id": p.mia.Setup("5555555555554444"), "replaces": id}, keyed()...).Must(http.StatusCreated)
		event = p.newest(id)
		assert.Equal(t, "payment_method.deleted", event.Text("data.0.type"))
		assert.Equal(t, map[string]any{"default": true}, event.At("data.0.previous_attributes"))
		moved := p.newest(sub)
		assert.Equal(t, id, moved.At("data.0.previous_attributes.payment_method_id"), "who is charged with what is told here")

		_, id = p.handed("378282246310005")
		sub = p.subscribe(id).Must(http.StatusCreated).Text("id")
		p.key.Post("/v1/merchant/subscriptions/"+sub+"/cancel", map[string]any{"effective": "immediately"}, keyed()...).Must(http.StatusOK)
		p.mia.Delete("/v1/payment-methods/" + id).Must(http.StatusNoContent)
		assert.Equal(t, map[string]any{}, p.newest(id).At("data.0.previous_attributes"))
	})
}

// What is bought by debit begins when the money is there. Until then its payment is all there is to see.
func TestAFirstPurchaseByDebit(t *testing.T) {
	t.Parallel()
	foyertest.EachAtStripe(t, func(t *testing.T, a *foyertest.App, fake *stripetest.Fake) {
		p := newPortal(t, a, fake)
		account, err := fake.NewMethod(stripetest.IBAN("DE89370400440532013000"))
		require.NoError(t, err)
		method := p.hand(account)
		once := p.key.Post("/v1/merchant/payments", map[string]any{
			"customer_id": p.customer.ID, "payment_method_id": method,
			"items": []any{map[string]any{"name": "Setup", "unit_price": map[string]any{"amount": 1999, "currency": "EUR"}, "quantity": 1}},
		}, keyed()...).Must(http.StatusCreated)
		assert.Equal(t, []string{"ready", "pending"}, []string{once.Text("status"), once.Text("attempts.0.status")})
		for _, succeeds := range []bool{true, false} {
			begun := p.subscribe(method).Must(http.StatusCreated)
			assert.Nil(t, begun.At("next_action"))
			sub := begun.Text("id")
			p.mia.Get("/v1/subscriptions/"+sub).Refused(http.StatusNotFound, "not_found")
			p.key.Get("/v1/merchant/subscriptions/"+sub).Refused(http.StatusNotFound, "not_found")
			p.key.Post("/v1/merchant/subscriptions/"+sub+"/cancel", map[string]any{"effective": "immediately"}, keyed()...).Refused(http.StatusNotFound, "not_found")
			bills := p.mia.Get("/v1/payments?subscription_id=" + sub).Must(http.StatusOK)
			require.Equal(t, 1, bills.Len("data"))
			bill := bills.Text("data.0.id")
			seen := p.mia.Get("/v1/payments/" + bill).Must(http.StatusOK)
			assert.Equal(t, []string{"ready", "pending"}, []string{seen.Text("status"), seen.Text("attempts.0.status")})
			assert.Zero(t, p.told("subscription.created", sub))
			require.True(t, fake.Settle(seen.Text("attempts.0.id"), succeeds))
			if succeeds {
				p.becomes(bill, "status", "completed")
				assert.Equal(t, "active", p.mia.Get("/v1/subscriptions/"+sub).Must(http.StatusOK).Text("status"))
				assert.Equal(t, 1, p.told("subscription.created", sub))
				continue
			}
			p.becomes(bill, "status", "canceled")
			p.mia.Get("/v1/subscriptions/"+sub).Refused(http.StatusNotFound, "not_found")
			assert.Zero(t, p.told("subscription.created", sub))
			assert.Zero(t, p.captures(bill))
		}
	})
}

// "Immediately" waits for a charge under way, because nobody knows yet what is paid: paid, the subscription ends with that period, and
// declined at once.
func TestCancelingWhileADebitIsUnderWay(t *testing.T) {
	t.Parallel()
	foyertest.EachAtStripe(t, func(t *testing.T, a *foyertest.App, fake *stripetest.Fake) {
		p := newPortal(t, a, fake)
		account, err := fake.NewMethod(stripetest.IBAN("DE89370400440532013000"))
		require.NoError(t, err)
		debit := p.hand(account)
		for _, succeeds := range []bool{true, false} {
			sub := p.subscribe(p.card("4242424242424242")).Must(http.StatusCreated).Text("id")
			p.mia.Call(http.MethodPut, "/v1/subscriptions/"+sub+"/payment-method", map[string]any{"payment_method_id": debit}, keyed()...).Must(http.StatusOK)
			now, err := a.Merchants.Clock(t.Context(), p.merchant.ID)
			require.NoError(t, err)
			p.Until(t, p.merchant, now.AddDate(0, 1, 1))
			bill := p.mia.Get("/v1/payments?subscription_id=" + sub).Must(http.StatusOK).Text("data.0.id")
			attempt := p.mia.Get("/v1/payments/" + bill).Must(http.StatusOK)
			require.Equal(t, "pending", attempt.Text("attempts.0.status"))
			canceled := p.key.Post("/v1/merchant/subscriptions/"+sub+"/cancel", map[string]any{"effective": "immediately"}, keyed()...).Must(http.StatusOK)
			assert.Equal(t, "cancel", canceled.Text("scheduled_change.action"))
			assert.NotEqual(t, "canceled", canceled.Text("status"))
			require.True(t, fake.Settle(attempt.Text("attempts.0.id"), succeeds))
			if succeeds {
				p.becomes(bill, "status", "completed")
				kept := p.mia.Get("/v1/subscriptions/" + sub).Must(http.StatusOK)
				assert.Equal(t, "active", kept.Text("status"))
				assert.Equal(t, kept.Text("current_period.ends_at"), kept.Text("scheduled_change.effective_at"))
				again := p.key.Post("/v1/merchant/subscriptions/"+sub+"/cancel", map[string]any{"effective": "immediately"}, keyed()...).Must(http.StatusOK)
				assert.Equal(t, "canceled", again.Text("status"))
				continue
			}
			p.becomes(bill, "status", "canceled")
			assert.Equal(t, "canceled", p.mia.Get("/v1/subscriptions/"+sub).Must(http.StatusOK).Text("status"))
		}
	})
}

package stripe_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyertest"
	"foyer/internal/gateway/stripe/stripetest"
)

// account is a bank account the customer's merchant handed over, and its id at Stripe.
func (p *portal) account(iban string) (id, token string) {
	p.t.Helper()
	token, err := p.fake.NewMethod(stripetest.IBAN(iban))
	require.NoError(p.t, err)
	return p.key.Post("/v1/merchant/customers/"+string(p.customer.ID)+"/payment-methods", map[string]any{"gateway_token": token}, keyed()...).
		Must(http.StatusCreated).Text("id"), token
}

// begun is a subscription whose first payment is a debit the bank has not decided about, and that payment and its attempt.
func (p *portal) begun(method string) (subscription, payment, attempt string) {
	p.t.Helper()
	subscription = p.key.Post("/v1/merchant/subscriptions", map[string]any{
		"customer_id": p.customer.ID, "payment_method_id": method, "items": []any{map[string]any{"price_id": p.price.ID, "quantity": 1}},
	}, keyed()...).Must(http.StatusCreated).Text("id")
	payment = p.mia.Get("/v1/payments").Must(http.StatusOK).Text("data.0.id")
	attempt = p.mia.Get("/v1/payments/" + payment).Must(http.StatusOK).Text("attempts.0.id")
	return subscription, payment, attempt
}

// indebted is a subscription whose renewal was declined, and that payment.
func (p *portal) indebted() (subscription, debt string) {
	p.t.Helper()
	subscription = p.key.Post("/v1/merchant/subscriptions", map[string]any{
		"customer_id": p.customer.ID, "payment_method_id": p.card("4000000000000341"), "items": []any{map[string]any{"price_id": p.price.ID, "quantity": 1}},
	}, keyed()...).Must(http.StatusCreated).Text("id")
	p.Until(p.t, p.merchant, p.Clock.Now().AddDate(0, 1, 1))
	return subscription, p.mia.Get("/v1/payments?subscription_id=" + subscription).Must(http.StatusOK).Text("data.0.id")
}

// What a payment under way is charged to can't be deleted: what it buys would begin without. The refusal says which payment it is.
func TestAMethodIsKeptWhileAPaymentWithItIsNotDecided(t *testing.T) {
	t.Parallel()
	foyertest.EachAtStripe(t, func(t *testing.T, a *foyertest.App, fake *stripetest.Fake) {
		p := newPortal(t, a, fake)
		method, _ := p.account("DE89370400440532013000")
		path, theirs := "/v1/payment-methods/"+method, "/v1/merchant/customers/"+string(p.customer.ID)+"/payment-methods/"+method
		sub, payment, attempt := p.begun(method)
		refused := p.mia.Delete(path, keyed()...).Refused(http.StatusConflict, "payment_method.charge_pending")
		assert.Equal(t, payment, refused.Text("payment_ids.0"))
		assert.Contains(t, refused.Text("detail"), "not decided yet")
		assert.Contains(t, p.mia.Delete(path, "Accept-Language", "de", "Idempotency-Key", "de").Text("detail"), "noch nicht entschieden")
		p.key.Delete(theirs, keyed()...).Refused(http.StatusConflict, "payment_method.charge_pending")
		archive := "/v1/merchant/customers/" + string(p.customer.ID) + "/archive"
		assert.Equal(t, payment, p.key.Post(archive, nil, keyed()...).Refused(http.StatusConflict, "customer.charge_pending").Text("payment_ids.0"),
			"nobody could sign in to cancel what begins")
		require.True(t, fake.Settle(attempt, true))
		p.status(payment, "completed")
		assert.Equal(t, sub, p.key.Post(archive, nil, keyed()...).Refused(http.StatusConflict, "customer.has_subscriptions").Text("subscription_ids.0"))
		assert.Equal(t, method, p.mia.Get("/v1/subscriptions/"+sub).Must(http.StatusOK).Text("payment_method_id"))
		assert.Equal(t, sub, p.mia.Delete(path, keyed()...).Refused(http.StatusConflict, "payment_method.in_use").Text("used_by.0"))

		strict, debt := p.card("4000000000003220"), p.owed()
		asked := p.pay(debt, strict).Must(http.StatusAccepted)
		p.mia.Delete("/v1/payment-methods/"+strict, keyed()...).Refused(http.StatusConflict, "payment_method.charge_pending")
		p.mia.Confirm(asked.Text("next_action.charge_id"), asked.Text("next_action.client_secret"), "fail")
		p.becomes(debt, "attempts.0.status", "failed")
		p.mia.Delete("/v1/payment-methods/"+strict, keyed()...).Must(http.StatusNoContent)
	})
}

// Replacing it is another thing: what the payment buys begins with the new one.
func TestAMethodReplacedWhileItsFirstPaymentIsUnderWay(t *testing.T) {
	t.Parallel()
	foyertest.EachAtStripe(t, func(t *testing.T, a *foyertest.App, fake *stripetest.Fake) {
		p := newPortal(t, a, fake)
		method, _ := p.account("DE89370400440532013000")
		sub, payment, attempt := p.begun(method)
		card := p.mia.Post("/v1/payment-methods", map[string]any{"setup_id": p.mia.Setup("4242424242424242"), "replaces": method}, keyed()...).Must(http.StatusCreated).Text("id")
		p.mia.Get("/v1/payment-methods/"+method).Refused(http.StatusNotFound, "not_found")
		require.True(t, fake.Settle(attempt, true))
		p.status(payment, "completed")
		begun := p.mia.Get("/v1/subscriptions/" + sub).Must(http.StatusOK)
		assert.Equal(t, []string{"active", card}, []string{begun.Text("status"), begun.Text("payment_method_id")})
		assert.Equal(t, sub, p.mia.Get("/v1/payment-methods/"+card).Must(http.StatusOK).Text("used_by.0"))
		p.Until(t, p.merchant, a.Clock.Now().AddDate(0, 1, 1))
		renewed := p.mia.Get("/v1/payments?subscription_id=" + sub).Must(http.StatusOK)
		assert.Equal(t, "completed", renewed.Text("data.0.status"))
		assert.Equal(t, 1, p.captures(renewed.Text("data.0.id")))
	})
}

// The same for a debt that is being paid with it: the subscription is charged with the new one from then on, whatever becomes of the debit.
func TestAMethodReplacedWhileItPaysADebt(t *testing.T) {
	t.Parallel()
	foyertest.EachAtStripe(t, func(t *testing.T, a *foyertest.App, fake *stripetest.Fake) {
		p := newPortal(t, a, fake)
		sub, debt := p.indebted()
		method, _ := p.account("DE89370400440532013000")
		waits := p.pay(debt, method).Must(http.StatusOK)
		require.Equal(t, "pending", waits.Text("attempts.0.status"))
		added := p.mia.Post("/v1/payment-methods", map[string]any{"setup_id": p.mia.Setup("4242424242424242"), "replaces": method}, keyed()...).Must(http.StatusCreated)
		assert.Equal(t, sub, added.Text("used_by.0"))
		assert.Equal(t, "past_due", added.Text("collections.0.status"), "not tried beside the debit")
		require.True(t, fake.Settle(waits.Text("attempts.0.id"), true))
		p.status(debt, "completed")
		shown := p.mia.Get("/v1/subscriptions/" + sub).Must(http.StatusOK)
		assert.Equal(t, []string{"active", added.Text("id")}, []string{shown.Text("status"), shown.Text("payment_method_id")})
		assert.Equal(t, 1, p.captures(debt))
	})
}

// A method removed in Stripe's dashboard while it pays stays as an expired one, so that the subscription shows what it needs; and goes when
// nothing came of it.
func TestAMethodRemovedAtStripeWhileItPays(t *testing.T) {
	t.Parallel()
	foyertest.EachAtStripe(t, func(t *testing.T, a *foyertest.App, fake *stripetest.Fake) {
		p := newPortal(t, a, fake)
		method, token := p.account("DE89370400440532013000")
		sub, payment, attempt := p.begun(method)
		fake.DetachMethod(token)
		require.NoError(t, a.Billing.FollowMethods(t.Context(), foyertest.As(p.customer).Scope))
		assert.Equal(t, "expired", p.mia.Get("/v1/payment-methods/"+method).Must(http.StatusOK).Text("status"))
		require.True(t, fake.Settle(attempt, true))
		p.status(payment, "completed")
		assert.Equal(t, method, p.mia.Get("/v1/subscriptions/"+sub).Must(http.StatusOK).Text("payment_method_id"))

		other, token := p.account("AT611904300234573201")
		_, payment, attempt = p.begun(other)
		fake.DetachMethod(token)
		require.NoError(t, a.Billing.FollowMethods(t.Context(), foyertest.As(p.customer).Scope))
		require.True(t, fake.Settle(attempt, false))
		p.status(payment, "canceled")
		require.Eventually(t, func() bool { return p.mia.Get("/v1/payment-methods/"+other).Status == http.StatusNotFound },
			30*time.Second, 20*time.Millisecond, "nothing is charged with it")
	})
}

// The same for what is bought once, while the bank's question is open: answered either way, nothing is charged with the card any more.
func TestACardRemovedAtStripeWhileItsBankAsks(t *testing.T) {
	t.Parallel()
	foyertest.EachAtStripe(t, func(t *testing.T, a *foyertest.App, fake *stripetest.Fake) {
		p := newPortal(t, a, fake)
		for i, succeeds := range []bool{true, false} {
			atStripe, id := p.handed("4000000000003220")
			debt := p.owed()
			asked := p.pay(debt, id).Must(http.StatusAccepted)
			fake.DetachMethod(atStripe)
			require.Eventually(t, func() bool {
				return p.mia.Get("/v1/payment-methods/"+id).Must(http.StatusOK).Text("status") == "expired"
			}, 30*time.Second, 20*time.Millisecond)
			_, err := fake.AuthenticateCharge(asked.Text("next_action.client_secret"), succeeds)
			require.NoError(t, err)
			if succeeds {
				p.status(debt, "completed")
				assert.Equal(t, 1, p.captures(debt))
			} else {
				p.becomes(debt, "attempts.0.status", "failed")
			}
			require.Eventually(t, func() bool { return p.mia.Get("/v1/payment-methods/"+id).Status == http.StatusNotFound },
				30*time.Second, 20*time.Millisecond, "nothing is charged with it")
			assert.Equal(t, 1, p.told("payment_method.deleted", id))
			assert.Equal(t, i+1, p.mailed(billing.MailMethodRemoved))
		}
	})
}

// Whoever replaces the card whose bank asks pays their debt with the new one: the question is void, and nothing is charged twice.
func TestReplacingTheCardWhoseBankAsks(t *testing.T) {
	t.Parallel()
	foyertest.EachAtStripe(t, func(t *testing.T, a *foyertest.App, fake *stripetest.Fake) {
		p := newPortal(t, a, fake)
		sub, debt := p.indebted()
		strict := p.card("4000000000003220")
		asked := p.mia.Call(http.MethodPut, "/v1/subscriptions/"+sub+"/payment-method", map[string]any{"payment_method_id": strict}, keyed()...).Must(http.StatusAccepted)
		added := p.mia.Post("/v1/payment-methods", map[string]any{"setup_id": p.mia.Setup("4242424242424242"), "replaces": strict, "subscription_id": sub}, keyed()...).Must(http.StatusCreated)
		assert.Nil(t, added.At("next_action"))
		assert.Equal(t, []any{debt, "completed"}, []any{added.At("collections.0.payment_id"), added.At("collections.0.status")})
		shown := p.mia.Get("/v1/subscriptions/" + sub).Must(http.StatusOK)
		assert.Equal(t, []string{"active", added.Text("id")}, []string{shown.Text("status"), shown.Text("payment_method_id")})
		_, err := fake.AuthenticateCharge(asked.Text("next_action.client_secret"), true)
		require.NoError(t, err)
		assert.Equal(t, 1, p.captures(debt))
	})
}

// The customer may be answering their bank while another card takes the place of the one it asks about: that one stays at Stripe, or the
// answer would be for nothing. Without anything under way it is detached.
func TestACardIsNotDetachedWhileItsBankAsks(t *testing.T) {
	t.Parallel()
	foyertest.EachAtStripe(t, func(t *testing.T, a *foyertest.App, fake *stripetest.Fake) {
		p := newPortal(t, a, fake)
		detached := func() (n int) {
			for _, r := range fake.Requests() {
				if strings.HasSuffix(r.Path, "/detach") {
					n++
				}
			}
			return n
		}
		replace := func(method, number string) string {
			body := map[string]any{"setup_id": p.mia.Setup(number), "replaces": method}
			return p.mia.Post("/v1/payment-methods", body, keyed()...).Must(http.StatusCreated).Text("id")
		}
		strict, debt := p.card("4000000000003220"), p.owed()
		asked := p.pay(debt, strict).Must(http.StatusAccepted)
		next := replace(strict, "4242424242424242")
		p.mia.Get("/v1/payment-methods/"+strict).Refused(http.StatusNotFound, "not_found")
		assert.Zero(t, detached())
		p.mia.Confirm(asked.Text("next_action.charge_id"), asked.Text("next_action.client_secret"), "succeed")
		p.status(debt, "completed")
		assert.Equal(t, 1, p.captures(debt))
		replace(next, "5555555555554444")
		assert.Equal(t, 1, detached())
	})
}

// Stripe's message is lost: what the customer answered their bank is found out within minutes, without them.
func TestTheBanksAnswerIsFoundWithoutAMessage(t *testing.T) {
	t.Parallel()
	foyertest.EachAtStripe(t, func(t *testing.T, a *foyertest.App, fake *stripetest.Fake) {
		p := newPortal(t, a, fake)
		fake.SetWebhookURL("")
		debt := p.owed()
		asked := p.pay(debt, p.card("4000000000003220")).Must(http.StatusAccepted)
		p.mia.Confirm(asked.Text("next_action.charge_id"), asked.Text("next_action.client_secret"), "succeed")
		require.NoError(t, a.Engine.RunDue(t.Context(), p.merchant.ID))
		require.Equal(t, "billed", p.mia.Get("/v1/payments/"+debt).Must(http.StatusOK).Text("status"))
		a.Clock.Advance(61 * time.Second)
		require.NoError(t, a.Engine.RunDue(t.Context(), p.merchant.ID))
		p.status(debt, "completed")
		assert.Equal(t, 1, p.captures(debt))
	})
}

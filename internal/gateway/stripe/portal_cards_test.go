package stripe_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/foyertest"
	"foyer/internal/gateway/stripe/stripetest"
	"foyer/internal/invoice"
)

// A card that was removed at Stripe, of which no message came: the charge that finds out has it looked at. It counts as expired where a
// subscription is charged with it, so that the customer is asked for another, and is gone where nothing is.
func TestACardRemovedAtStripe(t *testing.T) {
	t.Parallel()
	foyertest.EachAtStripe(t, func(t *testing.T, a *foyertest.App, fake *stripetest.Fake) {
		p := newPortal(t, a, fake)
		fake.SetWebhookURL("") // nothing is told
		stored := func(number string) (method, id string) {
			method, err := fake.NewMethod(fake.Number(number))
			require.NoError(t, err)
			return method, p.key.Post("/v1/merchant/customers/"+string(p.customer.ID)+"/payment-methods", map[string]any{"gateway_token": method}, keyed()...).Must(http.StatusCreated).Text("id")
		}
		method, id := stored("4242424242424242")
		p.key.Post("/v1/merchant/subscriptions", map[string]any{
			"customer_id": p.customer.ID, "payment_method_id": id, "items": []any{map[string]any{"price_id": p.price.ID, "quantity": 1}},
		}, keyed()...).Must(http.StatusCreated)
		fake.DetachMethod(method)
		debt := p.owed()
		refused := p.pay(debt, id).Refused(http.StatusPaymentRequired, "payment.declined")
		assert.Equal(t, "redacted_payment_method", refused.Text("error_code"))
		require.Eventually(t, func() bool {
			return p.mia.Get("/v1/payment-methods/"+id).Must(http.StatusOK).Text("status") == "expired"
		}, 30*time.Second, 20*time.Millisecond)
		assert.Equal(t, 1, p.told("payment_method.updated", id))

		method, id = stored("5555555555554444") // not the same card, which would take its place
		p.pay(p.owed(), id).Must(http.StatusOK)
		fake.DetachMethod(method)
		p.pay(debt, id).Refused(http.StatusPaymentRequired, "payment.declined")
		require.Eventually(t, func() bool { return p.mia.Get("/v1/payment-methods/"+id).Status == http.StatusNotFound }, 30*time.Second, 20*time.Millisecond)
		assert.Equal(t, 1, p.told("payment_method.deleted", id))
		assert.Zero(t, p.captures(debt))
	})
}

// Whose bank asks about one card and who pays with another in the same form, sees that one: in the attempt, on the receipt and on the
// invoice. What is stored, and charged at the next renewal, is the first.
func TestPaidWithAnotherCardThanAsked(t *testing.T) {
	t.Parallel()
	foyertest.EachAtStripe(t, func(t *testing.T, a *foyertest.App, fake *stripetest.Fake) {
		p := newPortal(t, a, fake)
		strict := p.card("4000000000003220")
		other := func(answer *foyertest.Answer) {
			progress, err := fake.PayCharge(answer.Text("next_action.client_secret"), fake.Number("5555555555554444"))
			require.NoError(t, err)
			require.Equal(t, stripetest.Succeeded, progress)
		}
		names := func(payment *foyertest.Answer) []any {
			return []any{payment.At("attempts.0.payment_method.brand"), payment.At("attempts.0.payment_method.last4")}
		}
		debt := p.owed()
		other(p.pay(debt, strict).Must(http.StatusAccepted))
		paid := p.status(debt, "completed")
		assert.Equal(t, []any{"mastercard", "4444"}, names(paid))
		assert.Equal(t, 1, p.captures(debt))
		asked := p.key.Post("/v1/merchant/subscriptions", map[string]any{
			"customer_id": p.customer.ID, "payment_method_id": strict, "items": []any{map[string]any{"price_id": p.price.ID, "quantity": 1}},
		}, keyed()...).Must(http.StatusAccepted)
		other(asked)
		first := p.mia.Get("/v1/payments?subscription_id=" + asked.Text("id")).Must(http.StatusOK).Text("data.0.id")
		assert.Equal(t, []any{"mastercard", "4444"}, names(p.status(first, "completed")))
		assert.Equal(t, strict, p.key.Get("/v1/merchant/subscriptions/"+asked.Text("id")).Must(http.StatusOK).Text("payment_method_id"))
		issued, err := a.Store.Invoices(t.Context(), foyertest.As(p.customer).Scope, foyer.PageRequest{Limit: 1})
		require.NoError(t, err)
		document, err := a.Store.Invoice(t.Context(), foyertest.As(p.customer).Scope, issued[0].ID, true)
		require.NoError(t, err)
		assert.Equal(t, first, string(document.Payment))
		assert.Equal(t, &invoice.PaidWith{Type: "card", Brand: "mastercard", Last4: "4444"}, document.Document.PaidWith)
		require.Eventually(t, func() bool {
			receipts := 0
			for _, m := range a.Mails(t, p.customer.Email) {
				if strings.Contains(m.Text, "4444") {
					receipts++
				}
				assert.NotContains(t, m.Text, "3220")
			}
			return receipts == 2
		}, 30*time.Second, 20*time.Millisecond)
	})
}

// Who tries another card in the form of the bank's question, and is declined, sees that one declined. The stored card has been asked nothing
// yet: it is tried again on the next day of the dunning, though what the bank said of the other one would be the end of it.
func TestAnotherCardThanAskedIsDeclined(t *testing.T) {
	t.Parallel()
	foyertest.EachAtStripe(t, func(t *testing.T, a *foyertest.App, fake *stripetest.Fake) {
		p := newPortal(t, a, fake)
		atStripe, stored := p.handed("4242424242424242")
		sub := p.subscribe(stored).Must(http.StatusCreated).Text("id")
		fake.Behave(atStripe, "4000000000009995")
		p.Until(t, p.merchant, a.Clock.Now().AddDate(0, 1, 1))
		require.Equal(t, "past_due", p.mia.Get("/v1/subscriptions/"+sub).Must(http.StatusOK).Text("status"))
		debt := p.mia.Get("/v1/payments?subscription_id=" + sub).Must(http.StatusOK).Text("data.0.id")

		fake.Behave(atStripe, "4000000000003220")
		asked := p.pay(debt, stored).Must(http.StatusAccepted)
		progress, err := fake.PayCharge(asked.Text("next_action.client_secret"), fake.Number("4000000000000069"))
		require.NoError(t, err)
		require.Equal(t, stripetest.Failed, progress)
		attempt := func() map[string]any {
			all, _ := p.mia.Get("/v1/payments/" + debt).Must(http.StatusOK).At("attempts").([]any)
			for _, one := range all {
				shown, _ := one.(map[string]any)
				if shown["id"] == asked.Text("next_action.charge_id") {
					return shown
				}
			}
			return nil
		}
		require.Eventually(t, func() bool { return attempt()["status"] == "failed" }, 30*time.Second, 20*time.Millisecond)
		declined := attempt()
		assert.Equal(t, "expired_card", declined["error_code"])
		assert.Contains(t, declined["error_text"], "This card has expired")
		method, _ := declined["payment_method"].(map[string]any)
		assert.Equal(t, "0069", method["last4"])
		assert.Equal(t, "valid", p.mia.Get("/v1/payment-methods/"+stored).Must(http.StatusOK).Text("status"))

		fake.Behave(atStripe, "4242424242424242")
		mails := p.mailed(billing.MailPaymentFailed)
		now, err := a.Merchants.Clock(t.Context(), p.merchant.ID)
		require.NoError(t, err)
		p.Until(t, p.merchant, now.AddDate(0, 0, 8))
		assert.Equal(t, "active", p.mia.Get("/v1/subscriptions/"+sub).Must(http.StatusOK).Text("status"))
		paid := p.status(debt, "completed")
		assert.Equal(t, 3, paid.Len("attempts"))
		assert.Equal(t, 1, p.captures(debt))
		assert.Equal(t, mails, p.mailed(billing.MailPaymentFailed))
	})
}

package httpapi_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"foyer/internal/billing"
	"foyer/internal/foyertest"
)

func TestMerchantKeepsACustomersPaymentMethods(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		key := a.Key(t, m)
		c := a.Customer(t, m, "mia@mailbox.test")
		path := customers + "/" + string(c.ID) + "/payment-methods"
		first := key.Post(path, map[string]any{"gateway_token": "tok_4242"}, idempotencyKey, "a").Must(http.StatusCreated)
		assert.Equal(t, []any{"4242", true, "valid", string(c.ID)}, []any{first.At("card.last4"), first.At("default"), first.At("status"), first.At("customer_id")})
		again := key.Post(path, map[string]any{"gateway_token": "tok_4242"}, idempotencyKey, "a").Must(http.StatusCreated)
		assert.Equal(t, first.JSON, again.JSON)
		assert.Equal(t, "true", again.Header.Get("Idempotency-Replayed"))
		firstPath := path + "/" + first.Text("id")
		assert.Equal(t, first.JSON, key.Get(firstPath).Must(http.StatusOK).JSON)
		assert.Equal(t, first.JSON, lastObject(t, key, first.Text("id")))
		second := key.Post(path, map[string]any{"gateway_token": "tok_0341"}).Must(http.StatusCreated)
		assert.Equal(t, false, second.At("default"))
		secondPath := path + "/" + second.Text("id")
		changed := key.Patch(secondPath, map[string]any{"default": true, "billing_name": "Mia"}, "If-Match", second.Header.Get("ETag")).Must(http.StatusOK)
		assert.Equal(t, []any{true, "Mia"}, []any{changed.At("default"), changed.At("billing_name")})
		key.Patch(secondPath, map[string]any{"billing_name": "Late"}, "If-Match", second.Header.Get("ETag")).Refused(http.StatusPreconditionFailed, "precondition.failed")
		assert.Equal(t, false, key.Get(firstPath).At("default"))
		assert.Equal(t, []string{"payment_method.created", "payment_method.updated"}, eventsOf(t, key, first.Text("id")), "what is the default no more changed, too")
		assert.Equal(t, 2, key.Get(path).Must(http.StatusOK).Len("data"))
		// What the merchant stored is the customer's.
		mia := a.SignIn(t, m, c.Email)
		mine := mia.Get("/v1/payment-methods/" + second.Text("id")).Must(http.StatusOK)
		assert.Equal(t, "0341", mine.Text("card.last4"))
		assert.NotContains(t, string(mine.Body), "customer_id")

		sub := a.Subscription(t, c, func(s *billing.Subscription) { s.PaymentMethod = billing.PaymentMethodID(first.Text("id")) })
		used := key.Delete(firstPath).Refused(http.StatusConflict, "payment_method.in_use")
		assert.Equal(t, []any{string(sub.ID)}, used.At("used_by"))
		key.Delete(secondPath).Must(http.StatusNoContent)
		key.Get(secondPath).Refused(http.StatusNotFound, "not_found")
		key.Delete(secondPath).Refused(http.StatusNotFound, "not_found")
		assert.Equal(t, []string{"payment_method.created", "payment_method.updated", "payment_method.deleted"}, eventsOf(t, key, second.Text("id")))
	})
}

func TestPaymentMethodsByTokenAreRefused(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		key := a.Key(t, m)
		c := a.Customer(t, m, "mia@mailbox.test")
		path := customers + "/" + string(c.ID) + "/payment-methods"
		for _, token := range []string{"tok_0000", "nonsense", "pm_card_visa", "tok_" + "\u202e", "tok_4242 ", "../4242"} {
			refused := key.Post(path, map[string]any{"gateway_token": token}).Refused(http.StatusUnprocessableEntity, "input.invalid")
			assert.Equal(t, "/gateway_token", refused.Text("errors.0.pointer"), token)
		}
		card := key.Post(path, map[string]any{"gateway_token": foyertest.CardGood}).Refused(http.StatusUnprocessableEntity, "input.invalid")
		assert.Equal(t, "input.card_number", card.Text("errors.0.code"))
		key.Post(path, map[string]any{"gateway_token": ""}).Refused(http.StatusUnprocessableEntity, "input.invalid")
		key.Post(path, map[string]any{}).Refused(http.StatusUnprocessableEntity, "input.invalid")
		key.Post(path, map[string]any{"gateway_token": "tok_4242", "card": map[string]any{"number": "x"}}).Refused(http.StatusBadRequest, "json.unknown_field")
		assert.Zero(t, key.Get(path).Must(http.StatusOK).Len("data"))
	})
}

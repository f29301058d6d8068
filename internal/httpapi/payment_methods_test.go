package httpapi_test

import (
	"crypto/rand"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"foyer/internal/billing"
	"foyer/internal/foyertest"
)

func TestStoringAPaymentMethodBeginsWithASetup(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		s := newStreet(t, a)
		setup := s.asMia.Post("/v1/payment-methods/setups", nil).Must(http.StatusCreated)
		assert.Equal(t, "sandbox", setup.Text("gateway"))
		assert.NotEmpty(t, setup.Text("client_secret"))
		add := func(c *foyertest.Client, body map[string]any) *foyertest.Answer {
			return c.Post("/v1/payment-methods", body, idempotencyKey, rand.Text())
		}
		add(s.asMia, map[string]any{"setup_id": setup.Text("setup_id")}).Refused(http.StatusConflict, "payment_method_setup.unfinished")
		// Somebody else's and one that never was: the same body.
		unknown := add(s.asNoah, map[string]any{"setup_id": "pms_01kb3v5q8r9s0t1v2w3x4y5z6a"}).Refused(http.StatusUnprocessableEntity, "input.invalid")
		assert.Equal(t, "/setup_id", unknown.Text("errors.0.pointer"))
		assert.Equal(t, "input.unknown_reference", unknown.Text("errors.0.code"))
		for _, client := range []*foyertest.Client{s.asNoah, s.asTwin} {
			assert.Equal(t, told(unknown), told(add(client, map[string]any{"setup_id": setup.Text("setup_id")})))
		}
	})
}

func TestAPaymentMethodIsChangedAndDeleted(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		s := newStreet(t, a)
		path := "/v1/payment-methods/" + s.own["payment_method_id"]
		first := s.asMia.Get(path).Must(http.StatusOK)
		changed := s.asMia.Patch(path, map[string]any{"default": true, "billing_name": " Mia Reyes "}, "If-Match", first.Header.Get("ETag")).Must(http.StatusOK)
		assert.Equal(t, true, changed.At("default"))
		assert.Equal(t, "Mia Reyes", changed.Text("billing_name"))
		assert.Equal(t, changed.Header.Get("ETag"), s.asMia.Get(path).Must(http.StatusOK).Header.Get("ETag"))
		s.asMia.Patch(path, map[string]any{"default": false}, "If-Match", first.Header.Get("ETag")).Refused(http.StatusPreconditionFailed, "precondition.failed")
		assert.Nil(t, s.asMia.Patch(path, map[string]any{"billing_name": nil}).Must(http.StatusOK).At("billing_name"))
		s.asMia.Patch(path, map[string]any{}).Refused(http.StatusUnprocessableEntity, "input.invalid")
		s.asMia.Patch(path, map[string]any{"default": nil}).Refused(http.StatusUnprocessableEntity, "input.invalid")
		other := a.PaymentMethod(t, s.mia)
		s.asMia.Patch("/v1/payment-methods/"+string(other.ID), map[string]any{"default": true}).Must(http.StatusOK)
		assert.Equal(t, false, s.asMia.Get(path).Must(http.StatusOK).At("default"), "there is one default")

		sub := a.Subscription(t, s.mia, func(v *billing.Subscription) { v.PaymentMethod = billing.PaymentMethodID(s.own["payment_method_id"]) })
		used := s.asMia.Delete(path, idempotencyKey, "k").Refused(http.StatusConflict, "payment_method.in_use")
		assert.Equal(t, []any{string(sub.ID)}, used.At("used_by"))
		again := s.asMia.Delete(path, idempotencyKey, "k").Refused(http.StatusConflict, "payment_method.in_use")
		assert.Equal(t, "true", again.Header.Get("Idempotency-Replayed"))
		free := "/v1/payment-methods/" + string(other.ID)
		for range 2 {
			s.asMia.Delete(free, idempotencyKey, "free").Must(http.StatusNoContent)
		}
		s.asMia.Get(free).Refused(http.StatusNotFound, "not_found")
		s.asMia.Delete(free).Refused(http.StatusNotFound, "not_found")
		s.asMia.Call(http.MethodPut, "/v1/subscriptions/"+string(sub.ID)+"/payment-method", map[string]any{"payment_method_id": string(other.ID)}, idempotencyKey, "x").
			Refused(http.StatusConflict, "subscription.kept_elsewhere")
	})
}

package httpapi_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"foyer/internal/foyertest"
)

func TestJourney(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		c := a.Customer(t, m, "mia@mailbox.test")
		p := a.Payment(t, c, a.Clock.Now().Add(-time.Hour), 10000, "EUR", "AC-1")
		a.Subscription(t, c)
		a.PaymentMethod(t, c)

		client := a.SignIn(t, m, "mia@mailbox.test")
		assert.Equal(t, "mia@mailbox.test", client.Get("/v1/me").Must(http.StatusOK).Text("email"))
		assert.Equal(t, []string{string(p.ID)}, client.Get("/v1/payments").Must(http.StatusOK).IDs())
		assert.Equal(t, "AC-1", client.Get("/v1/payments/"+string(p.ID)).Must(http.StatusOK).Text("invoice.number"))
		client.Get("/v1/invoices/" + p.InvoiceID).Must(http.StatusOK)
		client.Get("/v1/invoices/" + p.InvoiceID + "/pdf").Must(http.StatusOK)
		client.Get("/v1/subscriptions").Must(http.StatusOK)
		client.Get("/v1/payment-methods").Must(http.StatusOK)
		client.Get("/v1/me/activity").Must(http.StatusOK)
		client.Get("/v1/sessions").Must(http.StatusOK)
		client.Get("/v1/portals/" + string(m.Portal.ID)).Must(http.StatusOK)
		client.Patch("/v1/me", map[string]any{"address": nil, "locale": "de"}).Must(http.StatusOK)
		client.Delete("/v1/sessions/current").Must(http.StatusNoContent)
		client.Get("/v1/me").Refused(http.StatusUnauthorized, "auth.invalid")
	})
}

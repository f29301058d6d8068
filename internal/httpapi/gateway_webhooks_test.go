package httpapi_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/app"
	"foyer/internal/foyer"
	"foyer/internal/foyertest"
	"foyer/internal/gateway/sandbox"
	"foyer/internal/notify"
)

// Threat #52: forged, old and tampered messages are refused; a good one, a hundred times at once, has one effect; one about
// something unknown has none. What is booked is what the gateway itself says.
func TestForgedGatewayWebhooks(t *testing.T) {
	t.Parallel()
	const secret = "a-secret-the-gateway-shares-with-foyer"
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		d := newIndebted(t, a)
		strict := d.client.Post("/v1/payment-methods", map[string]any{"setup_id": d.client.Setup(foyertest.Card3DSecure)}, foyertest.Keyed("3ds")...).Must(http.StatusCreated).Text("id")
		asked := d.client.Post("/v1/payments/"+d.debt+"/pay", map[string]any{"payment_method_id": strict}, foyertest.Keyed("pay")...).Must(http.StatusAccepted)
		body := []byte(fmt.Sprintf(`{"id":"msg_1","type":"charge.updated","merchant":%q,"key":%q,"created_at":"2026-01-01T00:00:00Z"}`, d.merchant.ID, asked.Text("next_action.charge_id")))
		send := func(body []byte, signature string) *foyertest.Answer {
			return a.Client(t).Raw(http.MethodPost, "/v1/gateways/sandbox/webhooks", body, "Content-Type", "application/json", "Sandbox-Signature", signature)
		}
		now := a.Clock.Now()
		for name, signature := range map[string]string{
			"none": "", "nonsense": "t=1,v1=00", "another secret": sandbox.Sign("another-secret", body, now), "no secret": sandbox.Sign("", body, now),
			"old": sandbox.Sign(secret, body, now.Add(-6*time.Minute)), "of the future": sandbox.Sign(secret, body, now.Add(6*time.Minute)),
			"of another body": sandbox.Sign(secret, []byte("{}"), now),
		} {
			refused := send(body, signature)
			refused.Refused(http.StatusUnauthorized, "webhook.invalid")
			assert.NotEmpty(t, refused.Header.Get("WWW-Authenticate"), name)
		}
		// Signed, but the bank still waits for the customer: a message moves no money.
		send(body, sandbox.Sign(secret, body, now)).Must(http.StatusNoContent)
		stranger := []byte(`{"id":"msg_2","type":"charge.updated","merchant":"mer_01kb3v5q8r9s0t1v2w3x4y5z6a","key":"att_01kb3v5q8r9s0t1v2w3x4y5z6a"}`)
		send(stranger, sandbox.Sign(secret, stranger, now)).Must(http.StatusNoContent)
		// The signature is looked at before anything else, and what is signed is the gateway's to judge.
		for _, text := range []string{`{`, `[]`, `{"id":"a","id":"b"}`, "\xff"} {
			send([]byte(text), sandbox.Sign("another-secret", []byte(text), now)).Refused(http.StatusUnauthorized, "webhook.invalid")
		}
		for _, text := range []string{`{`, `{"id":"msg_4","merchant":"mer_\u0000"}`, `{"id":"msg_4","type":"charge.updated","key":"att_\u0000"}`} {
			send([]byte(text), sandbox.Sign(secret, []byte(text), now)).Refused(http.StatusBadRequest, "json.invalid")
		}
		noted := []byte(`{"id":"msg_5","type":"else","note":"4242424242424242"}`)
		send(noted, sandbox.Sign(secret, noted, now)).Must(http.StatusNoContent)
		a.Client(t).Post("/v1/gateways/unknown/webhooks", map[string]any{"id": "msg_3"}).Refused(http.StatusNotFound, "not_found")
		assert.Equal(t, "past_due", d.client.Get("/v1/payments/"+d.debt).Text("status"))

		d.client.Confirm(asked.Text("next_action.charge_id"), asked.Text("next_action.client_secret"), "succeed")
		atOnce(100, func(int) { send(body, sandbox.Sign(secret, body, a.Clock.Now())).Must(http.StatusNoContent) })
		require.Eventually(t, func() bool { return d.client.Get("/v1/payments/"+d.debt).Text("status") == "completed" }, 20*time.Second, 20*time.Millisecond)
		time.Sleep(100 * time.Millisecond)
		assert.Equal(t, 1, d.charges(t))
		events, err := a.Store.Events(t.Context(), d.customer.Merchant, notify.EventFilter{Customer: d.customer.ID}, foyer.PageRequest{Limit: 1000})
		require.NoError(t, err)
		completed := 0
		for _, e := range events {
			if e.Type == "payment.completed" && e.Subject == d.debt {
				completed++
			}
		}
		assert.Equal(t, 1, completed)
	}, func(c *app.Config) { c.SandboxGatewaySecret = secret })
}

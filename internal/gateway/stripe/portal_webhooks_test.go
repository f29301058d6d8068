package stripe_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/foyertest"
	"foyer/internal/gateway/stripe/stripetest"
)

// A dispute's message holds what the merchant wrote to the bank, which may be long. It is taken; what is longer than any of Stripe's is not,
// and nobody is let in by the size of what they send.
func TestLongMessagesOfStripeAreTaken(t *testing.T) {
	t.Parallel()
	foyertest.EachAtStripe(t, func(t *testing.T, a *foyertest.App, fake *stripetest.Fake) {
		p := newPortal(t, a, fake)
		fake.SetWebhookURL("") // the test posts them
		bill := p.owed()
		attempt := p.pay(bill, p.card("4242424242424242")).Must(http.StatusOK).Text("attempts.0.id")
		require.NoError(t, fake.Dispute(attempt, "product_not_received"))
		var told string
		for _, e := range fake.Events() {
			if e.Type == "charge.dispute.created" {
				told = string(e.Body)
			}
		}
		long := func(evidence int) []byte {
			body := strings.Replace(told, `"evidence":{}`, `"evidence":{"uncategorized_text":"`+strings.Repeat("x", evidence)+`"}`, 1)
			require.Greater(t, len(body), evidence)
			return []byte(body)
		}
		send := func(body []byte, header http.Header) *foyertest.Answer {
			return a.Client(t).Raw(http.MethodPost, "/v1/gateways/stripe/webhooks", body, "Content-Type", "application/json", "Stripe-Signature", header.Get("Stripe-Signature"))
		}
		evidence := long(300_000)
		send(evidence, signed(string(evidence), "whsec_anothers", time.Now())).Refused(http.StatusUnauthorized, "webhook.invalid")
		send(evidence, fake.Signed(evidence)).Must(http.StatusNoContent)
		p.becomes(bill, "disputes.0.status", "open")
		assert.Equal(t, 1, p.told("payment.disputed", bill))
		tooLong := long(1_150_000)
		send(tooLong, fake.Signed(tooLong)).Refused(http.StatusRequestEntityTooLarge, "body.too_large")
	})
}

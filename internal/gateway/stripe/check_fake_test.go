package stripe_test

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/foyertest"
	"foyer/internal/gateway/stripe"
	"foyer/internal/gateway/stripe/stripetest"
)

// Everything that doctor asks is good at a Stripe that is set up as the page says, with a Foyer that runs: a bad finding is one.
func TestDoctorFindsNothingAtAStripeThatIsSetUp(t *testing.T) {
	t.Parallel()
	a, fake := foyertest.AtStripe(t, "sqlite")
	fake.SetWebhookEndpoints(stripetest.WebhookEndpoint{URL: a.URL + stripe.WebhookPath, EnabledEvents: stripe.WebhookEvents, APIVersion: stripetest.APIVersion})
	p := newPortal(t, a, fake)
	p.pay(p.owed(), p.card("4242424242424242")).Must(200)
	found := a.Stripe.Check(t.Context(), a.URL, time.Now())
	assert.Len(t, found, 5)
	for _, f := range found {
		assert.False(t, f.Bad || f.Warning, "%+v", f)
	}
	assert.NotContains(t, a.Log.String(), `"level":"ERROR"`)
}

// A restricted key has the rights the page names; without one, doctor names it. The publishable key must be of the same account.
func TestDoctorAsksTheFakeForRightsAndKeys(t *testing.T) {
	t.Parallel()
	fake := stripetest.New(stripetest.Options{SecretKey: restricted, PublishableKey: publicKey, WebhookSecret: hookSecret})
	api := httptest.NewServer(fake)
	t.Cleanup(func() {
		api.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(t, fake.Close(ctx))
	})
	public := served(t, 0, hookSecret)
	fake.SetWebhookEndpoints(stripetest.WebhookEndpoint{URL: public + stripe.WebhookPath, EnabledEvents: []string{"*"}, APIVersion: stripetest.APIVersion})
	o := stripe.Options{SecretKey: restricted, PublishableKey: publicKey, WebhookSecrets: []string{hookSecret}, APIURL: api.URL}
	found := o.Check(t.Context(), public, time.Now())
	assert.Len(t, found, 6)
	for _, f := range found {
		assert.False(t, f.Bad || f.Warning, "%+v", f)
	}
	o.PublishableKey = "pk_test_51Anothers"
	assert.True(t, contains(o.Check(t.Context(), public, time.Now()), "stripe keys", "bad", "FOYER_STRIPE_PUBLISHABLE_KEY", ""))
	fake.Forbid("POST /v1/refunds")
	assert.True(t, contains(o.Check(t.Context(), public, time.Now()), "stripe rights", "bad", "Charges and Refunds: Write", ""))
}

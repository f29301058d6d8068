package foyertest

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"foyer/internal/app"
	"foyer/internal/gateway/stripe"
	"foyer/internal/gateway/stripe/stripetest"
	"foyer/internal/store"
)

// AtStripe returns an app whose merchants' money moves at a fake of Stripe, sandbox merchants' too; the fake tells it by webhooks. A
// customer's device talks to the fake: Setup and Confirm work as they do with the sandbox gateway.
func AtStripe(t testing.TB, dialect store.Dialect, options ...Option) (*App, *stripetest.Fake) {
	t.Helper()
	fake := stripetest.New(stripetest.Options{DisputeAfter: time.Hour})
	server := httptest.NewServer(fake)
	atStripe := func(c *app.Config) {
		c.SandboxAtStripe = true
		c.Stripe = &stripe.Options{
			SecretKey: stripetest.DefaultKey, PublishableKey: stripetest.DefaultPublishableKey, WebhookSecrets: []string{stripetest.DefaultWebhookSecret}, APIURL: server.URL,
		}
	}
	a := New(t, dialect, append(options, atStripe)...)
	a.gateway, a.always = server.URL, []Option{atStripe}
	fake.SetWebhookURL(a.URL + "/v1/gateways/stripe/webhooks")
	t.Cleanup(func() { // before the app goes: its webhooks have somebody to go to
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(t, fake.Close(ctx))
	})
	t.Cleanup(server.Close)
	return a, fake
}

// EachAtStripe is Each with AtStripe.
func EachAtStripe(t *testing.T, run func(t *testing.T, a *App, fake *stripetest.Fake), options ...Option) {
	t.Helper()
	for _, dialect := range Dialects() {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			a, fake := AtStripe(t, dialect, options...)
			run(t, a, fake)
		})
	}
}

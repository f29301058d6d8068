package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/gateway/stripe"
	"foyer/internal/gateway/stripe/stripetest"
)

// The whole journey of the demo, with every charge, refund and card at Stripe: at a fake of it, whose ledger is compared with the books
// at the end.
func TestDemoAtStripe(t *testing.T) {
	t.Parallel()
	fake := stripetest.New(stripetest.Options{})
	front := http.NewServeMux()
	front.Handle("/", fake)
	front.HandleFunc("GET "+gatewayPath+"/ledger", func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = "/ledger"
		fake.ServeHTTP(w, r)
	})
	server := httptest.NewServer(front)
	t.Cleanup(server.Close)

	var out, errs bytes.Buffer
	p := &program{environ: newShell(t).environ, out: &out, err: &errs}
	dir := t.TempDir()
	on, err := demoListeners(t.Context(), "127.0.0.1:0", "127.0.0.1:0")
	require.NoError(t, err)
	c, err := p.demoConfig(dir, on)
	require.NoError(t, err)
	c.SandboxAtStripe = true
	c.Stripe = &stripe.Options{
		SecretKey: stripetest.DefaultKey, PublishableKey: stripetest.DefaultPublishableKey, WebhookSecrets: []string{stripetest.DefaultWebhookSecret}, APIURL: server.URL,
	}
	fake.SetWebhookURL(c.PublicURL + "/v1/gateways/stripe/webhooks")
	require.NoError(t, p.showDemo(t.Context(), c, on, demoShow{dir: dir, gateway: server.URL, leave: true}), "%s%s", &out, &errs)
	assert.Contains(t, out.String(), "Every step did what it must.")
	assert.Contains(t, out.String(), "at the stripe gateway")
	assert.NotEmpty(t, fake.Ledger())
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_ = fake.Close(ctx) // the app is gone: what waits is told to nobody
}

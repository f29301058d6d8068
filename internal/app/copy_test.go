package app_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/foyertest"
	"foyer/internal/store"
)

// TestMoveFromEmbeddedToPostgres: after the move everything is there, and nobody is signed out.
func TestMoveFromEmbeddedToPostgres(t *testing.T) {
	t.Parallel()
	old := foyertest.New(t, store.SQLite)
	m := old.Merchant(t, "moving")
	c := old.Customer(t, m, "mover@mailbox.test")
	p := old.Payment(t, c, old.Clock.Now().Add(-time.Hour), 12345, "EUR", "MV-1")
	old.Subscription(t, c)
	old.PaymentMethod(t, c)
	sub := old.Subscribe(t, c, old.Price(t, m, "Basic", 1000), "tok_4242")
	client := old.SignIn(t, m, c.Email)
	paths := []string{
		"/v1/me", "/v1/payments", "/v1/payments/" + string(p.ID), "/v1/invoices", "/v1/invoices/" + p.InvoiceID + "/pdf", "/v1/subscriptions",
		"/v1/payment-methods", "/v1/sessions", "/v1/me/activity", "/v1/portals/" + string(m.Portal.ID),
	}
	before := map[string]string{}
	for _, path := range paths {
		before[path] = string(client.Get(path).Must(http.StatusOK).Body)
	}

	fresh := foyertest.New(t, store.Postgres)
	tables := 0
	// The test app has signed with a key of its own already; a real target is empty.
	_, err := fresh.Store.SQL().ExecContext(context.Background(), "DELETE FROM signing_keys")
	require.NoError(t, err)
	require.NoError(t, old.CopyTo(context.Background(), fresh.App, func(string, int64) { tables++ }))
	assert.Positive(t, tables)
	require.NoError(t, fresh.Identity.Refreshed(context.Background()))

	moved := fresh.Client(t)
	moved.Token = client.Token
	for _, path := range paths {
		assert.Equal(t, before[path], string(moved.Get(path).Must(http.StatusOK).Body), path)
	}
	fresh.Until(t, m, sub.CurrentPeriod.End.Add(time.Hour)) // what is subscribed to renews there, with the card's token
	renewed := moved.Get("/v1/payments").Must(http.StatusOK)
	assert.Equal(t, "completed", renewed.Text("data.0.status"), "%s", renewed.Body)
	assert.Equal(t, "INV-000002", renewed.Text("data.0.invoice.number"))
	moved.Post("/v1/sessions/refresh", map[string]any{"refresh_token": client.Refresh}).Must(http.StatusOK)
	assert.Error(t, old.CopyTo(context.Background(), fresh.App, func(string, int64) {}), "a database in use is not overwritten")
}

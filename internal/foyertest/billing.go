package foyertest

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/merchant"
)

// Cards of the sandbox gateway (contract.md §7).
const (
	CardGood           = "4242424242424242"
	CardDeclined       = "4000000000000002"
	CardNoBalance      = "4000000000009995"
	CardExpired        = "4000000000000069"
	Card3DSecure       = "4000000000003220"
	CardFailsAtRenewal = "4000000000000341"
)

// Keyed is the header of a call that may move money.
func Keyed(key string) []string { return []string{"Idempotency-Key", key} }

// As is who acts when no request does: the customer.
func As(c billing.Customer) foyer.Actor {
	return foyer.Actor{Kind: foyer.ActorMerchant, Scope: foyer.Scope{Merchant: c.Merchant, Customer: c.ID}}
}

// By is who acts when no request does: the merchant.
func By(m merchant.Merchant) foyer.Actor {
	return foyer.Actor{Kind: foyer.ActorMerchant, Scope: foyer.Scope{Merchant: m.ID}}
}

// Until moves a merchant's clock to a moment and does everything that falls due on the way.
func (a *App) Until(t testing.TB, m merchant.Merchant, to time.Time) {
	t.Helper()
	now, err := a.Merchants.Clock(context.Background(), m.ID)
	require.NoError(t, err)
	for now.Before(to) {
		step := now.AddDate(1, 0, 0) // about as far as one call may go
		if step.After(to) {
			step = to
		}
		var done bool
		now, done, err = a.Engine.Advance(context.Background(), a.Merchants, m.ID, step)
		require.NoError(t, err)
		require.True(t, done, "stopped at %s", now)
	}
}

// Price makes a product with a monthly price of 19 % tax; change may alter it first.
func (a *App) Price(t testing.TB, m merchant.Merchant, name string, amount int64, change ...func(*billing.Price)) billing.Price {
	t.Helper()
	product, err := a.Catalog.CreateProduct(context.Background(), By(m), billing.Product{Name: name})
	require.NoError(t, err)
	p := billing.Price{
		Product: product.ID, Name: name, UnitPrice: foyer.Money{Amount: amount, Currency: "EUR"},
		Cycle: &foyer.Cycle{Interval: foyer.Month, Frequency: 1}, TaxRate: "0.19",
	}
	for _, f := range change {
		f(&p)
	}
	p, err = a.Catalog.CreatePrice(context.Background(), By(m), p)
	require.NoError(t, err)
	return p
}

// Subscribe stores a card by a backend's token ("tok_4242") and starts a subscription with it.
func (a *App) Subscribe(t testing.TB, c billing.Customer, price billing.Price, token string) billing.Subscription {
	t.Helper()
	method, err := a.Billing.AddMethodByToken(context.Background(), As(c), billing.TokenMethodInput{Token: token, Default: true})
	require.NoError(t, err)
	sub, next, err := a.Engine.CreateSubscription(context.Background(), As(c), billing.SubscribeInput{
		Items: []billing.ItemInput{{Price: price.ID, Quantity: 1}}, PaymentMethod: method.ID,
	})
	require.NoError(t, err)
	require.Nil(t, next)
	return sub
}

// Setup plays a customer who enters a card in the gateway's own form, and confirms with the bank when it asks; it returns the
// finished setup. Card data goes to the gateway, never to the API.
func (c *Client) Setup(number string) string {
	c.t.Helper()
	started := c.Post("/v1/payment-methods/setups", nil).Must(http.StatusCreated)
	id, secret := started.Text("setup_id"), started.Text("client_secret")
	card := map[string]any{"number": number, "expiry_month": 12, "expiry_year": time.Now().Year() + 3, "cvc": "123"}
	answer := c.AtGateway("/setups/"+id+"/confirm", map[string]any{"client_secret": secret, "card": card})
	if answer["status"] == "requires_action" {
		answer = c.AtGateway("/setups/"+id+"/authenticate", map[string]any{"client_secret": secret, "outcome": "succeed"})
	}
	require.Equal(c.t, "succeeded", answer["status"])
	return id
}

// Confirm plays the customer who answers their bank about a charge.
func (c *Client) Confirm(charge, secret, outcome string) {
	c.t.Helper()
	c.AtGateway("/charges/"+charge+"/authenticate", map[string]any{"client_secret": secret, "outcome": outcome})
}

// AtGateway posts to the gateway's form, as the customer's device does.
func (c *Client) AtGateway(path string, body any) map[string]any {
	c.t.Helper()
	raw, err := json.Marshal(body)
	require.NoError(c.t, err)
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, c.gateway+"/sandbox-gateway"+path, bytes.NewReader(raw))
	require.NoError(c.t, err)
	req.Header.Set("Content-Type", "application/json")
	res, err := c.http.Do(req)
	require.NoError(c.t, err)
	defer func() { _ = res.Body.Close() }()
	require.Equal(c.t, http.StatusOK, res.StatusCode, path)
	var answer map[string]any
	require.NoError(c.t, json.NewDecoder(res.Body).Decode(&answer))
	return answer
}

// Charge is one line of the sandbox gateway's ledger.
type Charge struct {
	Key       string `json:"key"`
	Amount    int64  `json:"amount"`
	Reference string `json:"reference"`
	Status    string `json:"status"`
}

// Ledger is every charge that really happened, as the gateway itself has it.
func (a *App) Ledger(t testing.TB) []Charge {
	t.Helper()
	recorder := httptest.NewRecorder()
	a.Admin.ServeHTTP(recorder, httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/sandbox-gateway/ledger", nil))
	require.Equal(t, http.StatusOK, recorder.Code)
	var ledger struct{ Data []Charge }
	require.NoError(t, json.Unmarshal(recorder.Body.Bytes(), &ledger))
	return ledger.Data
}

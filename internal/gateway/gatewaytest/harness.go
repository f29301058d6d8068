package gatewaytest

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// Card names a test card by what it does, because every gateway has numbers of its own.
type Card string

// The cards a gateway must have.
const (
	Good            Card = "good"
	Declined        Card = "declined"
	NeedsAction     Card = "needs action"
	FailsOffSession Card = "fails off session"
)

// Harness is a gateway and what surrounds it. What is optional is nil where a gateway can't do it.
type Harness struct {
	Gateway billing.Gateway
	// Now is the time at the gateway.
	Now func() time.Time
	// Finish plays the customer who gives a card and, when asked, answers their bank.
	Finish func(t testing.TB, s billing.StartedSetup, card Card, succeed bool)
	// Confirm plays the customer who answers their bank about a charge.
	Confirm func(t testing.TB, key, clientSecret string, succeed bool)
	// Ledger returns every charge that really happened.
	Ledger func(t testing.TB) []Entry

	// FailAfter makes charges happen and their answers get lost. Optional.
	FailAfter func(t testing.TB, on bool)
	// Token returns a token a backend may hand over for a card. Optional, with billing.TokenResolver.
	Token func(card Card) string
	// Sign returns a webhook about a charge as the gateway sends it at a time. Optional, with billing.WebhookReader.
	Sign func(t testing.TB, n billing.GatewayNotice, at time.Time) (http.Header, []byte)
}

// Entry is one charge that really happened.
type Entry struct {
	Key    string
	Amount foyer.Money
}

// run is one test: a gateway, a merchant and a customer.
type run struct {
	*testing.T
	Harness
	ids      foyer.IDs
	merchant foyer.MerchantID
	customer foyer.CustomerID
}

func newRun(t *testing.T, h Harness) *run {
	t.Helper()
	ids := foyer.NewIDs(h.Now)
	return &run{
		T: t, Harness: h, ids: ids, merchant: foyer.MerchantID(ids(foyer.PrefixMerchant)), customer: foyer.CustomerID(ids(foyer.PrefixCustomer)),
	}
}

func (r *run) owner() foyer.Scope { return foyer.Scope{Merchant: r.merchant, Customer: r.customer} }

func (r *run) start() billing.StartedSetup {
	r.Helper()
	s, err := r.Gateway.StartSetup(r.Context(), billing.SetupRequest{
		ID: billing.SetupID(r.ids(foyer.PrefixPaymentMethodSetup)), Merchant: r.merchant, Customer: r.customer,
	})
	require.NoError(r, err)
	return s
}

// method stores a card and returns it.
func (r *run) method(card Card) billing.GatewayMethod {
	r.Helper()
	s := r.start()
	r.Finish(r, s, card, true)
	result, err := r.Gateway.Setup(r.Context(), s.Reference)
	require.NoError(r, err)
	require.Equal(r, billing.SetupSucceeded, result.Status)
	return result.Method
}

// request is a new charge of 19.99 EUR while the customer is there.
func (r *run) request(card Card) billing.ChargeRequest {
	r.Helper()
	return billing.ChargeRequest{
		Key: r.ids(foyer.PrefixAttempt), Merchant: r.merchant, Payment: billing.PaymentID(r.ids(foyer.PrefixPayment)),
		Amount: foyer.Money{Amount: 1999, Currency: "EUR"}, Token: r.method(card).Token, OnSession: true,
	}
}

func (r *run) charge(c billing.ChargeRequest) billing.ChargeResult {
	r.Helper()
	result, err := r.Gateway.Charge(r.Context(), c)
	require.NoError(r, err)
	return result
}

func (r *run) byKey(key string) billing.ChargeResult {
	r.Helper()
	result, err := r.Gateway.ChargeByKey(r.Context(), r.merchant, key)
	require.NoError(r, err)
	return result
}

// moved asserts which charges of a key really happened.
func (r *run) moved(key string, amounts ...foyer.Money) {
	r.Helper()
	var got []foyer.Money
	for _, e := range r.Ledger(r) {
		if e.Key == key {
			got = append(got, e.Amount)
		}
	}
	require.Equal(r, amounts, got)
}

package stripe_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/gateway/gatewaytest"
	"foyer/internal/gateway/stripe"
	"foyer/internal/gateway/stripe/stripetest"
)

// rig is the gateway at a fake of Stripe, with what it keeps.
type rig struct {
	*stripe.Gateway
	t     testing.TB
	fake  *stripetest.Fake
	url   string
	kept  *references
	owner foyer.Scope
	ids   foyer.IDs
}

func newRig(t testing.TB, change ...func(*stripe.Options)) *rig {
	t.Helper()
	r := &rig{t: t, fake: stripetest.New(stripetest.Options{DisputeAfter: time.Hour}), kept: newReferences(), ids: foyer.NewIDs(time.Now)}
	r.owner = foyer.Scope{Merchant: foyer.MerchantID(r.ids(foyer.PrefixMerchant)), Customer: foyer.CustomerID(r.ids(foyer.PrefixCustomer))}
	server := httptest.NewServer(r.fake)
	r.url = server.URL
	r.Gateway = r.another(change...)
	t.Cleanup(func() {
		server.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(t, r.fake.Close(ctx))
	})
	return r
}

// another is a second process: the same Stripe, the same database.
func (r *rig) another(change ...func(*stripe.Options)) *stripe.Gateway {
	r.t.Helper()
	o := stripe.Options{
		SecretKey: stripetest.DefaultKey, PublishableKey: stripetest.DefaultPublishableKey, WebhookSecrets: []string{stripetest.DefaultWebhookSecret},
		APIURL: r.url, References: r.kept,
	}
	for _, f := range change {
		f(&o)
	}
	g, err := stripe.New(o)
	require.NoError(r.t, err)
	r.t.Cleanup(g.Close)
	return g
}

// mirror has stripe-mock look at every call: a parameter Stripe does not know fails the test.
func (r *rig) mirror() *rig {
	r.t.Helper()
	r.fake.Mirror(stripetest.StartMock(r.t))
	r.t.Cleanup(func() { assert.Empty(r.t, r.fake.MirrorComplaints()) })
	return r
}

var numbers = map[gatewaytest.Card]string{
	gatewaytest.Good: "4242424242424242", gatewaytest.Declined: "4000000000000002",
	gatewaytest.NeedsAction: "4000000000003220", gatewaytest.FailsOffSession: "4000000000000341",
}

// store is a customer who stores a card, and confirms it with their bank where that asks.
func (r *rig) store(with stripetest.Instrument) billing.GatewayMethod {
	r.t.Helper()
	started, err := r.StartSetup(r.t.Context(), billing.SetupRequest{
		ID: billing.SetupID(r.ids(foyer.PrefixPaymentMethodSetup)), Merchant: r.owner.Merchant, Customer: r.owner.Customer,
	})
	require.NoError(r.t, err)
	finish(r.t, r.fake, started, with, true)
	result, err := r.Setup(r.t.Context(), started.Reference)
	require.NoError(r.t, err)
	require.Equal(r.t, billing.SetupSucceeded, result.Status)
	return result.Method
}

func (r *rig) card(number string) billing.GatewayMethod { return r.store(r.fake.Number(number)) }

func finish(t testing.TB, fake *stripetest.Fake, s billing.StartedSetup, with stripetest.Instrument, succeed bool) {
	t.Helper()
	p, err := fake.ConfirmSetup(s.ClientSecret, with)
	require.NoError(t, err)
	if p == stripetest.RequiresAction {
		_, err = fake.AuthenticateSetup(s.ClientSecret, succeed)
		require.NoError(t, err)
	}
}

// request is a new charge of 19.99 EUR.
func (r *rig) request(method billing.GatewayMethod, customerIsThere bool) billing.ChargeRequest {
	return billing.ChargeRequest{
		Key: r.ids(foyer.PrefixAttempt), Merchant: r.owner.Merchant, Payment: billing.PaymentID(r.ids(foyer.PrefixPayment)),
		Amount: foyer.Money{Amount: 1999, Currency: "EUR"}, Token: method.Token, OnSession: customerIsThere,
	}
}

func (r *rig) charged(c billing.ChargeRequest) billing.ChargeResult {
	r.t.Helper()
	got, err := r.Charge(r.t.Context(), c)
	require.NoError(r.t, err)
	return got
}

func (r *rig) byKey(key string) billing.ChargeResult {
	r.t.Helper()
	got, err := r.ChargeByKey(r.t.Context(), r.owner.Merchant, key)
	require.NoError(r.t, err)
	return got
}

// captures is how often money moved for a key.
func (r *rig) captures(key string) (n int) {
	for _, e := range r.fake.Ledger() {
		if e.Key == key {
			n++
		}
	}
	return n
}

// TestGateway runs what every gateway must pass; stripe-mock must take each of its calls.
func TestGateway(t *testing.T) {
	t.Parallel()
	gatewaytest.Suite(t, func(t *testing.T) gatewaytest.Harness {
		r := newRig(t).mirror()
		return gatewaytest.Harness{
			Gateway: r.Gateway, Now: time.Now,
			Finish: func(t testing.TB, s billing.StartedSetup, card gatewaytest.Card, succeed bool) {
				finish(t, r.fake, s, r.fake.Number(numbers[card]), succeed)
			},
			Confirm: func(t testing.TB, _, secret string, succeed bool) {
				_, err := r.fake.AuthenticateCharge(secret, succeed)
				require.NoError(t, err)
			},
			Ledger: func(testing.TB) []gatewaytest.Entry {
				var out []gatewaytest.Entry
				for _, e := range r.fake.Ledger() {
					out = append(out, gatewaytest.Entry{Key: e.Key, Amount: foyer.Money{Amount: e.Amount, Currency: foyer.Currency(strings.ToUpper(e.Currency))}})
				}
				return out
			},
			FailAfter: func(t testing.TB, on bool) {
				k := stripetest.Knobs{}
				if on {
					k = stripetest.Knobs{ErrorAfter: 1, Calls: []string{"POST /v1/payment_intents/{id}/confirm"}}
				}
				require.NoError(t, r.fake.SetKnobs(k))
			},
			Token: func(card gatewaytest.Card) string { return "tok_" + numbers[card][12:] },
			Sign: func(t testing.TB, n billing.GatewayNotice, at time.Time) (http.Header, []byte) {
				_, err := r.kept.KeepGatewayReference(t.Context(), n.Merchant, stripe.Name, n.ChargeKey, "pi_of_"+n.ChargeKey)
				require.NoError(t, err)
				body := eventNamed(t, n.ID, "pi_of_"+n.ChargeKey)
				return signed(string(body), stripetest.DefaultWebhookSecret, at), body
			},
		}
	})
}

func eventNamed(t testing.TB, id, intent string) []byte {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"id": id, "object": "event", "api_version": stripetest.APIVersion, "data": map[string]any{"object": map[string]any{"id": intent, "object": "payment_intent"}},
	})
	require.NoError(t, err)
	return body
}

package stripetest_test

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-go/v85"

	"foyer/internal/gateway/stripe/stripetest"
)

// rig is a fake and Stripe's own SDK, which asks it.
type rig struct {
	*stripetest.Fake
	t   testing.TB
	url string
	api *stripe.Client
}

func newRig(t testing.TB, o stripetest.Options) *rig {
	t.Helper()
	f := stripetest.New(o)
	server := httptest.NewServer(f)
	t.Cleanup(func() {
		server.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(t, f.Close(ctx))
	})
	return &rig{Fake: f, t: t, url: server.URL, api: client(server.URL, stripetest.DefaultKey)}
}

// mirrored is a rig whose every request stripe-mock must take.
func mirrored(t testing.TB, o stripetest.Options) *rig {
	t.Helper()
	r := newRig(t, o)
	r.Mirror(stripetest.StartMock(t))
	t.Cleanup(func() { assert.Empty(t, r.MirrorComplaints()) })
	return r
}

func client(url, key string) *stripe.Client {
	return stripe.NewClient(key, stripe.WithBackends(stripe.NewBackendsWithConfig(&stripe.BackendConfig{
		URL: stripe.String(url), MaxNetworkRetries: stripe.Int64(0), LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelNull},
	})))
}

// refused is Stripe's error, which there must be.
func refused(t testing.TB, err error) *stripe.Error {
	t.Helper()
	var e *stripe.Error
	require.ErrorAs(t, err, &e)
	require.NotEmpty(t, e.RequestID)
	return e
}

func (r *rig) customer() string {
	r.t.Helper()
	c, err := r.api.V1Customers.Create(r.t.Context(), &stripe.CustomerCreateParams{Metadata: map[string]string{"foyer_customer": "ctm_1"}})
	require.NoError(r.t, err)
	return c.ID
}

// method stores a test card, by what the device does.
func (r *rig) method(customer string, with stripetest.Instrument) *stripe.PaymentMethod {
	r.t.Helper()
	s := r.setup(customer)
	p, err := r.ConfirmSetup(s.ClientSecret, with)
	require.NoError(r.t, err)
	if p == stripetest.RequiresAction {
		p, err = r.AuthenticateSetup(s.ClientSecret, true)
		require.NoError(r.t, err)
	}
	require.Equal(r.t, stripetest.Succeeded, p)
	return r.setupNow(s.ID).PaymentMethod
}

func (r *rig) setup(customer string) *stripe.SetupIntent {
	r.t.Helper()
	s, err := r.api.V1SetupIntents.Create(r.t.Context(), &stripe.SetupIntentCreateParams{
		Customer: &customer, Usage: stripe.String("off_session"), Metadata: map[string]string{"foyer_setup": "pms_1"},
		AutomaticPaymentMethods: &stripe.SetupIntentCreateAutomaticPaymentMethodsParams{Enabled: stripe.Bool(true)},
	})
	require.NoError(r.t, err)
	return s
}

func (r *rig) setupNow(id string) *stripe.SetupIntent {
	r.t.Helper()
	p := &stripe.SetupIntentRetrieveParams{}
	p.AddExpand("payment_method")
	s, err := r.api.V1SetupIntents.Retrieve(r.t.Context(), id, p)
	require.NoError(r.t, err)
	return s
}

// intent makes an unconfirmed intent of 19.99 EUR for an attempt of ours.
func (r *rig) intent(customer string, m *stripe.PaymentMethod, attempt string) *stripe.PaymentIntent {
	r.t.Helper()
	i, err := r.api.V1PaymentIntents.Create(r.t.Context(), &stripe.PaymentIntentCreateParams{
		Amount: stripe.Int64(1999), Currency: stripe.String("eur"), Customer: &customer, PaymentMethod: &m.ID,
		PaymentMethodTypes: []*string{stripe.String(string(m.Type))}, Description: stripe.String("Order"),
		StatementDescriptorSuffix: stripe.String("INV-1"),
		Metadata:                  map[string]string{"foyer_attempt": attempt, "foyer_payment": "pay_" + attempt},
	})
	require.NoError(r.t, err)
	return i
}

func (r *rig) confirm(id string, offSession bool) (*stripe.PaymentIntent, error) {
	r.t.Helper()
	p := &stripe.PaymentIntentConfirmParams{}
	if offSession {
		p.OffSession = stripe.Bool(true)
	} else {
		p.UseStripeSDK = stripe.Bool(true)
	}
	p.AddExpand("latest_charge")
	return r.api.V1PaymentIntents.Confirm(r.t.Context(), id, p)
}

func (r *rig) intentNow(id string) *stripe.PaymentIntent {
	r.t.Helper()
	p := &stripe.PaymentIntentRetrieveParams{}
	p.AddExpand("latest_charge")
	i, err := r.api.V1PaymentIntents.Retrieve(r.t.Context(), id, p)
	require.NoError(r.t, err)
	return i
}

// paid is a captured intent.
func (r *rig) paid(with stripetest.Instrument, attempt string) *stripe.PaymentIntent {
	r.t.Helper()
	c := r.customer()
	i, err := r.confirm(r.intent(c, r.method(c, with), attempt).ID, true)
	require.NoError(r.t, err)
	return i
}

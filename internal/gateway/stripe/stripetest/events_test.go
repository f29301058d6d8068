package stripetest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-go/v85"
	"github.com/stripe/stripe-go/v85/webhook"

	"foyer/internal/gateway/stripe/stripetest"
)

// inbox takes webhooks and checks them as Stripe's SDK does.
type inbox struct {
	t      testing.TB
	secret string
	mu     sync.Mutex
	got    []stripe.Event
	down   bool
}

func (i *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if !assert.NoError(i.t, err) {
		return
	}
	e, err := webhook.ConstructEvent(body, r.Header.Get("Stripe-Signature"), i.secret)
	if !assert.NoError(i.t, err) {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.down {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	i.got = append(i.got, e)
}

func (i *inbox) types() (out []string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, e := range i.got {
		out = append(out, string(e.Type))
	}
	return out
}

func (i *inbox) eventually(want ...string) {
	i.t.Helper()
	ok := assert.Eventually(i.t, func() bool {
		got := i.types()
		return !slices.ContainsFunc(want, func(w string) bool { return !slices.Contains(got, w) })
	}, 10*time.Second, 5*time.Millisecond)
	require.True(i.t, ok, "%v of %v", i.types(), want)
}

func newInbox(t testing.TB) (*inbox, string) {
	i := &inbox{t: t, secret: "whsec_of_this_test"}
	server := httptest.NewServer(i)
	t.Cleanup(server.Close)
	return i, server.URL
}

func TestWebhooksTellEverything(t *testing.T) {
	t.Parallel()
	in, url := newInbox(t)
	r := newRig(t, stripetest.Options{WebhookURL: url, WebhookSecret: in.secret})
	i := r.paid(r.Number("4242424242424242"), "att_1")
	owner := i.Customer.ID
	in.eventually("setup_intent.succeeded", "payment_method.attached", "payment_intent.succeeded")
	require.NoError(t, r.Dispute("att_1", "fraudulent"))
	require.NoError(t, r.AnswerDispute("att_1"))
	require.NoError(t, r.CloseDispute("att_1", true))
	in.eventually("charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.dispute.updated", "charge.dispute.closed")
	_, err := r.refund(i.ID, 100, "ref_1")
	require.NoError(t, err)
	require.True(t, r.FailRefund("ref_1"))
	in.eventually("refund.created", "refund.updated", "refund.failed")
	r.ReplaceCard(i.PaymentMethod.ID, "1111", 1, 2040)
	r.DetachMethod(i.PaymentMethod.ID)
	in.eventually("payment_method.automatically_updated", "payment_method.detached")
	c := r.customer()
	m := r.method(c, r.Number("4000000000003220"))
	i, err = r.confirm(r.intent(c, m, "att_2").ID, false)
	require.NoError(t, err)
	_, err = r.AuthenticateCharge(i.ClientSecret, false)
	require.NoError(t, err)
	_, err = r.cancel(i.ID)
	require.NoError(t, err)
	r.paid(stripetest.IBAN("DE89370400440532013000"), "att_3")
	in.eventually("payment_intent.requires_action", "payment_intent.payment_failed", "payment_intent.canceled", "payment_intent.processing")
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, e := range in.got {
		if e.Type == "payment_method.detached" {
			assert.Nil(t, e.Data.Object["customer"])
			assert.Equal(t, map[string]any{"customer": owner}, e.Data.PreviousAttributes, "whose it was")
		} else {
			assert.Nil(t, e.Data.PreviousAttributes)
		}
		assert.NotEmpty(t, e.ID)
		assert.Equal(t, stripe.APIVersion, e.APIVersion)
		assert.NotEmpty(t, e.Data.Object["id"])
		if e.Type == "payment_intent.succeeded" {
			assert.Equal(t, "succeeded", e.Data.Object["status"], "as it stood then")
		}
	}
}

func TestWebhooksGetLost(t *testing.T) {
	t.Parallel()
	in, url := newInbox(t)
	r := newRig(t, stripetest.Options{WebhookURL: url, WebhookSecret: in.secret, LateBy: 200 * time.Millisecond})
	events := func(success bool, types ...string) (out []string) {
		list := &stripe.EventListParams{
			DeliverySuccess: &success, CreatedRange: &stripe.RangeQueryParams{GreaterThanOrEqual: time.Now().Add(-time.Hour).Unix()},
		}
		if len(types) > 0 {
			list.Types = stripe.StringSlice(types)
		}
		for e, err := range r.api.V1Events.List(t.Context(), list).All(t.Context()) {
			require.NoError(t, err)
			out = append(out, string(e.Type))
		}
		return out
	}
	require.NoError(t, r.SetKnobs(stripetest.Knobs{DropWebhooks: 1}))
	r.paid(r.Number("4242424242424242"), "att_1")
	assert.Equal(t, []string{"payment_intent.succeeded", "setup_intent.succeeded"}, events(false, "payment_intent.succeeded", "setup_intent.succeeded"))
	assert.Empty(t, in.types())
	require.NoError(t, r.SetKnobs(stripetest.Knobs{}))
	r.Redeliver()
	in.eventually("payment_intent.succeeded", "setup_intent.succeeded", "payment_method.attached")
	require.Eventually(t, func() bool { return len(events(false)) == 0 }, 5*time.Second, 5*time.Millisecond)
	assert.Len(t, events(true), 3)

	require.NoError(t, r.SetKnobs(stripetest.Knobs{DuplicateWebhooks: 1, LateWebhooks: 1}))
	began := time.Now()
	r.paid(r.Number("4242424242424242"), "att_2")
	require.Eventually(t, func() bool { return len(in.types()) == 9 }, 5*time.Second, 5*time.Millisecond)
	assert.GreaterOrEqual(t, time.Since(began), 200*time.Millisecond)

	require.NoError(t, r.SetKnobs(stripetest.Knobs{DropWebhooks: 1})) // what this inbox gets must be of the SDK's version
	e := r.Events()[0]
	header := r.Signed(e.Body)
	require.NoError(t, webhook.ValidatePayload(e.Body, header.Get(stripetest.SignatureHeader), in.secret))
	r.SetEventVersion("2020-08-27")
	r.paid(r.Number("4242424242424242"), "att_3")
	all := r.Events()
	assert.Contains(t, string(all[len(all)-1].Body), `"api_version":"2020-08-27"`)
	two := stripetest.Sign(e.Body, time.Now(), "whsec_old", in.secret)
	require.NoError(t, webhook.ValidatePayload(e.Body, two, in.secret))
	require.Error(t, webhook.ValidatePayload(e.Body, stripetest.Sign(e.Body, time.Now().Add(-time.Hour), in.secret), in.secret))
}

func TestAnEndpointIsDown(t *testing.T) {
	t.Parallel()
	in, url := newInbox(t)
	in.down = true
	r := newRig(t, stripetest.Options{WebhookSecret: in.secret})
	r.SetWebhookURL(url)
	r.paid(r.Number("4242424242424242"), "att_1")
	time.Sleep(50 * time.Millisecond)
	in.mu.Lock()
	in.down = false
	in.mu.Unlock()
	in.eventually("payment_intent.succeeded") // it is tried again
}

func TestWhatDoctorAsks(t *testing.T) {
	t.Parallel()
	r := mirrored(t, stripetest.Options{})
	r.SetWebhookEndpoints(stripetest.WebhookEndpoint{
		URL: "https://billing.test/webhooks/stripe", EnabledEvents: []string{"payment_intent.succeeded"}, APIVersion: stripetest.APIVersion,
	})
	for e, err := range r.api.V1WebhookEndpoints.List(t.Context(), &stripe.WebhookEndpointListParams{}).All(t.Context()) {
		require.NoError(t, err)
		assert.Equal(t, "https://billing.test/webhooks/stripe", e.URL)
		assert.Equal(t, "enabled", e.Status)
		assert.Equal(t, stripe.APIVersion, e.APIVersion)
	}
	a, err := r.api.V1Accounts.Retrieve(t.Context(), nil)
	require.NoError(t, err)
	assert.True(t, a.ChargesEnabled)
	assert.Equal(t, "DE", a.Country)
	r.Forbid("GET /v1/account")
	e := refused(t, errOf(r.api.V1Accounts.Retrieve(t.Context(), nil)))
	assert.Equal(t, 403, e.HTTPStatusCode)
}

// A customer's device has the publishable key and its own setup's secret, and sees nothing else with them.
func TestWhatADeviceSees(t *testing.T) {
	t.Parallel()
	r := mirrored(t, stripetest.Options{})
	s, other := r.setup(r.customer()), r.setup(r.customer())
	device := client(r.url, stripetest.DefaultPublishableKey)
	look := func(id, secret string) (*stripe.SetupIntent, error) {
		return device.V1SetupIntents.Retrieve(t.Context(), id, &stripe.SetupIntentRetrieveParams{ClientSecret: stripe.String(secret)})
	}
	seen, err := look(s.ID, s.ClientSecret)
	require.NoError(t, err)
	assert.Equal(t, s.ID, seen.ID)
	assert.Equal(t, 404, refused(t, errOf(look(s.ID, other.ClientSecret))).HTTPStatusCode)
	assert.Equal(t, 403, refused(t, errOf(device.V1SetupIntents.Retrieve(t.Context(), s.ID, nil))).HTTPStatusCode)
	assert.Equal(t, 403, refused(t, errOf(device.V1Customers.Create(t.Context(), nil))).HTTPStatusCode)
	stranger := client(r.url, "pk_test_anothers")
	e := refused(t, errOf(stranger.V1SetupIntents.Retrieve(t.Context(), s.ID, &stripe.SetupIntentRetrieveParams{ClientSecret: &s.ClientSecret})))
	assert.Equal(t, 401, e.HTTPStatusCode)
}

func TestTheMirrorComplains(t *testing.T) {
	t.Parallel()
	r := newRig(t, stripetest.Options{})
	r.Mirror(stripetest.StartMock(t))
	p := &stripe.CustomerCreateParams{}
	p.AddExtra("no_such_thing", "1")
	require.Error(t, errOf(r.api.V1Customers.Create(t.Context(), p)))
	require.Len(t, r.MirrorComplaints(), 1)
	assert.Contains(t, r.MirrorComplaints()[0], "POST /v1/customers: 400")
	assert.Contains(t, r.MirrorComplaints()[0], "no_such_thing")
}

package stripe_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/gateway/stripe"
	"foyer/internal/gateway/stripe/stripetest"
)

var refundCalls = []string{"POST /v1/refunds"}

// paidBack is a captured charge and a refund of a part of it: so much is left that a second one would be paid.
func (r *rig) paidBack() billing.RefundRequest {
	r.t.Helper()
	c := r.request(r.card("4242424242424242"), true)
	r.charged(c)
	return billing.RefundRequest{Key: r.ids(foyer.PrefixRefund), Merchant: c.Merchant, Charge: c.Key, Amount: foyer.Money{Amount: 500, Currency: "EUR"}}
}

// refunds is how many refunds of ours there are at Stripe: each moves money.
func (r *rig) refunds(key string) (n int) {
	for _, e := range r.fake.Events() {
		if e.Type == "refund.created" && strings.Contains(string(e.Body), key) {
			n++
		}
	}
	return n
}

// keys are the idempotency keys refunds were asked for with.
func (r *rig) keys() (keys []string) {
	for _, sent := range r.fake.Requests() {
		if sent.Method == http.MethodPost && sent.Path == "/v1/refunds" {
			keys = append(keys, sent.IdempotencyKey)
		}
	}
	return keys
}

// Stripe failed before anything was done, and repeats that for a day. The customer does not wait for it.
func TestARefundWhoseKeyIsStuck(t *testing.T) {
	t.Parallel()
	r := newRig(t).mirror()
	refund := r.paidBack()
	stick := func(on float64) {
		require.NoError(t, r.fake.SetKnobs(stripetest.Knobs{ErrorStuck: on, Calls: refundCalls}))
	}
	stick(1)
	_, err := r.Refund(t.Context(), refund)
	require.ErrorIs(t, err, foyer.Unavailable)
	assert.Equal(t, []string{refund.Key}, r.keys(), "what is not repeated may not be over")
	stick(0)
	for range 3 {
		got, err := r.Refund(t.Context(), refund)
		require.NoError(t, err)
		assert.True(t, got.Refunded)
		got, err = r.RefundByKey(t.Context(), refund.Merchant, refund.Charge, refund.Key)
		require.NoError(t, err)
		assert.True(t, got.Refunded)
		r.fake.ForgetKeys()
	}
	assert.Equal(t, []string{refund.Key, refund.Key, refund.Key + "-2"}, r.keys())
	assert.Equal(t, 1, r.refunds(refund.Key))
}

// Three keys are stuck: then it waits until Stripe has forgotten them.
func TestARefundWhoseKeysAreAllStuck(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	refund := r.paidBack()
	require.NoError(t, r.fake.SetKnobs(stripetest.Knobs{ErrorStuck: 1, Calls: refundCalls}))
	for range 5 {
		_, err := r.Refund(t.Context(), refund)
		require.ErrorIs(t, err, foyer.Unavailable)
	}
	require.NoError(t, r.fake.SetKnobs(stripetest.Knobs{}))
	_, err := r.Refund(t.Context(), refund)
	require.ErrorIs(t, err, foyer.Unavailable)
	for _, key := range r.keys() {
		assert.Contains(t, []string{refund.Key, refund.Key + "-2", refund.Key + "-3"}, key)
	}
	assert.Zero(t, r.refunds(refund.Key))
	r.fake.ForgetKeys()
	got, err := r.Refund(t.Context(), refund)
	require.NoError(t, err)
	assert.True(t, got.Refunded)
	assert.Equal(t, 1, r.refunds(refund.Key))
}

// Two processes find the key stuck at once, while Stripe goes on failing: the next key is the same for both.
func TestTwoProcessesFindARefundStuck(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	other := r.another()
	for name, knobs := range map[string]stripetest.Knobs{
		"well again":           {},
		"failing":              {ErrorStuck: 0.3, ErrorAfter: 0.3, ErrorBefore: 0.1, Calls: refundCalls},
		"failing all the time": {ErrorAfter: 1, Calls: refundCalls},
	} {
		refund := r.paidBack()
		require.NoError(t, r.fake.SetKnobs(stripetest.Knobs{ErrorStuck: 1, Calls: refundCalls}))
		_, err := r.Refund(t.Context(), refund)
		require.ErrorIs(t, err, foyer.Unavailable)
		require.NoError(t, r.fake.SetKnobs(knobs))
		var crowd sync.WaitGroup
		for i := range 40 {
			g := r.Gateway
			if i%2 == 1 {
				g = other
			}
			crowd.Go(func() {
				if _, err := g.Refund(t.Context(), refund); err != nil {
					assert.ErrorIs(t, err, foyer.Unavailable)
				}
			})
		}
		crowd.Wait()
		require.NoError(t, r.fake.SetKnobs(stripetest.Knobs{}))
		if r.refunds(refund.Key) == 0 { // all three are stuck
			r.fake.ForgetKeys()
		}
		got, err := r.Refund(t.Context(), refund)
		require.NoError(t, err, name)
		assert.True(t, got.Refunded, name)
		assert.Equal(t, 1, r.refunds(refund.Key), name)
	}
}

// Stripe failed after the money had moved. Its own library asks again under the same key and is told the failure once more: the refund is
// found, and not paid a second time.
func TestARefundThatMovedAndIsStuck(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	refund := r.paidBack()
	require.NoError(t, r.fake.SetKnobs(stripetest.Knobs{ErrorAfter: 1, Calls: refundCalls}))
	twice := httptest.NewServer(asksTwice(t, r.url))
	t.Cleanup(twice.Close)
	g := r.another(func(o *stripe.Options) { o.APIURL = twice.URL })
	got, err := g.Refund(t.Context(), refund)
	require.NoError(t, err)
	assert.True(t, got.Refunded)
	assert.Equal(t, []string{refund.Key, refund.Key}, r.keys())
	assert.Equal(t, 1, r.refunds(refund.Key))
}

// asksTwice passes calls on, and asks for refunds twice: what is answered is the second answer.
func asksTwice(t *testing.T, address string) http.Handler {
	t.Helper()
	to, err := url.Parse(address)
	require.NoError(t, err)
	proxy := httputil.NewSingleHostReverseProxy(to)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.URL.Path == "/v1/refunds" {
			body, err := io.ReadAll(r.Body)
			assert.NoError(t, err)
			first := r.Clone(r.Context())
			first.Body, r.Body = io.NopCloser(strings.NewReader(string(body))), io.NopCloser(strings.NewReader(string(body)))
			proxy.ServeHTTP(httptest.NewRecorder(), first)
		}
		proxy.ServeHTTP(w, r)
	})
}

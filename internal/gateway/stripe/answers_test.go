package stripe_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/gateway/stripe"
)

const intentOf1999 = `{"id":"pi_1","object":"payment_intent","amount":1999,"amount_received":1999,"currency":"eur","customer":"cus_1",` +
	`"metadata":{"foyer_method":"pm_1"},"status":"succeeded"}`

// pointed is a gateway whose Stripe is a handler, with an intent kept for att_1.
func pointed(t *testing.T, handler http.HandlerFunc) (*stripe.Gateway, *bytes.Buffer) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	kept := newReferences()
	_, err := kept.KeepGatewayReference(t.Context(), "mer_1", "stripe", "att_1", "pi_1")
	require.NoError(t, err)
	var log bytes.Buffer
	g, err := stripe.New(stripe.Options{
		SecretKey: "sk_test_1", APIURL: server.URL, References: kept, Timeout: 2 * time.Second, Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	require.NoError(t, err)
	t.Cleanup(g.Close)
	return g, &log
}

func of1999() billing.ChargeRequest {
	return billing.ChargeRequest{
		Key: "att_1", Merchant: "mer_1", Payment: "pay_1", Amount: foyer.Money{Amount: 1999, Currency: "EUR"}, Token: "card/cus_1/pm_1", OnSession: true,
	}
}

// #50: an answer about something else, or about other money, is flagged and never booked.
func TestAnswersThatDoNotFitAreNotBooked(t *testing.T) {
	t.Parallel()
	for name, change := range map[string][2]string{
		"another intent":       {`"id":"pi_1"`, `"id":"pi_2"`},
		"less was received":    {`"amount_received":1999`, `"amount_received":1`},
		"nothing was received": {`"amount_received":1999,`, ``},
		"a status of tomorrow": {`"succeeded"`, `"perhaps"`},
	} {
		g, log := pointed(t, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, strings.Replace(intentOf1999, change[0], change[1], 1))
		})
		_, err := g.ChargeByKey(t.Context(), "mer_1", "att_1")
		require.ErrorIs(t, err, foyer.Unavailable, name)
		assert.Contains(t, log.String(), "does not fit", name)
	}
	for name, change := range map[string][2]string{
		"another amount":   {`"amount":1999`, `"amount":2000`},
		"another currency": {`"eur"`, `"usd"`},
		"another customer": {`"cus_1"`, `"cus_2"`},
		"nobody's":         {`"cus_1"`, `null`},
		"another card":     {`"pm_1"`, `"pm_2"`},
	} {
		g, log := pointed(t, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, strings.Replace(intentOf1999, change[0], change[1], 1))
		})
		_, err := g.Charge(t.Context(), of1999())
		require.ErrorIs(t, err, foyer.Unavailable, name)
		assert.Contains(t, log.String(), "does not fit", name)
	}
	g, _ := pointed(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, intentOf1999) })
	got, err := g.Charge(t.Context(), of1999())
	require.NoError(t, err)
	assert.Equal(t, billing.ChargeCaptured, got.Status)
}

// Outages, limits, wrong keys and whatever stands in between mean that nobody knows: never a decline, never "no such charge".
func TestWhatIsNotStripesDecisionIsWaitedFor(t *testing.T) {
	t.Parallel()
	failure := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Stripe-Should-Retry", "false")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	for name, handler := range map[string]http.HandlerFunc{
		"an outage":       failure(500, `{"error":{"type":"api_error","message":"sorry"}}`),
		"too many calls":  failure(429, `{"error":{"type":"invalid_request_error","code":"rate_limit","message":"slow down"}}`),
		"a wrong key":     failure(401, `{"error":{"type":"invalid_request_error","message":"Invalid API Key provided: sk_test_*1"}}`),
		"a right missing": failure(403, `{"error":{"type":"invalid_request_error","message":"The provided key does not have the required permissions"}}`),
		"another account": failure(404, `{"error":{"type":"invalid_request_error","code":"resource_missing","param":"intent","message":"No such payment_intent"}}`),
		"our own mistake": failure(400, `{"error":{"type":"invalid_request_error","code":"parameter_unknown","param":"amout","message":"Received unknown parameter"}}`),
		"a proxy's page":  failure(404, "<html>not found"),
		"a page":          failure(200, "<html>welcome"),
		"an empty object": failure(200, "{}"),
		"another object":  failure(200, `{"id":"pi_1","object":"payment_intent"}`),
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://elsewhere.test/", http.StatusFound)
		},
		"a stream for ever":  endless,
		"half an answer":     func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, intentOf1999[:40]) },
		"no answer":          silent,
		"a cut connection":   func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"a status in no set": failure(418, `{"error":{"type":"card_error","code":"card_declined"}}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, _ := pointed(t, handler)
			_, err := g.ChargeByKey(t.Context(), "mer_1", "att_1")
			require.ErrorIs(t, err, foyer.Unavailable)
			assert.NotContains(t, err.Error(), "sk_test")
			assert.NotContains(t, err.Error(), "/v1/", "addresses of calls are not logged")
			assert.NotContains(t, err.Error(), "object", "nor what was answered")
			other := of1999()
			other.Key = "att_2"
			_, err = g.Charge(t.Context(), other)
			require.ErrorIs(t, err, foyer.Unavailable)
			_, err = g.Refund(t.Context(), billing.RefundRequest{Key: "ref_1", Merchant: "mer_1", Charge: "att_1", Amount: of1999().Amount})
			require.ErrorIs(t, err, foyer.Unavailable)
			_, err = g.Setup(t.Context(), "seti_1")
			if name != "another account" && name != "another object" && name != "an empty object" {
				require.ErrorIs(t, err, foyer.Unavailable)
			}
		})
	}
}

// silent reads what was sent, so that it notices when who sent it hangs up.
func silent(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

func endless(w http.ResponseWriter, r *http.Request) {
	for r.Context().Err() == nil {
		if _, err := io.WriteString(w, strings.Repeat(" ", 1<<16)); err != nil {
			return
		}
	}
}

// A redirect would take the secret key along.
func TestTheKeyFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	canary := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(canary.Close)
	g, _ := pointed(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, canary.URL, http.StatusTemporaryRedirect)
	})
	_, err := g.Charge(t.Context(), of1999())
	require.ErrorIs(t, err, foyer.Unavailable)
	assert.Zero(t, asked.Load())
}

func TestAddressesOfStripe(t *testing.T) {
	t.Parallel()
	for _, wrong := range []string{"api.stripe.test", "ftp://x", "https://", "https://x/?a=b", "https://user@x", "https://x#y"} {
		_, err := stripe.New(stripe.Options{APIURL: wrong})
		require.Error(t, err, wrong)
	}
}

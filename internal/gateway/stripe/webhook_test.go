package stripe_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdk "github.com/stripe/stripe-go/v85"
	stripehook "github.com/stripe/stripe-go/v85/webhook"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/gateway/stripe"
)

const (
	oldSecret = "whsec_the-one-before"
	newSecret = "whsec_the-one-that-takes-its-place"
)

func signed(body, secret string, at time.Time) http.Header {
	return http.Header{"Stripe-Signature": {fmt.Sprintf("t=%d,v1=%x", at.Unix(), stripehook.ComputeSignature(at, []byte(body), secret))}}
}

func eventAbout(object string) string {
	return `{"id":"evt_1","object":"event","type":"something.happened","api_version":"` + sdk.APIVersion + `","data":{"object":` + object + `}}`
}

// #52: what is not signed with one of our secrets, a moment ago, says nothing.
func TestForgedOldAndFutureWebhooksAreRefused(t *testing.T) {
	t.Parallel()
	g, now, body := alone(t, newSecret, oldSecret), time.Now(), eventAbout(`{"id":"pi_1","object":"payment_intent"}`)
	for name, header := range map[string]http.Header{
		"none":               {},
		"empty":              {"Stripe-Signature": {""}},
		"no signature":       {"Stripe-Signature": {fmt.Sprintf("t=%d", now.Unix())}},
		"no time":            {"Stripe-Signature": {fmt.Sprintf("v1=%x", stripehook.ComputeSignature(now, []byte(body), newSecret))}},
		"time is no number":  {"Stripe-Signature": {"t=now,v1=00"}},
		"another's secret":   signed(body, "whsec_anothers", now),
		"an empty secret":    signed(body, "", now),
		"another body":       signed(body+" ", newSecret, now),
		"old":                signed(body, newSecret, now.Add(-6*time.Minute)),
		"from the future":    signed(body, newSecret, now.Add(6*time.Minute)),
		"an older scheme":    {"Stripe-Signature": {fmt.Sprintf("t=%d,v0=%x", now.Unix(), stripehook.ComputeSignature(now, []byte(body), newSecret))}},
		"another time":       {"Stripe-Signature": {fmt.Sprintf("t=%d,v1=%x", now.Unix()+1, stripehook.ComputeSignature(now, []byte(body), newSecret))}},
		"the eleventh fits":  {"Stripe-Signature": {many(10) + signed(body, newSecret, now).Get("Stripe-Signature")}},
		"another header":     {"Sandbox-Signature": signed(body, newSecret, now)["Stripe-Signature"]},
		"far beyond numbers": {"Stripe-Signature": {"t=99999999999999999999,v1=00"}},
	} {
		_, err := g.ReadWebhook(t.Context(), header, []byte(body), now)
		require.ErrorIs(t, err, foyer.Unauthenticated, name)
	}
	unset, err := stripe.New(stripe.Options{WebhookSecrets: []string{""}, References: newReferences()})
	require.NoError(t, err)
	_, err = unset.ReadWebhook(t.Context(), signed(body, "", now), []byte(body), now)
	require.ErrorIs(t, err, foyer.Unauthenticated, "no secret is no secret")
}

func many(n int) (out string) {
	for range n {
		out += "v1=" + fmt.Sprintf("%064x", 0) + ","
	}
	return out
}

func TestBothSecretsAreGoodWhileOneIsReplaced(t *testing.T) {
	t.Parallel()
	g, now, body := alone(t, newSecret, oldSecret), time.Now(), eventAbout(`{"id":"pi_1","object":"payment_intent"}`)
	for _, secret := range []string{oldSecret, newSecret} {
		got, err := g.ReadWebhook(t.Context(), signed(body, secret, now), []byte(body), now.Add(4*time.Minute))
		require.NoError(t, err)
		assert.Equal(t, "evt_1", got.ID)
	}
	both := signed(body, "whsec_rolled-away", now)
	both["Stripe-Signature"][0] += fmt.Sprintf(",v1=%x", stripehook.ComputeSignature(now, []byte(body), newSecret))
	_, err := g.ReadWebhook(t.Context(), both, []byte(body), now)
	require.NoError(t, err, "Stripe signs with both while it rolls")
}

func TestWhatAWebhookIsAbout(t *testing.T) {
	t.Parallel()
	references := newReferences()
	g, err := stripe.New(stripe.Options{WebhookSecrets: []string{newSecret}, References: references})
	require.NoError(t, err)
	for subject, reference := range map[string]string{"att_1": "pi_1", "ctm_1": "cus_1", "ctm_2#cus_2": "cus_2"} {
		_, err := references.KeepGatewayReference(t.Context(), "mer_1", "stripe", subject, reference)
		require.NoError(t, err)
	}
	charge := billing.GatewayNotice{ID: "evt_1", Merchant: "mer_1", ChargeKey: "att_1"}
	nothing := billing.GatewayNotice{ID: "evt_1"}
	for object, want := range map[string]billing.GatewayNotice{
		`{"id":"pi_1","object":"payment_intent"}`:                            charge,
		`{"id":"ch_1","object":"charge","payment_intent":"pi_1"}`:            charge,
		`{"id":"du_1","object":"dispute","payment_intent":"pi_1"}`:           charge,
		`{"id":"du_1","object":"dispute","payment_intent":{"id":"pi_1"}}`:    charge,
		`{"id":"re_1","object":"refund","payment_intent":"pi_1"}`:            charge,
		`{"id":"pm_1","object":"payment_method","customer":"cus_1"}`:         {ID: "evt_1", Merchant: "mer_1", Customer: "ctm_1"},
		`{"id":"pm_1","object":"payment_method","customer":"cus_2"}`:         {ID: "evt_1", Merchant: "mer_1", Customer: "ctm_2"},
		`{"id":"pm_1","object":"payment_method","customer":null}`:            nothing,
		`{"id":"pi_9","object":"payment_intent"}`:                            nothing,
		`{"id":"re_1","object":"refund","payment_intent":null}`:              nothing,
		`{"id":"ch_1","object":"charge","payment_intent":7}`:                 nothing,
		`{"id":"in_1","object":"invoice","payment_intent":"pi_1"}`:           nothing,
		`{"id":"pi_1' OR 1=1","object":"payment_intent"}`:                    nothing,
		`{"id":"pi_1","object":"payment_intent","metadata":{"foyer_x":"y"}}`: charge,
	} {
		body := eventAbout(object)
		got, err := g.ReadWebhook(t.Context(), signed(body, newSecret, time.Now()), []byte(body), time.Now())
		require.NoError(t, err, object)
		assert.Equal(t, want, got, object)
	}
	detached := `{"id":"evt_1","object":"event","data":{"object":{"id":"pm_1","object":"payment_method","customer":null},"previous_attributes":{"customer":"cus_1"}}}`
	got, err := g.ReadWebhook(t.Context(), signed(detached, newSecret, time.Now()), []byte(detached), time.Now())
	require.NoError(t, err)
	assert.Equal(t, foyer.CustomerID("ctm_1"), got.Customer)
	for _, body := range []string{"", "{", "id=evt_1", `{"id":"evt_1","object":"event"} {}`} {
		_, err := g.ReadWebhook(t.Context(), signed(body, newSecret, time.Now()), []byte(body), time.Now())
		require.ErrorIs(t, err, foyer.Malformed, "%q", body)
	}
}

// unread are messages of Stripe's that this program can't make sense of, or that are not about anything of Foyer's, by the id that is read
// of each.
var unread = map[string]string{
	`{}`:             "",
	`[]`:             "",
	`null`:           "",
	`"text"`:         "",
	`{"id":7}`:       "",
	`{"id":"evt_1"}`: "evt_1",
	`{"object":"event","data":{"object":{"object":"invoice"}}}`:                                                                                  "",
	`{"id":"evt_1","object":"event"}`:                                                                                                            "evt_1",
	`{"id":"evt_1","object":"event","type":7,"data":{"object":{"id":7,"object":"payment_intent"}}}`:                                              "evt_1",
	`{"id":"evt_1","object":"event","data":null}`:                                                                                                "evt_1",
	`{"id":"evt_1","object":"event","data":"pi_1"}`:                                                                                              "evt_1",
	`{"id":"evt_1","object":"event","data":{"object":"pi_1"}}`:                                                                                   "evt_1",
	`{"id":"evt_1","object":"event","data":{"object":[{"id":"pi_1","object":"payment_intent"}]}}`:                                                "evt_1",
	`{"id":"evt_1","object":"event","data":{"object":null}}`:                                                                                     "evt_1",
	`{"id":"evt_1","object":"event","data":{"object":{"id":"pi_\u0000","object":"payment_intent"}}}`:                                             "evt_1",
	`{"id":"evt_1","object":"event","data":{"object":{"id":"pm_1","object":"payment_method","customer":[]},"previous_attributes":"x"}}`:          "evt_1",
	`{"id":"evt_1","object":"event","type":"balance.available","data":{"object":{"object":"balance"}}}`:                                          "evt_1",
	`{"id":"evt_1","object":"event","type":"payment_intent.succeeded","data":{"object":{"id":"pi_anothers","object":"payment_intent"}}}`:         "evt_1",
	`{"id":"evt_1","object":"v2.core.event","type":"v1.billing.meter.error_report_triggered","related_object":{"id":"pi_1","url":"/v1/x/pi_1"}}`: "evt_1",
	`{"id":"evt_1","object":"v2.core.event","type":"x","data":{"object":{"id":"pi_1","object":"payment_intent"}}}`:                               "evt_1",
}

// Stripe sends what is refused for three days and then switches the endpoint off: what is signed and means nothing here is taken, and the
// log has one line of it without anything of what stands in it.
func TestWhatMeansNothingHereIsTaken(t *testing.T) {
	t.Parallel()
	for body, id := range unread {
		var log bytes.Buffer
		references := newReferences()
		_, err := references.KeepGatewayReference(t.Context(), "mer_1", "stripe", "att_1", "pi_1")
		require.NoError(t, err)
		g, err := stripe.New(stripe.Options{
			WebhookSecrets: []string{newSecret}, References: references, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelInfo})),
		})
		require.NoError(t, err)
		body = strings.Replace(body, `"object":"event"`, `"object":"event","api_version":"`+sdk.APIVersion+`"`, 1)
		got, err := g.ReadWebhook(t.Context(), signed(body, newSecret, time.Now()), []byte(body), time.Now())
		require.NoError(t, err, body)
		assert.Equal(t, billing.GatewayNotice{ID: id}, got, body)
		assert.Equal(t, 1, strings.Count(log.String(), "\n"), "%s: %s", body, log.String())
		_, err = g.ReadWebhook(t.Context(), signed(body, oldSecret, time.Now()), []byte(body), time.Now())
		require.ErrorIs(t, err, foyer.Unauthenticated, body)
	}
}

func TestTheLogHasIDsAndTypesOfAMessageOnly(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	g, err := stripe.New(stripe.Options{WebhookSecrets: []string{newSecret}, References: newReferences(), Log: slog.New(slog.NewTextHandler(&log, nil))})
	require.NoError(t, err)
	long := strings.Repeat("a", 1000)
	for body, want := range map[string]string{
		`{"id":"evt_1","object":"v2.core.event","type":"v2.core.event_destination.ping","livemode":false,"reason":"Mia Reyes"}`: `event=evt_1 kind=v2.core.event type=v2.core.event_destination.ping about=""`,
		`{"id":"` + long + `","object":"event","type":"` + long + `","api_version":"` + long + `"}`:                             "event=" + long[:80] + " ",
		`{"id":"mia@mailbox.test","object":"Mia Reyes","type":"x\ny","data":{"object":{"object":"Mia Reyes"}}}`:                 `event="" kind="" type="" about=""`,
	} {
		log.Reset()
		_, err := g.ReadWebhook(t.Context(), signed(body, newSecret, time.Now()), []byte(body), time.Now())
		require.NoError(t, err)
		assert.Contains(t, log.String(), want)
		assert.NotContains(t, log.String(), long[:81])
		assert.NotContains(t, strings.ToLower(log.String()), "mia")
	}
}

// alone is a gateway that calls nobody.
func alone(t *testing.T, secrets ...string) *stripe.Gateway {
	t.Helper()
	g, err := stripe.New(stripe.Options{WebhookSecrets: secrets, References: newReferences()})
	require.NoError(t, err)
	return g
}

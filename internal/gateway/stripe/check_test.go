package stripe_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdk "github.com/stripe/stripe-go/v85"
	"github.com/stripe/stripe-go/v85/webhook"

	"foyer/internal/gateway/stripe"
)

const (
	secretKey  = "sk_test_51SecretOfTheTest"
	restricted = "rk_test_51RestrictedOfTheTest"
	publicKey  = "pk_test_51PublicOfTheTest"
	hookSecret = "whsec_OfTheTest"
)

type object = map[string]any

// vendor answers as Stripe does, as far as Check asks; what is set here is what is wrong with it.
type vendor struct {
	mu        sync.Mutex
	account   object
	down      bool
	forbidden []string // paths a restricted key may not use
	endpoints []object
	events    []object
	noMethods bool
	all       bool // whatever is asked about exists
	foreign   bool // the publishable key is another account's
	live      bool
	calls     []string
}

func newVendor() *vendor {
	return &vendor{account: object{"id": "acct_1Test", "object": "account", "country": "DE", "charges_enabled": true}}
}

func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.calls = append(v.calls, r.Method+" "+r.URL.Path)
	key := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	refuse := func(status int, code, message string) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(object{"error": object{"type": "invalid_request_error", "code": code, "message": message}})
	}
	say := func(body any) { _ = json.NewEncoder(w).Encode(body) }
	list := func(data []object) {
		if data == nil {
			data = []object{}
		}
		say(object{"object": "list", "has_more": false, "url": r.URL.Path, "data": data})
	}
	if v.down {
		refuse(http.StatusServiceUnavailable, "", "down")
		return
	}
	if known := strings.ReplaceAll(key, "_live_", "_test_"); known != secretKey && known != restricted && known != publicKey {
		refuse(http.StatusUnauthorized, "", "Invalid API Key provided: "+key)
		return
	}
	for _, path := range v.forbidden {
		if strings.HasPrefix(r.URL.Path, path) {
			refuse(http.StatusForbidden, "", "The provided key '"+key+"' does not have the required permissions for this endpoint on account 'acct_1Test'. Having the 'rak_some_write' permission would allow this request to continue.")
			return
		}
	}
	if strings.HasPrefix(key, "pk_") {
		if v.foreign || r.URL.Path != "/v1/setup_intents/seti_doctor" || r.URL.Query().Get("client_secret") != "seti_doctor_secret" {
			refuse(http.StatusNotFound, "resource_missing", "No such setupintent")
			return
		}
	}
	switch r.Method + " " + r.URL.Path {
	case "GET /v1/account":
		say(v.account)
	case "POST /v1/setup_intents":
		if v.noMethods {
			refuse(http.StatusBadRequest, "", "No valid payment method types for this setup intent.")
			return
		}
		say(object{"id": "seti_doctor", "object": "setup_intent", "client_secret": "seti_doctor_secret", "livemode": v.live, "payment_method_types": []string{"card", "sepa_debit"}})
	case "GET /v1/setup_intents/seti_doctor", "POST /v1/setup_intents/seti_doctor/cancel":
		say(object{"id": "seti_doctor", "object": "setup_intent", "livemode": v.live})
	case "GET /v1/webhook_endpoints":
		list(v.endpoints)
	case "GET /v1/events":
		list(v.events)
	default:
		if v.all {
			say(object{})
			return
		}
		refuse(http.StatusNotFound, "resource_missing", "No such thing")
	}
}

// served is a running Foyer, as far as Check asks it.
func served(t *testing.T, status int, secrets ...string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		assert.Equal(t, stripe.WebhookPath, r.URL.Path)
		if status != 0 {
			w.WriteHeader(status)
			return
		}
		for _, secret := range secrets {
			if event, err := webhook.ConstructEvent(body, r.Header.Get("Stripe-Signature"), secret); err == nil {
				assert.EqualValues(t, "foyer.doctor", event.Type)
				w.WriteHeader(http.StatusNoContent)
				return
			}
		}
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func endpointAt(url string) object {
	return object{
		"id": "we_1", "object": "webhook_endpoint", "url": url + stripe.WebhookPath, "status": "enabled", "livemode": false,
		"enabled_events": stripe.WebhookEvents, "api_version": sdk.APIVersion,
	}
}

func with(o object, key string, value any) object {
	changed := object{}
	for k, v := range o {
		changed[k] = v
	}
	changed[key] = value
	return changed
}

func TestCheckFindsWhatIsWrongAndSaysHowToMendIt(t *testing.T) {
	t.Parallel()
	const far = "https://billing.example.invalid" // reached by nobody
	type want struct {
		what, state, detail, mend string
	}
	for name, row := range map[string]struct {
		vendor func(v *vendor)
		change func(o *stripe.Options)
		serves int      // the status the running server answers with; 0 for what it must
		known  []string // the secrets the running server has; nil for hookSecret
		public string   // empty for the running server
		wants  []want
	}{
		"all is well": {wants: []want{
			{"stripe account", "ok", "acct_1Test (DE), test mode", ""},
			{"stripe keys", "ok", "card, sepa_debit", ""},
			{"stripe webhook", "ok", "we_1", ""},
			{"stripe events", "ok", "accepted", ""},
			{"stripe secret", "ok", "accepts messages", ""},
		}},
		"an unknown secret key": {
			change: func(o *stripe.Options) { o.SecretKey = "sk_test_Wrong" },
			wants:  []want{{"stripe account", "bad", "FOYER_STRIPE_SECRET_KEY", "copy the key again"}, {"stripe secret", "ok", "", ""}},
		},
		"stripe is down": {
			vendor: func(v *vendor) { v.down = true },
			wants:  []want{{"stripe account", "bad", "503", "api.stripe.com"}},
		},
		"a live account that may not charge": {
			vendor: func(v *vendor) {
				v.live = true
				v.account = object{"id": "acct_1Test", "country": "DE", "charges_enabled": false, "requirements": object{"disabled_reason": "requirements.past_due"}}
			},
			change: func(o *stripe.Options) { o.SecretKey = "sk_live_51SecretOfTheTest" },
			wants:  []want{{"stripe account", "bad", "requirements.past_due", "activating"}, {"stripe webhook", "bad", "https only", "TLS"}},
		},
		"a test account that may not charge": {
			vendor: func(v *vendor) { v.account = with(v.account, "charges_enabled", false) },
			wants:  []want{{"stripe account", "warning", "can't charge", "activating"}},
		},
		"a restricted key with all rights": {
			change: func(o *stripe.Options) { o.SecretKey = restricted },
			wants:  []want{{"stripe rights", "ok", "", ""}, {"stripe keys", "ok", "", ""}},
		},
		"a mock where everything exists": {
			change: func(o *stripe.Options) { o.SecretKey = restricted },
			vendor: func(v *vendor) { v.all = true },
			wants:  []want{{"stripe rights", "ok", "", ""}},
		},
		"a restricted key without some": {
			change: func(o *stripe.Options) { o.SecretKey = restricted },
			vendor: func(v *vendor) {
				v.forbidden = []string{"/v1/account", "/v1/refunds", "/v1/disputes", "/v1/events", "/v1/webhook_endpoints"}
			},
			wants: []want{
				{"stripe account", "warning", "Account: Read (rak_some_write)", "right"},
				{"stripe rights", "bad", "Charges and Refunds: Write (rak_some_write), Disputes: Read (rak_some_write)", "Edit key"},
				{"stripe webhook", "warning", "Webhook Endpoints: Read", "right"},
				{"stripe events", "warning", "Events: Read", "right"},
			},
		},
		"a publishable key nobody knows": {
			change: func(o *stripe.Options) { o.PublishableKey = "pk_test_Wrong" },
			wants:  []want{{"stripe keys", "bad", "does not know FOYER_STRIPE_PUBLISHABLE_KEY", "copy it again"}},
		},
		"a publishable key of another account": {
			vendor: func(v *vendor) { v.foreign = true },
			wants:  []want{{"stripe keys", "bad", "another account", "same account and mode"}},
		},
		"no payment method is switched on": {
			vendor: func(v *vendor) { v.noMethods = true },
			wants:  []want{{"stripe keys", "bad", "refuses", "Payment methods"}},
		},
		"a mock in the other mode": {
			vendor: func(v *vendor) { v.live = true },
			wants:  []want{{"stripe keys", "bad", "other mode", "FOYER_STRIPE_API_URL"}},
		},
		"no endpoint, on a machine Stripe can't reach": {
			vendor: func(v *vendor) { v.endpoints = nil },
			wants:  []want{{"stripe webhook", "warning", "no endpoint", "stripe listen --forward-to http://127.0.0.1"}},
		},
		"no endpoint": {
			vendor: func(v *vendor) { v.endpoints = nil }, public: far,
			wants: []want{
				{"stripe webhook", "bad", "no endpoint", `stripe webhook_endpoints create -d url=` + far + stripe.WebhookPath + ` -d api_version=` + sdk.APIVersion + ` -d "enabled_events[]=payment_intent.succeeded"`},
				{"stripe secret", "warning", "no Foyer answers", "start foyer serve"},
			},
		},
		"an endpoint elsewhere": {
			vendor: func(v *vendor) { v.endpoints = []object{endpointAt("https://old.example")} }, public: far,
			wants: []want{{"stripe webhook", "bad", "no endpoint", "there is one for https://old.example"}},
		},
		"an endpoint that is switched off": {
			vendor: func(v *vendor) { v.endpoints[0]["status"] = "disabled" },
			wants:  []want{{"stripe webhook", "bad", "switched off", "stripe webhook_endpoints update we_1 -d disabled=false"}},
		},
		"an endpoint that is sent too little": {
			vendor: func(v *vendor) {
				v.endpoints[0]["enabled_events"] = stripe.WebhookEvents[1:]
			},
			wants: []want{{"stripe webhook", "bad", "not sent payment_intent.succeeded", `update we_1 -d "enabled_events[]=payment_intent.succeeded"`}},
		},
		"an endpoint that is sent everything": {
			vendor: func(v *vendor) { v.endpoints[0]["enabled_events"] = []string{"*"} },
			wants:  []want{{"stripe webhook", "ok", "we_1", ""}},
		},
		"an endpoint of another version": {
			vendor: func(v *vendor) { v.endpoints[0]["api_version"] = "2019-01-01" },
			wants:  []want{{"stripe webhook", "warning", "2019-01-01", "can't be changed"}},
		},
		"an endpoint of the account's version": {
			vendor: func(v *vendor) { v.endpoints[0]["api_version"] = nil },
			wants:  []want{{"stripe webhook", "warning", "the account's own", "can't be changed"}},
		},
		"two endpoints": {
			vendor: func(v *vendor) { v.endpoints = append(v.endpoints, with(v.endpoints[0], "id", "we_2")) },
			wants:  []want{{"stripe webhook", "warning", "2 endpoints", "delete all but one"}},
		},
		"messages that were not accepted": {
			vendor: func(v *vendor) {
				v.events = []object{{"id": "evt_2", "object": "event"}, {"id": "evt_1", "object": "event"}}
			},
			wants: []want{{"stripe events", "warning", "accepted: 2, the newest evt_2", "stripe events resend evt_2 --webhook-endpoint=we_"}},
		},
		"the server has another secret": {
			known: []string{"whsec_Another"},
			wants: []want{{"stripe secret", "bad", "FOYER_STRIPE_WEBHOOK_SECRET", "restart foyer serve"}},
		},
		"the server has one of two secrets": {
			change: func(o *stripe.Options) { o.WebhookSecrets = []string{"whsec_New", hookSecret} },
			wants:  []want{{"stripe secret", "bad", "secret 1 of 2", "restart"}, {"stripe secret", "ok", "secret 2 of 2", ""}},
		},
		"the server knows no Stripe":   {serves: http.StatusNotFound, wants: []want{{"stripe secret", "bad", "takes no messages", "FOYER_GATEWAY=stripe"}}},
		"something stands in between":  {serves: http.StatusFound, wants: []want{{"stripe secret", "bad", "status 302", "proxy"}}},
		"the server fails by itself":   {serves: http.StatusServiceUnavailable, wants: []want{{"stripe secret", "bad", "status 503", "proxy"}}},
		"an endpoint without disputes": {vendor: func(v *vendor) { v.endpoints[0]["enabled_events"] = []string{"payment_intent.succeeded"} }, wants: []want{{"stripe webhook", "bad", "charge.dispute.created", "update we_1"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			known := row.known
			if known == nil {
				known = []string{hookSecret}
			}
			public := row.public
			if public == "" {
				public = served(t, row.serves, known...)
			}
			v := newVendor()
			v.endpoints = []object{endpointAt(public)}
			if row.vendor != nil {
				row.vendor(v)
			}
			api := httptest.NewServer(v)
			t.Cleanup(api.Close)
			o := stripe.Options{SecretKey: secretKey, PublishableKey: publicKey, WebhookSecrets: []string{hookSecret}, APIURL: api.URL}
			if row.change != nil {
				row.change(&o)
			}
			found := o.Check(t.Context(), public, time.Now())
			for _, w := range row.wants {
				assert.True(t, contains(found, w.what, w.state, w.detail, w.mend), "%+v is not among %+v", w, found)
			}
			for _, f := range found {
				assert.Equal(t, f.Bad || f.Warning, f.Mend != "", "%+v", f)
				for _, secret := range append([]string{o.SecretKey, o.PublishableKey, "seti_doctor_secret"}, o.WebhookSecrets...) {
					assert.NotContains(t, f.Detail+f.Mend, secret)
				}
			}
			if strings.Contains(strings.Join(v.calls, " "), "POST /v1/setup_intents ") {
				assert.Equal(t, !v.noMethods, strings.Contains(strings.Join(v.calls, " "), "POST /v1/setup_intents/seti_doctor/cancel"), "what is begun is canceled")
			}
		})
	}
}

func contains(found []stripe.Finding, what, state, detail, mend string) bool {
	for _, f := range found {
		is := "ok"
		if f.Bad {
			is = "bad"
		} else if f.Warning {
			is = "warning"
		}
		if f.What == what && is == state && strings.Contains(f.Detail, detail) && strings.Contains(f.Mend, mend) {
			return true
		}
	}
	return false
}

// What is asked for are messages of Stripe's, and no more than one question about them may name.
func TestTheMessagesAreStripes(t *testing.T) {
	t.Parallel()
	require.LessOrEqual(t, len(stripe.WebhookEvents), 20)
	for _, name := range []sdk.EventType{
		sdk.EventTypePaymentIntentSucceeded, sdk.EventTypePaymentIntentPaymentFailed, sdk.EventTypePaymentIntentCanceled,
		sdk.EventTypePaymentIntentProcessing, sdk.EventTypePaymentIntentRequiresAction, sdk.EventTypeChargeDisputeCreated,
		sdk.EventTypeChargeDisputeUpdated, sdk.EventTypeChargeDisputeClosed, sdk.EventTypeChargeDisputeFundsWithdrawn,
		sdk.EventTypeChargeDisputeFundsReinstated, sdk.EventTypeRefundCreated, sdk.EventTypeRefundUpdated, sdk.EventTypeRefundFailed,
		sdk.EventTypePaymentMethodAutomaticallyUpdated, sdk.EventTypePaymentMethodUpdated, sdk.EventTypePaymentMethodDetached,
	} {
		assert.Contains(t, stripe.WebhookEvents, string(name))
	}
}

// The page that leads to the first payment has the endpoint's command, which must ask for the same.
func TestThePageAsksForTheSameMessages(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "..", ".github", "STRIPE.md"))
	require.NoError(t, err)
	for _, name := range stripe.WebhookEvents {
		assert.Contains(t, string(page), `"enabled_events[]=`+name+`"`)
	}
	assert.Equal(t, len(stripe.WebhookEvents), strings.Count(string(page), "enabled_events[]="))
	assert.Contains(t, string(page), "api_version="+sdk.APIVersion)
	assert.Contains(t, string(page), stripe.WebhookPath)
}

func TestTheModeIsTheKeys(t *testing.T) {
	t.Parallel()
	for key, live := range map[string]bool{"sk_live_x": true, "rk_live_x": true, "sk_test_x": false, "rk_test_x": false} {
		assert.Equal(t, live, stripe.Options{SecretKey: key}.Live(), key)
	}
}

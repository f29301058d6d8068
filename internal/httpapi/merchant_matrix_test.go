package httpapi_test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/foyertest"
	"foyer/internal/i18n"
	"foyer/internal/merchant"
	"foyer/internal/retention"
)

// estate is a merchant that has one of everything its API names, made through that API.
type estate struct {
	*foyertest.App
	merchant merchant.Merchant
	key      *foyertest.Client
	// own is an id of the merchant's for each path parameter of its operations.
	own map[string]string
}

func newEstate(t *testing.T, a *foyertest.App, name string) *estate {
	t.Helper()
	e := &estate{App: a, merchant: a.Merchant(t, name, func(s *merchant.Settings) { s.ReturnURLs = []string{"https://app.acme.example"} }), own: map[string]string{}}
	e.key = a.Key(t, e.merchant)
	post := func(parameter, path string, body map[string]any) {
		e.own[parameter] = e.key.Post("/v1/merchant"+path, body, idempotencyKey, rand.Text()).Must(http.StatusCreated).Text("id")
	}
	post("product_id", "/products", map[string]any{"name": "Plan"})
	post("price_id", "/prices", map[string]any{
		"product_id": e.own["product_id"], "unit_price": map[string]any{"amount": 1000, "currency": "EUR"}, "billing_cycle": map[string]any{"interval": "month", "frequency": 1},
	})
	post("discount_id", "/discounts", map[string]any{"type": "percent", "percent": "10"})
	post("customer_id", "/customers", map[string]any{"email": "mia@mailbox.test", "name": "Mia"})
	of := "/customers/" + e.own["customer_id"]
	post("address_id", of+"/addresses", map[string]any{"line1": "Hauptstraße 1", "city": "Berlin", "country": "DE"})
	post("payment_method_id", of+"/payment-methods", map[string]any{"gateway_token": "tok_4242"})
	post("subscription_id", "/subscriptions", map[string]any{
		"customer_id": e.own["customer_id"], "payment_method_id": e.own["payment_method_id"], "items": []any{map[string]any{"price_id": e.own["price_id"], "quantity": 1}},
	})
	post("portal_session_id", "/portal-sessions", map[string]any{"customer_id": e.own["customer_id"]})
	post("webhook_endpoint_id", "/webhook-endpoints", map[string]any{"url": "https://hooks.acme.example/foyer"})
	post("delivery_id", "/webhook-endpoints/"+e.own["webhook_endpoint_id"]+"/test", nil)
	e.own["language"] = "pt-BR"
	post("api_key_id", "/api-keys", map[string]any{"name": "Spare", "permissions": []string{"read"}})
	first := func(parameter, path string) {
		e.own[parameter] = e.key.Get("/v1/merchant" + path).Must(http.StatusOK).Text("data.0.id")
	}
	e.own["notice_id"] = a.Client(t).Post("/v1/portals/"+string(e.merchant.Portal.ID)+"/cancellation-notices", map[string]any{
		"name": "A Stranger", "email": "stranger@mailbox.test", "contract": "Plan",
	}).Must(http.StatusCreated).Text("id")
	require.Eventually(t, func() bool { return e.key.Get("/v1/merchant/notices/"+e.own["notice_id"]).Text("state") == "unmatched" }, 30*time.Second, 20*time.Millisecond)
	first("payment_id", "/payments")
	first("invoice_id", "/invoices")
	first("event_id", "/events")
	by := foyer.Actor{Kind: foyer.ActorCustomer, Scope: foyertest.Scope(e.merchant.ID, foyer.CustomerID(e.own["customer_id"]))}
	leaving, err := a.Retention.Start(t.Context(), by, billing.SubscriptionID(e.own["subscription_id"]), retention.StartInput{}, retention.Reader{Locale: i18n.English})
	require.NoError(t, err)
	e.own["cancellation_id"] = string(leaving.ID)
	customer, err := a.Billing.Customer(t.Context(), by.Scope)
	require.NoError(t, err)
	e.own["withdrawal_id"] = openWithdrawal(t, a, customer, e.own["subscription_id"])
	return e
}

// paid is the merchant's payment anew: a walk may have used one up.
func (e *estate) path(o foyertest.Operation, ids map[string]string) string {
	return pathParameter.ReplaceAllStringFunc(o.Path, func(named string) string { return ids[strings.Trim(named, "{}")] })
}

// anID is what looks like one of Foyer's ids in an example.
var anID = regexp.MustCompile(`^([a-z]+)_[0-9a-z]{26}$`)

// parameterOf names the path parameter an id of a kind belongs to.
var parameterOf = map[string]string{
	"pro": "product_id", "pri": "price_id", "dsc": "discount_id", "ctm": "customer_id", "add": "address_id", "paymtd": "payment_method_id",
	"sub": "subscription_id", "pay": "payment_id", "inv": "invoice_id", "evt": "event_id", "key": "api_key_id", "cpls": "portal_session_id",
	"whk": "webhook_endpoint_id", "dlv": "delivery_id", "can": "cancellation_id", "wdr": "withdrawal_id", "ntc": "notice_id",
}

// body is the operation's example in openapi.yaml, with ids of the estate's in it, and how many there are.
func body(o foyertest.Operation, ids map[string]string) (filled any, named int) {
	var fill func(v any) any
	fill = func(v any) any {
		switch node := v.(type) {
		case map[string]any:
			out := map[string]any{}
			for k, below := range node {
				out[k] = fill(below)
			}
			return out
		case []any:
			out := make([]any, len(node))
			for i, below := range node {
				out[i] = fill(below)
			}
			return out
		case string:
			if m := anID.FindStringSubmatch(node); m != nil && ids[parameterOf[m[1]]] != "" {
				named++
				return ids[parameterOf[m[1]]]
			}
		}
		return v
	}
	return fill(o.Example()), named
}

// call makes a call with everything it needs.
func (e *estate) call(c *foyertest.Client, o foyertest.Operation, path string, ids map[string]string) *foyertest.Answer {
	var sent any
	if o.Method != http.MethodGet {
		sent, _ = body(o, ids)
	}
	return c.Call(o.Method, path, sent, idempotencyKey, rand.Text())
}

var lastUsed = regexp.MustCompile(`"last_used_at":("[^"]*"|null)`)

// seen is everything the merchant can read, as one text.
func (e *estate) seen() string {
	var b strings.Builder
	for _, o := range foyertest.MerchantOperations() {
		if o.Method == http.MethodGet {
			answer := e.key.Get(e.path(o, e.own)).Must(http.StatusOK)
			if o.ID != "merchantGetDelivery" && o.ID != "merchantListDeliveries" && o.ID != "merchantGetClock" { // workers and time go on
				b.WriteString(lastUsed.ReplaceAllString(string(answer.Body), ""))
			}
		}
	}
	return b.String()
}

// Threats #7, #8, #75: who may call each operation. Nobody, a customer, a forged, revoked or expired key: one 401. A key without
// the permission: 403. A key with that permission alone: in.
func TestWhoMayCallEachOperation(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		e := newEstate(t, a, "acme")
		before := e.seen()
		mia := a.SignIn(t, e.merchant, "mia@mailbox.test")
		revoked, expired := e.key.Post(keys, map[string]any{"name": "Gone", "permissions": merchant.Permissions}), e.key.Post(keys, map[string]any{
			"name": "Over", "permissions": merchant.Permissions, "expires_at": a.Clock.Now().Add(time.Second).UTC().Format(time.RFC3339Nano),
		})
		e.key.Post(keys+"/"+revoked.Text("id")+"/archive", nil).Must(http.StatusOK)
		time.Sleep(time.Second)
		out := map[string]*foyertest.Client{
			"a customer": mia, "a forged key": speaking(t, a, "fsk_sandbox_forged"), "a revoked key": speaking(t, a, revoked.Text("secret_key")),
			"an expired key": speaking(t, a, expired.Text("secret_key")),
		}
		nobody := a.Client(t)
		only, but := map[string]*foyertest.Client{}, map[string]*foyertest.Client{}
		for _, p := range merchant.Permissions {
			only[string(p)] = a.Key(t, e.merchant, p)
			but[string(p)] = a.Key(t, e.merchant, slices.DeleteFunc(slices.Clone(merchant.Permissions), func(q merchant.Permission) bool { return q == p })...)
		}
		want := map[string]string{}
		same := func(who string, answer *foyertest.Answer, o foyertest.Operation) {
			if want[who] == "" {
				want[who] = told(answer)
			}
			assert.Equal(t, want[who], told(answer), "%s as %s", o.ID, who)
		}
		for _, o := range foyertest.MerchantOperations() {
			path := e.path(o, e.own)
			same("nobody", e.call(nobody, o, path, e.own).Refused(http.StatusUnauthorized, "auth.required"), o)
			same("nobody", nobody.Raw(o.Method, path+"?nonsense=1", []byte("{"), "Content-Type", "application/json"), o)
			for who, c := range out {
				same(who, e.call(c, o, path, e.own).Refused(http.StatusUnauthorized, "auth.invalid"), o)
			}
			same("the others' permissions "+o.Permission, e.call(but[o.Permission], o, path, e.own).Refused(http.StatusForbidden, "auth.permission"), o)
			same("a browser", e.key.Call(o.Method, path, nil, "Origin", "https://acme.test").Refused(http.StatusForbidden, "origin.refused"), o)
		}
		for _, o := range foyertest.CustomerOperations() {
			if o.Secured {
				same("a key", e.key.Call(o.Method, at(o, "x"), visits[o.ID].body, idempotencyKey, rand.Text()).Refused(http.StatusUnauthorized, "auth.invalid"), o)
			}
		}
		after := e.seen()
		assert.Equal(t, trim(before), trim(after), "nothing was changed")
		// Reads first, and last what archives and replaces: so that each finds what the others end.
		for _, method := range []string{http.MethodGet, http.MethodPatch, http.MethodDelete, http.MethodPost} {
			for _, o := range foyertest.MerchantOperations() {
				if o.Method != method {
					continue
				}
				answer := e.call(only[o.Permission], o, e.path(o, e.own), e.own)
				if method == http.MethodGet {
					answer.Must(http.StatusOK)
				}
				assert.NotContains(t, []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound}, answer.Status, "%s with %s alone: %s", o.ID, o.Permission, answer.Body)
			}
		}
	})
}

// trim leaves out what signing in and making keys for the walk wrote down.
func trim(seen string) string {
	return regexp.MustCompile(`\{"data":\[\{"(actor|action|created_at)[^\n]*|\{"data":\[\{"[^\n]*fsk[^\n]*`).ReplaceAllString(seen, "")
}

// Threats #1, #2, #5, #6, #63: another merchant's things and things that are not answer alike, for every id of every operation.
func TestAnotherMerchantsThingsAndRubbishAreTheSame404(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		acme, zenith := newEstate(t, a, "acme"), newEstate(t, a, "zenith")
		before := zenith.seen()
		walked := 0
		for _, o := range foyertest.MerchantOperations() {
			names := pathParameter.FindAllStringSubmatch(o.Path, -1)
			for _, named := range names {
				name := named[1]
				if name == "language" {
					continue // nobody's: every merchant has texts in each
				}
				prefix, _, _ := strings.Cut(zenith.own[name], "_")
				with := func(id string) *foyertest.Answer {
					ids := map[string]string{}
					for k, v := range acme.own {
						ids[k] = v
					}
					ids[name] = id
					return acme.call(acme.key, o, acme.path(o, ids), acme.own)
				}
				want := told(with(a.IDs(foyer.Prefix(prefix))).Refused(http.StatusNotFound, "not_found"))
				for _, id := range slices.Concat([]string{zenith.own[name], neighbour(acme.own[name])}, rubbish(zenith.own[name])[1:12]) {
					assert.Equal(t, want, told(with(id)), "%s with %s %.60s", o.ID, name, id)
				}
				walked++
			}
		}
		assert.Greater(t, walked, 40)
		assert.Equal(t, before, zenith.seen(), "nothing was changed")
	})
}

// Threat #2: ids of another merchant in bodies and queries are unknown ones.
func TestAnotherMerchantsIDsInBodiesAndQueriesAreUnknown(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		acme, zenith := newEstate(t, a, "acme"), newEstate(t, a, "zenith")
		before := zenith.seen()
		bodies, queries := 0, 0
		for _, o := range foyertest.MerchantOperations() {
			path := acme.path(o, acme.own)
			if o.Method != http.MethodGet {
				if _, named := body(o, zenith.own); named > 0 {
					answer := acme.call(acme.key, o, path, zenith.own)
					assert.Contains(t, []int{http.StatusUnprocessableEntity, http.StatusConflict}, answer.Status, "%s: %s", o.ID, answer.Body)
					bodies++
				}
				continue
			}
			for _, p := range o.QueryIDs() {
				for kind, parameter := range parameterOf {
					foreign := zenith.own[parameter]
					answer := acme.key.Get(path + foyertest.Query(p, foreign))
					if answer.Status != http.StatusBadRequest {
						answer.Must(http.StatusOK)
						assert.NotContains(t, string(answer.Body), foreign, "%s?%s of %s", o.ID, p, kind)
						queries++
					}
				}
			}
		}
		assert.GreaterOrEqual(t, bodies, 5)
		assert.GreaterOrEqual(t, queries, 5)
		assert.Equal(t, before, zenith.seen(), "nothing was changed")
	})
}

// Threat #9: fields only we write are refused, whatever they are called in the answer.
func TestFieldsOnlyWeWriteAreRefused(t *testing.T) {
	t.Parallel()
	a := foyertest.New(t, "sqlite")
	e := newEstate(t, a, "acme")
	before := e.seen()
	for _, o := range foyertest.MerchantOperations() {
		if o.Method == http.MethodGet || o.Example() == nil {
			continue
		}
		for _, field := range []string{"id", "merchant_id", "created_at", "version", "status", "ID", "Metadata", "__proto__"} {
			sent, _ := body(o, e.own)
			object, ok := sent.(map[string]any)
			require.True(t, ok, o.ID)
			if _, ours := object[field]; ours {
				continue // it can be set here
			}
			object[field] = "x"
			answer := e.key.Call(o.Method, e.path(o, e.own), object, idempotencyKey, rand.Text())
			assert.Equal(t, "400 json.unknown_field", fmt.Sprint(answer.Status, " ", answer.Text("code")), "%s with %s", o.ID, field)
		}
		raw, err := json.Marshal(o.Example())
		require.NoError(t, err)
		twice := append([]byte(`{"zz":1,"zz":2,`), raw[1:]...)
		e.key.Raw(o.Method, e.path(o, e.own), twice, "Content-Type", "application/json", idempotencyKey, rand.Text()).Refused(http.StatusBadRequest, "json.duplicate_field")
	}
	assert.Equal(t, before, e.seen(), "nothing was changed")
}

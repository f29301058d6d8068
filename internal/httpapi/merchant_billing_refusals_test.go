package httpapi_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/app"
	"foyer/internal/billing"
	"foyer/internal/foyertest"
	"foyer/internal/gateway/stripe"
	"foyer/internal/merchant"
)

// keyOf makes an Idempotency-Key of a test's name.
func keyOf(name string) string { return url.QueryEscape(name) }

// billingCalls are all operations of this part, for one subscription, payment and document.
func (b *backend) billingCalls(sub, payment, invoice string) map[string]struct {
	method, path string
	body         any
} {
	type call = struct {
		method, path string
		body         any
	}
	s, p, i := merchantSubscriptions+"/"+sub, merchantPayments+"/"+payment, merchantInvoices+"/"+invoice
	change := map[string]any{"items": items(b.pro, 1)}
	notes := map[string]any{"metadata": map[string]any{"a": "b"}}
	return map[string]call{
		"list subscriptions":  {http.MethodGet, merchantSubscriptions, nil},
		"create subscription": {http.MethodPost, merchantSubscriptions, map[string]any{"customer_id": b.customer.ID, "items": items(b.basic, 1), "collection_mode": "manual"}},
		"get subscription":    {http.MethodGet, s, nil},
		"update subscription": {http.MethodPatch, s, notes},
		"preview":             {http.MethodPost, s + "/change/preview", change},
		"change":              {http.MethodPost, s + "/change", change},
		"pause":               {http.MethodPost, s + "/pause", nil},
		"resume":              {http.MethodPost, s + "/resume", nil},
		"cancel":              {http.MethodPost, s + "/cancel", nil},
		"keep":                {http.MethodDelete, s + "/scheduled-change", nil},
		"list payments":       {http.MethodGet, merchantPayments, nil},
		"create payment":      {http.MethodPost, merchantPayments, map[string]any{"customer_id": b.customer.ID, "items": setupFee(100), "collection_mode": "manual"}},
		"get payment":         {http.MethodGet, p, nil},
		"update payment":      {http.MethodPatch, p, notes},
		"collect":             {http.MethodPost, p + "/collect", nil},
		"refund":              {http.MethodPost, p + "/refunds", nil},
		"list invoices":       {http.MethodGet, merchantInvoices, nil},
		"get invoice":         {http.MethodGet, i, nil},
		"pdf":                 {http.MethodGet, i + "/pdf", nil},
		"send":                {http.MethodPost, i + "/send", nil},
		"clock":               {http.MethodGet, "/v1/merchant/clock", nil},
		"advance":             {http.MethodPost, "/v1/merchant/clock/advance", map[string]any{"by": "P1D"}},
	}
}

// Who may not: nobody, a customer, another merchant, a key that reads only, a browser. Nothing has changed afterwards.
func TestWhoMayNotTouchAMerchantsBills(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		b := newBackend(t, a)
		sub := b.subscribe(b.method("tok_4242")).Must(http.StatusCreated).Text("id")
		payment := b.key.Get(merchantPayments).Must(http.StatusOK)
		paid, document := payment.Text("data.0.id"), payment.Text("data.0.invoice.id")
		mia := a.SignIn(t, b.merchant, b.customer.Email)
		stranger := a.Key(t, a.Merchant(t, "zenith"))
		reader := a.Key(t, b.merchant, merchant.PermissionRead)
		others := a.Key(t, b.merchant, merchant.PermissionPortalSessions, merchant.PermissionAdmin)
		state := func() string {
			return string(b.key.Get(merchantSubscriptions+"/"+sub).Must(http.StatusOK).Body) + string(b.key.Get(merchantPayments+"/"+paid).Must(http.StatusOK).Body)
		}
		before := state()
		for name, c := range b.billingCalls(sub, paid, document) {
			send := func(who *foyertest.Client, headers ...string) *foyertest.Answer {
				return who.Call(c.method, c.path, c.body, append(headers, idempotencyKey, keyOf("refused-"+name))...)
			}
			send(a.Client(t)).Refused(http.StatusUnauthorized, "auth.required")
			send(mia).Refused(http.StatusUnauthorized, "auth.invalid")
			send(b.key, "Origin", "https://acme.test").Refused(http.StatusForbidden, "origin.refused")
			send(others).Refused(http.StatusForbidden, "auth.permission")
			if c.method != http.MethodGet {
				send(reader).Refused(http.StatusForbidden, "auth.permission")
			} else {
				send(reader).Must(http.StatusOK)
			}
			switch answer := send(stranger); {
			case name == "clock" || name == "advance":
			case strings.HasPrefix(name, "list"):
				assert.Empty(t, answer.Must(http.StatusOK).IDs(), name)
			case strings.HasPrefix(name, "create"):
				answer.Refused(http.StatusUnprocessableEntity, "input.invalid")
				assert.Equal(t, "input.unknown_reference", answer.Text("errors.0.code"), name)
			default:
				answer.Refused(http.StatusNotFound, "not_found")
			}
		}
		for _, query := range []string{
			merchantSubscriptions + "?customer_id=" + string(b.customer.ID), merchantPayments + "?subscription_id=" + sub,
			merchantPayments + "?customer_id=" + string(b.customer.ID), merchantInvoices + "?payment_id=" + paid, merchantInvoices + "?number=INV-000001",
		} {
			assert.Empty(t, stranger.Get(query).Must(http.StatusOK).IDs(), query)
			assert.Len(t, b.key.Get(query).Must(http.StatusOK).IDs(), 1, query)
		}
		assert.Equal(t, before, state())
		assert.Len(t, a.Ledger(t), 1)

		// A list's place belongs to the key that asked.
		page := b.key.Get(merchantPayments + "?limit=1&include_zero=true").Must(http.StatusOK)
		assert.Nil(t, page.At("page.next"))
		b.post(merchantPayments, map[string]any{"customer_id": b.customer.ID, "items": setupFee(100), "collection_mode": "manual"}).Must(http.StatusCreated)
		after := b.key.Get(merchantPayments + "?limit=1").Must(http.StatusOK).Text("page.next")
		require.NotEmpty(t, after)
		assert.Equal(t, []string{paid}, b.key.Get(merchantPayments+foyertest.Query("limit", "1", "after", after)).Must(http.StatusOK).IDs())
		reader.Get(merchantPayments+foyertest.Query("limit", "1", "after", after)).Refused(http.StatusBadRequest, "cursor.invalid")
	})
}

// Whatever a body says that makes no sense is refused with a stable code, and nothing is charged. Threats #9, #57, #58.
func TestBillsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		b := newBackend(t, a)
		good := b.method("tok_4242")
		zenith := a.Merchant(t, "zenith")
		foreigner := a.Customer(t, zenith, "mia@mailbox.test")
		neighbor := a.Customer(t, b.merchant, "ben@mailbox.test")
		archived := a.Customer(t, b.merchant, "old@mailbox.test", func(c *billing.Customer) { c.Archived = true })
		neighborsMethod := a.PaymentMethod(t, neighbor)
		theirs := a.Price(t, zenith, "Theirs", 1000)
		once := a.Price(t, b.merchant, "Once", 1000, func(p *billing.Price) { p.Cycle = nil })
		subBody := func(change string) string {
			return fmt.Sprintf(`{"customer_id": %q, "items": [{"price_id": %q, "quantity": 1}], "payment_method_id": %q%s}`, b.customer.ID, b.basic.ID, good, change)
		}
		payBody := func(item, more string) string {
			return fmt.Sprintf(`{"customer_id": %q, "items": [%s], "payment_method_id": %q%s}`, b.customer.ID, item, good, more)
		}
		fee := func(amount string) string {
			return `{"name": "Setup", "unit_price": {"amount": ` + amount + `, "currency": "EUR"}, "quantity": 1}`
		}
		type row struct{ path, body, pointer, code string }
		rows := map[string]row{
			"another merchant's customer": {merchantSubscriptions, strings.Replace(subBody(""), string(b.customer.ID), string(foreigner.ID), 1), "/customer_id", "input.unknown_reference"},
			"no customer":                 {merchantSubscriptions, strings.Replace(subBody(""), string(b.customer.ID), "ctm_01kb3v5q8r9s0t1v2w3x4y5z6a", 1), "/customer_id", "input.unknown_reference"},
			"archived":                    {merchantSubscriptions, strings.Replace(subBody(""), string(b.customer.ID), string(archived.ID), 1), "/customer_id", "customer.archived"},
			"another's method":            {merchantSubscriptions, strings.Replace(subBody(""), good, string(neighborsMethod.ID), 1), "/payment_method_id", "input.unknown_reference"},
			"no method":                   {merchantSubscriptions, strings.Replace(subBody(""), fmt.Sprintf(`, "payment_method_id": %q`, good), "", 1), "/payment_method_id", "input.required"},
			"another merchant's price":    {merchantSubscriptions, strings.Replace(subBody(""), string(b.basic.ID), string(theirs.ID), 1), "/items/0/price_id", "input.unknown_reference"},
			"a price paid once":           {merchantSubscriptions, strings.Replace(subBody(""), string(b.basic.ID), string(once.ID), 1), "/items/0/price_id", "price.one_time"},
			"no discount":                 {merchantSubscriptions, subBody(`, "discount_id": "dsc_01kb3v5q8r9s0t1v2w3x4y5z6a"`), "/discount_id", "input.unknown_reference"},
			"a trial in the past":         {merchantSubscriptions, subBody(`, "trial_end": "2020-01-01T00:00:00Z"`), "/trial_end", "input.trial_end"},
			"terms of a card":             {merchantSubscriptions, subBody(`, "billing_details": {"purchase_order_number": "1"}`), "/billing_details", "input.not_manual"},
			"a long metadata name":        {merchantSubscriptions, subBody(`, "metadata": {"` + strings.Repeat("k", 41) + `": "v"}`), "/metadata", "input.metadata_key"},
			"a number as metadata":        {merchantSubscriptions, subBody(`, "metadata": {"k": 1}`), "/metadata/k", "input.type"},
			"no items":                    {merchantPayments, payBody("", ""), "/items", "input.too_short"},
			"a recurring price":           {merchantPayments, payBody(fmt.Sprintf(`{"price_id": %q, "quantity": 1}`, b.basic.ID), ""), "/items/0/price_id", "price.recurring"},
			"another merchant's item":     {merchantPayments, payBody(fmt.Sprintf(`{"price_id": %q, "quantity": 1}`, theirs.ID), ""), "/items/0/price_id", "input.unknown_reference"},
			"a price and a price":         {merchantPayments, payBody(fmt.Sprintf(`{"price_id": %q, "quantity": 1, "name": "X"}`, once.ID), ""), "/items/0", "input.item"},
			"neither":                     {merchantPayments, payBody(`{"quantity": 1}`, ""), "/items/0", "input.item"},
			"no such currency":            {merchantPayments, payBody(strings.Replace(fee("1"), "EUR", "XXQ", 1), ""), "/items/0/unit_price/currency", "input.currency"},
			"archived buyer":              {merchantPayments, strings.Replace(payBody(fee("1"), ""), string(b.customer.ID), string(archived.ID), 1), "/customer_id", "customer.archived"},
		}
		for _, amount := range []string{"0", "-1", "1000000000000", "9007199254740993", "9223372036854775807", "9223372036854775808", `"5"`, "1.5", "null", "true"} {
			rows["an amount of "+amount] = row{merchantPayments, payBody(fee(amount), ""), "/items/0/unit_price/amount", ""}
		}
		for _, quantity := range []string{"0", "-1", "1000001", "2147483648", "9007199254740993", "9223372036854775807", `"5"`, "1.5"} {
			rows["a quantity of "+quantity] = row{merchantPayments, payBody(strings.Replace(fee("1"), `"quantity": 1`, `"quantity": `+quantity, 1), ""), "/items/0/quantity", ""}
		}
		for name, r := range rows {
			answer := b.key.Raw(http.MethodPost, r.path, []byte(r.body), "Content-Type", "application/json", idempotencyKey, keyOf(name))
			if !assert.Equal(t, http.StatusUnprocessableEntity, answer.Status, "%s: %s", name, answer.Body) {
				continue
			}
			assert.Equal(t, r.pointer, answer.Text("errors.0.pointer"), name)
			if r.code != "" {
				assert.Equal(t, r.code, answer.Text("errors.0.code"), name)
			}
		}
		for name, r := range map[string]row{
			"1e400":              {path: merchantPayments, body: payBody(fee("1e400"), "")},
			"a total":            {path: merchantPayments, body: payBody(fee("1"), `, "total": 1`)},
			"an origin":          {path: merchantPayments, body: payBody(fee("1"), `, "origin": "web"`)},
			"a merchant":         {path: merchantSubscriptions, body: subBody(`, "merchant_id": "mer_01kb3v5q8r9s0t1v2w3x4y5z6a"`)},
			"a status":           {path: merchantSubscriptions, body: subBody(`, "status": "active"`)},
			"a price of its own": {path: merchantSubscriptions, body: strings.Replace(subBody(""), `"quantity": 1`, `"quantity": 1, "unit_price": 1`, 1)},
			"another case":       {path: merchantSubscriptions, body: strings.Replace(subBody(""), "customer_id", "Customer_id", 1)},
		} {
			answer := b.key.Raw(http.MethodPost, r.path, []byte(r.body), "Content-Type", "application/json", idempotencyKey, keyOf(name))
			assert.Equal(t, http.StatusBadRequest, answer.Status, "%s: %s", name, answer.Body)
		}
		b.key.Raw(http.MethodPost, merchantPayments, []byte(payBody(strings.Replace(fee("999999999999"), `"quantity": 1`, `"quantity": 2`, 1), "")),
			"Content-Type", "application/json", idempotencyKey, "too-much").Refused(http.StatusUnprocessableEntity, "payment.too_large")
		assert.Empty(t, a.Ledger(t))
		assert.Empty(t, b.key.Get(merchantPayments+"?include_zero=true").Must(http.StatusOK).IDs())
		assert.Empty(t, b.key.Get(merchantSubscriptions).Must(http.StatusOK).IDs())

		// 2^31 cents are an amount like any other.
		large := b.key.Raw(http.MethodPost, merchantPayments, []byte(payBody(fee("2147483648"), "")), "Content-Type", "application/json", idempotencyKey, "2^31").Must(http.StatusCreated)
		assert.EqualValues(t, 2147483648, large.At("totals.total.amount"))
		refunds := merchantPayments + "/" + large.Text("id") + "/refunds"
		for _, body := range []string{
			`{"amount": 0}`, `{"amount": -1}`, `{"amount": 2147483649}`, `{"amount": 9007199254740993}`, `{"amount": 9223372036854775807}`, `{"amount": "5"}`, `{"amount": 1.5}`,
			`{"amount": 1, "lines": [{"line_id": "x"}]}`, `{"lines": []}`, `{"lines": [{"line_id": "lin_x"}]}`, `{"lines": [{"line_id": "lin_x", "amount": 0}]}`,
		} {
			answer := b.key.Raw(http.MethodPost, refunds, []byte(body), "Content-Type", "application/json", idempotencyKey, keyOf(body))
			assert.Equal(t, http.StatusUnprocessableEntity, answer.Status, "%s: %s", body, answer.Body)
		}
		b.key.Raw(http.MethodPost, refunds, []byte(`{"amount": 1e400}`), "Content-Type", "application/json", idempotencyKey, "x").Refused(http.StatusBadRequest, "json.invalid")
		assert.EqualValues(t, 0, b.key.Get(merchantPayments+"/"+large.Text("id")).At("totals.refunded.amount"))
	})
}

// Where money can move the key is required; a repeat is the same, another content is refused.
func TestAMerchantsKeysOfIdempotency(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		b := newBackend(t, a)
		sub := b.subscribe(b.method("tok_4242")).Must(http.StatusCreated).Text("id")
		paid := b.key.Get(merchantPayments).Must(http.StatusOK).IDs()[0]
		for name, c := range b.billingCalls(sub, paid, "inv_01kb3v5q8r9s0t1v2w3x4y5z6a") {
			needs := map[string]bool{"create subscription": true, "change": true, "resume": true, "create payment": true, "collect": true, "refund": true}[name]
			if needs {
				b.key.Call(c.method, c.path, c.body).Refused(http.StatusBadRequest, "idempotency.key_required")
			}
		}
		body := map[string]any{"customer_id": b.customer.ID, "items": setupFee(100), "payment_method_id": b.method("tok_4242")}
		made := b.key.Post(merchantPayments, body, idempotencyKey, "one").Must(http.StatusCreated)
		again := b.key.Post(merchantPayments, body, idempotencyKey, "one").Must(http.StatusCreated)
		assert.Equal(t, "true", again.Header.Get("Idempotency-Replayed"))
		assert.Equal(t, string(made.Body), string(again.Body))
		body["items"] = setupFee(200)
		b.key.Post(merchantPayments, body, idempotencyKey, "one").Refused(http.StatusUnprocessableEntity, "idempotency.key_reused")
		answers := together(40, func(int) string {
			answer := b.key.Post(merchantPayments, body, idempotencyKey, "many")
			if answer.Status == http.StatusCreated {
				return answer.Text("id")
			}
			return fmt.Sprint(answer.Status, " ", answer.Text("code"))
		})
		delete(answers, "409 idempotency.in_progress")
		assert.Len(t, answers, 1, "%v", answers)
		assert.Len(t, a.Ledger(t), 3, "forty calls, one charge")
		// Forty different refunds of one payment: never more than it was.
		refunded := together(40, func(i int) string {
			answer := b.key.Post(merchantPayments+"/"+made.Text("id")+"/refunds", map[string]any{"amount": 40}, idempotencyKey, fmt.Sprint("refund-", i))
			return fmt.Sprint(answer.Status, " ", answer.Text("code"))
		})
		assert.EqualValues(t, 80, b.key.Get(merchantPayments+"/"+made.Text("id")).At("totals.refunded.amount"), "%v", refunded)
	})
}

// A live merchant's clock stands where the real one stands.
func TestALiveClockIsNotMoved(t *testing.T) {
	t.Parallel()
	a := foyertest.New(t, "sqlite", func(c *app.Config) {
		c.Stripe = &stripe.Options{SecretKey: "sk_test_x", PublishableKey: "pk_test_x", WebhookSecrets: []string{"whsec_x"}}
	})
	live, _, err := a.Merchants.Create(t.Context(), merchant.Live, merchant.Settings{Name: "Live", Seller: merchant.Seller{
		LegalName: "Live GmbH", TaxID: "DE1", Address: merchant.Address{Line1: "1", City: "Berlin", PostalCode: "1", Country: "DE"},
	}})
	require.NoError(t, err)
	key := a.Key(t, live)
	key.Post("/v1/merchant/clock/advance", map[string]any{"by": "P1D"}).Refused(http.StatusConflict, "clock.live")
	key.Post("/v1/merchant/clock/advance", map[string]any{"to": time.Now().Add(-time.Hour)}).Refused(http.StatusConflict, "clock.live")
	assert.Nil(t, key.Get("/v1/merchant/clock").Must(http.StatusOK).At("offset"))
}

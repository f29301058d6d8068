package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/app"
	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/foyertest"
	"foyer/internal/identity"
	"foyer/internal/merchant"
)

const (
	merchantSubscriptions = "/v1/merchant/subscriptions"
	merchantPayments      = "/v1/merchant/payments"
	merchantInvoices      = "/v1/merchant/invoices"
)

// backend is a merchant's server with a customer and what it sells.
type backend struct {
	*foyertest.App
	t        *testing.T
	merchant merchant.Merchant
	key      *foyertest.Client
	customer billing.Customer
	basic    billing.Price
	pro      billing.Price
	calls    int
}

func newBackend(t *testing.T, a *foyertest.App) *backend {
	t.Helper()
	b := &backend{App: a, t: t, merchant: a.Merchant(t, "acme")}
	b.key = a.Key(t, b.merchant)
	b.customer = a.Customer(t, b.merchant, "mia@mailbox.test")
	b.basic, b.pro = a.Price(t, b.merchant, "Basic", 1000), a.Price(t, b.merchant, "Pro", 3000)
	return b
}

// method stores a card of the customer by a backend's token.
func (b *backend) method(token string) string {
	b.t.Helper()
	m, err := b.Billing.AddMethodByToken(context.Background(), foyertest.As(b.customer), billing.TokenMethodInput{Token: token, Default: true})
	require.NoError(b.t, err)
	return string(m.ID)
}

// post makes a call with a key of its own.
func (b *backend) post(path string, body any) *foyertest.Answer {
	b.t.Helper()
	b.calls++
	return b.key.Post(path, body, foyertest.Keyed(fmt.Sprint("call-", b.calls))...)
}

func items(price billing.Price, quantity int) []any {
	return []any{map[string]any{"price_id": price.ID, "quantity": quantity}}
}

// subscribe starts a subscription with a card; change may alter the body first.
func (b *backend) subscribe(method string, change ...func(map[string]any)) *foyertest.Answer {
	b.t.Helper()
	body := map[string]any{"customer_id": b.customer.ID, "items": items(b.basic, 1)}
	if method != "" {
		body["payment_method_id"] = method
	}
	for _, c := range change {
		c(body)
	}
	return b.post(merchantSubscriptions, body)
}

func setupFee(amount any) []any {
	return []any{map[string]any{"name": "Setup", "unit_price": map[string]any{"amount": amount, "currency": "EUR"}, "quantity": 1, "tax_rate": "0.19"}}
}

// advance moves the clock through the API.
func (b *backend) advance(by string) {
	b.t.Helper()
	b.key.Post("/v1/merchant/clock/advance", map[string]any{"by": by}).Must(http.StatusOK)
}

// events are the types of a thing's events, oldest first, each with the number of its change.
func (b *backend) events(subject string) (types []string) {
	b.t.Helper()
	list := b.key.Get("/v1/merchant/events?limit=100&subject_id=" + subject).Must(http.StatusOK)
	for i := range list.Len("data") {
		types = append([]string{list.Text("data." + itoa(i) + ".type")}, types...)
	}
	return types
}

// A merchant's life through its API: subscribe, preview and change, pause and resume, cancel and undo, bill once, refund, collect
// a debt, documents, and time.
func TestAMerchantsLife(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		b := newBackend(t, a)
		good := b.method("tok_4242")
		made := b.subscribe(good, func(in map[string]any) {
			in["external_id"], in["metadata"] = "team-1", map[string]any{"plan": "sales", "größe": "M"}
		}).Must(http.StatusCreated)
		id := made.Text("id")
		path := merchantSubscriptions + "/" + id
		assert.Equal(t, "active", made.Text("status"))
		assert.Equal(t, string(b.customer.ID), made.Text("customer_id"))
		assert.Equal(t, "sales", made.Text("metadata.plan"))
		assert.Equal(t, "https://acme.test/portal/subscriptions/"+id+"/cancel", made.Text("management_urls.cancel"))
		replay := b.key.Post(merchantSubscriptions, map[string]any{
			"customer_id": b.customer.ID, "items": items(b.basic, 1), "payment_method_id": good, "external_id": "team-1",
			"metadata": map[string]any{"plan": "sales", "größe": "M"},
		}, foyertest.Keyed("call-1")...).Must(http.StatusCreated)
		assert.Equal(t, "true", replay.Header.Get("Idempotency-Replayed"))
		assert.Equal(t, string(made.Body), string(replay.Body))
		assert.Len(t, a.Ledger(t), 1)
		b.subscribe(good, func(in map[string]any) { in["external_id"] = "team-1" }).Refused(http.StatusConflict, "external_id.taken")

		full := b.key.Get(path + "?include=customer,payment_method").Must(http.StatusOK)
		assert.Equal(t, b.customer.Email, full.Text("customer.email"))
		assert.Equal(t, "4242", full.Text("payment_method.card.last4"))
		b.key.Get(path+"?include=customer,payment_method", "If-None-Match", full.Header.Get("ETag")).Must(http.StatusNotModified)
		mia := a.SignIn(t, b.merchant, b.customer.Email)
		seen := mia.Get("/v1/subscriptions/" + id).Must(http.StatusOK)
		for _, hidden := range []string{"customer_id", "metadata", "management_urls"} {
			assert.NotContains(t, seen.JSON, hidden, "customers never see it")
		}

		// Named anew; the metadata is replaced as a whole.
		patched := b.key.Patch(path, map[string]any{"external_id": "team-2", "metadata": map[string]any{}}, "If-Match", made.Header.Get("ETag")).Must(http.StatusOK)
		assert.Equal(t, "team-2", patched.Text("external_id"))
		assert.Empty(t, patched.At("metadata"))
		b.key.Patch(path, map[string]any{"external_id": nil}, "If-Match", made.Header.Get("ETag")).Refused(http.StatusPreconditionFailed, "precondition.failed")
		b.key.Patch(path, map[string]any{"metadata": map[string]any{"plan": "sales"}}).Must(http.StatusOK)

		// What the customer may not, the merchant may; what is previewed is charged.
		b.key.Patch("/v1/merchant/portal", map[string]any{
			"plan_paths": map[string]any{string(b.basic.ID): []string{}}, "features": map[string]any{"change": false, "pause": false},
		}).Must(http.StatusOK)
		b.advance("P15D")
		preview := b.key.Post(path+"/change/preview", map[string]any{"items": items(b.pro, 1)}).Must(http.StatusOK)
		changed := b.post(path+"/change", map[string]any{"items": items(b.pro, 1)}).Must(http.StatusOK)
		assert.Equal(t, "Pro", changed.Text("items.0.product.name"))
		newest := b.key.Get(merchantPayments + "?limit=1").Must(http.StatusOK)
		assert.InDelta(t, preview.At("immediate_payment.totals.total.amount").(float64), newest.At("data.0.totals.total.amount").(float64), 1, "a few milliseconds lie between")

		b.key.Post(path+"/pause", map[string]any{"effective": "immediately"}).Must(http.StatusOK)
		assert.Equal(t, "paused", b.key.Get(path).Text("status"))
		assert.Equal(t, "active", b.post(path+"/resume", map[string]any{"billing": "continue_period"}).Must(http.StatusOK).Text("status"))
		canceled := b.key.Post(path+"/cancel", nil).Must(http.StatusOK)
		assert.Equal(t, "cancel", canceled.Text("scheduled_change.action"))
		b.key.Post(path+"/cancel", nil).Refused(http.StatusConflict, "subscription.cancel_scheduled")
		assert.Nil(t, b.key.Delete(path+"/scheduled-change").Must(http.StatusOK).At("scheduled_change"))

		// Bought once, refunded in two steps.
		once := b.post(merchantPayments, map[string]any{
			"customer_id": b.customer.ID, "items": setupFee(1000), "payment_method_id": good, "metadata": map[string]any{"order": "7"},
		}).Must(http.StatusCreated)
		assert.Equal(t, "completed", once.Text("status"))
		assert.EqualValues(t, 1190, once.At("totals.total.amount"))
		assert.Equal(t, "7", once.Text("metadata.order"))
		payment := merchantPayments + "/" + once.Text("id")
		refund := b.post(payment+"/refunds", map[string]any{"amount": 190, "reason": "Goodwill"}).Must(http.StatusCreated)
		assert.True(t, strings.HasPrefix(refund.Text("id"), "ref_"))
		assert.Equal(t, "approved", refund.Text("status"))
		assert.Equal(t, once.Text("id"), refund.Text("payment_id"))
		b.post(payment+"/refunds", map[string]any{"amount": 1001}).Refused(http.StatusUnprocessableEntity, "refund.too_large")
		rest := b.post(payment+"/refunds", map[string]any{"lines": []any{map[string]any{"line_id": once.Text("lines.0.id")}}}).Must(http.StatusCreated)
		assert.EqualValues(t, 1000, rest.At("total.amount"))
		assert.EqualValues(t, 1000, rest.At("lines.0.amount.amount"))
		assert.Empty(t, b.key.Patch(payment, map[string]any{"metadata": nil}).Must(http.StatusOK).At("metadata"))
		b.key.Patch(payment, map[string]any{"metadata": map[string]any{"order": "7"}}).Must(http.StatusOK)
		b.key.Patch(payment, map[string]any{}).Refused(http.StatusUnprocessableEntity, "input.invalid")
		b.key.Patch(payment, map[string]any{"metadata": map[string]any{}}, "If-Match", once.Header.Get("ETag")).Refused(http.StatusPreconditionFailed, "precondition.failed")
		b.post(payment+"/refunds", nil).Refused(http.StatusConflict, "refund.not_refundable")
		after := b.key.Get(payment).Must(http.StatusOK)
		assert.EqualValues(t, 1190, after.At("totals.refunded.amount"))
		assert.Equal(t, 2, after.Len("refunds"))
		assert.Equal(t, "7", after.Text("metadata.order"), "kept through all that was booked")
		notes := b.key.Get(merchantInvoices + "?payment_id=" + once.Text("id")).Must(http.StatusOK)
		require.Equal(t, 3, notes.Len("data"), "an invoice and two credit notes")
		assert.Equal(t, "credit_note", notes.Text("data.0.kind"))
		assert.Equal(t, string(b.customer.ID), notes.Text("data.0.customer_id"))
		assert.Equal(t, []string{"payment.created", "payment.completed", "payment.updated", "payment.updated", "payment.updated", "payment.updated"}, b.events(once.Text("id")))

		// A renewal is declined; collected with another card, which then is what is charged.
		bad := b.method("tok_0341")
		b.key.Patch(path, map[string]any{"payment_method_id": bad}).Must(http.StatusOK)
		b.advance("P1M")
		require.Equal(t, "past_due", b.key.Get(path).Text("status"))
		debts := b.key.Get(merchantPayments + "?status=past_due&subscription_id=" + id).Must(http.StatusOK)
		require.Equal(t, 1, debts.Len("data"))
		debt := merchantPayments + "/" + debts.Text("data.0.id")
		b.post(debt+"/collect", map[string]any{"payment_method_id": b.method("tok_0069")}).Refused(http.StatusPaymentRequired, "payment.declined")
		good = b.method("tok_4242")
		assert.Equal(t, "completed", b.post(debt+"/collect", map[string]any{"payment_method_id": good}).Must(http.StatusOK).Text("status"))
		assert.Equal(t, good, b.key.Get(path).Text("payment_method_id"))
		b.post(debt+"/collect", nil).Refused(http.StatusConflict, "payment.not_payable")

		// By invoice: a due date, a mail, and paid by card before it is due.
		bill := b.post(merchantPayments, map[string]any{
			"customer_id": b.customer.ID, "items": setupFee(500), "collection_mode": "manual",
			"billing_details": map[string]any{"purchase_order_number": "PO-7", "payment_terms": map[string]any{"interval": "day", "frequency": 30}},
		}).Must(http.StatusCreated)
		assert.Equal(t, "billed", bill.Text("status"))
		assert.Equal(t, "PO-7", bill.Text("purchase_order_number"))
		due, err := time.Parse(time.RFC3339, bill.Text("due_at"))
		require.NoError(t, err)
		billed, err := time.Parse(time.RFC3339, bill.Text("billed_at"))
		require.NoError(t, err)
		assert.Equal(t, 30*24*time.Hour, due.Sub(billed))
		assert.Equal(t, "completed", b.post(merchantPayments+"/"+bill.Text("id")+"/collect", map[string]any{"payment_method_id": good}).Must(http.StatusOK).Text("status"))
		assert.Equal(t, []string{"payment.billed", "payment.completed"}, b.events(bill.Text("id")))
		assert.Equal(t, []string{"invoice.created", "invoice.paid"}, b.events(bill.Text("invoice.id")))

		// Every version of the subscription that shows has its event.
		for i, kind := range b.events(id) {
			assert.Equal(t, i == 0, kind == "subscription.created", kind)
		}
		list := b.key.Get("/v1/merchant/events?limit=100&subject_id=" + id).Must(http.StatusOK)
		assert.Equal(t, "sales", list.Text("data.0.data.metadata.plan"), "events show what the merchant keeps")
		assert.Equal(t, string(b.customer.ID), list.Text("data.0.data.customer_id"))
		require.NoError(t, a.Merchants.ChainAudit(t.Context()))
		faults, err := a.Store.Faults(t.Context(), b.merchant.ID)
		require.NoError(t, err)
		for rule, broken := range faults {
			assert.Zero(t, broken, rule)
		}
	})
}

// Confirming with the bank: what is there before and after, and what never comes to be.
func TestAMerchantSellsToACarefulBank(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		b := newBackend(t, a)
		strict := b.method("tok_3220")
		waiting := b.subscribe(strict, func(in map[string]any) { in["external_id"] = "team-1" }).Must(http.StatusAccepted)
		id := waiting.Text("id")
		assert.Equal(t, "confirm_with_gateway", waiting.Text("next_action.type"))
		b.key.Get(merchantSubscriptions+"/"+id).Refused(http.StatusNotFound, "not_found")
		first := b.key.Get(merchantPayments + "?subscription_id=" + id).Must(http.StatusOK)
		require.Equal(t, 1, first.Len("data"))
		assert.Equal(t, "ready", first.Text("data.0.status"))
		b.subscribe(strict, func(in map[string]any) { in["external_id"] = "team-1" }).Refused(http.StatusConflict, "external_id.taken")
		b.key.Confirm(waiting.Text("next_action.charge_id"), waiting.Text("next_action.client_secret"), "succeed")
		require.Eventually(t, func() bool { return b.key.Get(merchantSubscriptions+"/"+id).Status == http.StatusOK }, 10*time.Second, 50*time.Millisecond)
		assert.Equal(t, "team-1", b.key.Get(merchantSubscriptions+"/"+id).Text("external_id"))
		assert.Equal(t, []string{"subscription.created"}, b.events(id))

		once := b.post(merchantPayments, map[string]any{"customer_id": b.customer.ID, "items": setupFee(1000), "payment_method_id": strict}).Must(http.StatusAccepted)
		assert.Equal(t, "ready", once.Text("status"))
		b.key.Confirm(once.Text("next_action.charge_id"), once.Text("next_action.client_secret"), "fail")
		path := merchantPayments + "/" + once.Text("id")
		require.Eventually(t, func() bool { return b.key.Get(path).Text("status") == "canceled" }, 10*time.Second, 50*time.Millisecond)

		declined := b.subscribe(b.method("tok_0002")).Refused(http.StatusPaymentRequired, "payment.declined")
		gone := b.key.Get(merchantPayments + "/" + declined.Text("payment_id")).Must(http.StatusOK)
		assert.Equal(t, "canceled", gone.Text("status"))
		assert.Equal(t, "declined", gone.Text("attempts.0.error_code"))
		assert.Len(t, a.Ledger(t), 1)
	})
}

// A cancel by the merchant brings the customer's own way out to its end.
func TestAMerchantsCancelClosesTheCustomersOwn(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		b := newBackend(t, a)
		id := b.subscribe(b.method("tok_4242")).Must(http.StatusCreated).Text("id")
		mia := a.SignIn(t, b.merchant, b.customer.Email)
		started := mia.Post("/v1/subscriptions/"+id+"/cancellations", nil).Must(http.StatusCreated).Text("id")
		path := merchantSubscriptions + "/" + id
		b.key.Post(path+"/cancel", map[string]any{"effective": "period_end"}).Must(http.StatusOK)
		assert.Equal(t, "scheduled", mia.Get("/v1/cancellations/"+started).Text("state"))
		b.key.Delete(path + "/scheduled-change").Must(http.StatusOK)
		assert.Equal(t, "undone", mia.Get("/v1/cancellations/"+started).Text("state"))

		mia.Post("/v1/subscriptions/"+id+"/cancellations", map[string]any{"confirm": true}).Must(http.StatusCreated)
		again := b.key.Post(path+"/cancel", map[string]any{"effective": "immediately"}, idempotencyKey, "end").Must(http.StatusOK)
		assert.Equal(t, "canceled", again.Text("status"))
		assert.Equal(t, string(again.Body), string(b.key.Post(path+"/cancel", map[string]any{"effective": "immediately"}, idempotencyKey, "end").Must(http.StatusOK).Body))
		b.key.Post(path+"/cancel", nil).Refused(http.StatusConflict, "subscription.canceled")
		assert.Equal(t, []string{"cancellation.created", "cancellation.scheduled", "cancellation.undone"}, b.events(started))
	})
}

// Documents: the same bytes for both sides, and sent again, but not for ever.
func TestAMerchantSendsADocumentAgain(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		b := newBackend(t, a)
		b.subscribe(b.method("tok_4242")).Must(http.StatusCreated)
		list := b.key.Get(merchantInvoices + "?number=INV-000001").Must(http.StatusOK)
		require.Equal(t, 1, list.Len("data"))
		id := list.Text("data.0.id")
		mia := a.SignIn(t, b.merchant, b.customer.Email)
		ours := b.key.Get(merchantInvoices + "/" + id + "/pdf?locale=de&disposition=inline").Must(http.StatusOK)
		theirs := mia.Get("/v1/invoices/" + id + "/pdf?locale=de").Must(http.StatusOK)
		assert.Equal(t, theirs.Body, ours.Body)
		assert.Contains(t, ours.Header.Get("Content-Disposition"), "inline")
		b.key.Get(merchantInvoices+"/"+id+"/pdf?locale=de", "If-None-Match", ours.Header.Get("ETag")).Must(http.StatusNotModified)
		before := len(a.AwaitMails(t, b.customer.Email, 3)) // the confirmation, the receipt and the sign-in's
		for range 3 {
			assert.Equal(t, "INV-000001", b.key.Post(merchantInvoices+"/"+id+"/send", nil).Must(http.StatusOK).Text("number"))
		}
		limited := b.key.Post(merchantInvoices+"/"+id+"/send", nil).Refused(http.StatusTooManyRequests, "rate_limited")
		assert.NotEmpty(t, limited.Header.Get("Retry-After"))
		mails := a.AwaitMails(t, b.customer.Email, before+3)
		assert.Equal(t, "Your invoice INV-000001 from acme", mails[0].Subject)
		require.Len(t, mails, before+3)
	}, foyertest.WithLimits(identity.Limits{identity.LimitInvoiceSend: {{Count: 3, Per: 24 * time.Hour}}}))
}

// One call takes a trial to its end and a renewal further; a turn that is over is gone on with; nobody waits meanwhile.
func TestAMerchantMovesItsClock(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		b := newBackend(t, a)
		trial := a.Price(t, b.merchant, "Trial", 1000, func(p *billing.Price) { p.Trial = &foyer.Cycle{Interval: foyer.Day, Frequency: 14} })
		made := b.subscribe(b.method("tok_4242"), func(in map[string]any) { in["items"] = items(trial, 1) }).Must(http.StatusCreated)
		assert.Equal(t, "trialing", made.Text("status"))
		clock := b.key.Get("/v1/merchant/clock").Must(http.StatusOK)
		assert.Nil(t, clock.At("offset"))
		moved := b.key.Post("/v1/merchant/clock/advance", map[string]any{"by": "P1M15D"}, idempotencyKey, "k").Must(http.StatusOK)
		assert.Nil(t, moved.At("running"))
		assert.NotEmpty(t, moved.Text("offset"))
		b.key.Post("/v1/merchant/clock/advance", map[string]any{"by": "P1M15D"}, idempotencyKey, "k").Must(http.StatusOK)
		again := b.key.Get("/v1/merchant/clock").Must(http.StatusOK)
		assert.Equal(t, moved.Text("now")[:16], again.Text("now")[:16], "a repeat moves nothing")
		assert.Equal(t, "active", b.key.Get(merchantSubscriptions+"/"+made.Text("id")).Text("status"))
		assert.Equal(t, 2, b.key.Get(merchantPayments).Must(http.StatusOK).Len("data"), "the first period and a renewal")

		now, err := time.Parse(time.RFC3339, again.Text("now"))
		require.NoError(t, err)
		for name, body := range map[string]any{
			"the past": map[string]any{"to": now.Add(-time.Hour)}, "too far": map[string]any{"to": now.AddDate(0, 0, 368)}, "too long": map[string]any{"by": "P367D"},
			"no time": map[string]any{"by": "PT"}, "negative": map[string]any{"by": "-P1D"}, "words": map[string]any{"by": "a month"}, "none": map[string]any{},
			"both": map[string]any{"by": "P1D", "to": now.AddDate(0, 0, 1)}, "no date": map[string]any{"to": "tomorrow"},
		} {
			b.key.Post("/v1/merchant/clock/advance", body).Refused(http.StatusUnprocessableEntity, "input.invalid")
			_ = name
		}
		require.Equal(t, again.Text("now")[:13], b.key.Get("/v1/merchant/clock").Text("now")[:13])
	})
}

func TestAClockThatRunsLongHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		b := newBackend(t, a)
		method := b.method("tok_4242")
		for range 3 {
			b.subscribe(method).Must(http.StatusCreated)
		}
		start := time.Now()
		to := a.Clock.Now().AddDate(0, 11, 1).UTC().Truncate(time.Second)
		stop := make(chan struct{})
		blocked := make(chan time.Duration, 1)
		go func() { // another's writes go on while the clock runs
			var worst time.Duration
			defer func() { blocked <- worst }()
			other := b.customer
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				began := time.Now()
				if err := a.Store.RecordActivity(context.Background(), foyer.Activity{
					ID: a.IDs(foyer.PrefixActivity), Scope: foyertest.As(other).Scope, Type: foyer.ActivityUpdated, At: foyer.Micro(began),
				}); err != nil {
					return
				}
				worst = max(worst, time.Since(began))
				time.Sleep(5 * time.Millisecond)
			}
		}()
		turns := 0
		for {
			answer := b.key.Post("/v1/merchant/clock/advance", map[string]any{"to": to}, idempotencyKey, fmt.Sprint("turn-", turns))
			turns++
			if answer.Status == http.StatusOK {
				break
			}
			answer.Must(http.StatusAccepted)
			require.Equal(t, true, answer.At("running"))
			require.Equal(t, to.Format(time.RFC3339), answer.Text("to"))
			require.Less(t, turns, 500)
		}
		close(stop)
		t.Logf("%d turns in %s, longest write %s", turns, time.Since(start), <-blocked)
		assert.Greater(t, turns, 1)
		assert.Len(t, a.Ledger(t), 3*12)
	}, func(c *app.Config) { c.ClockTurn = 20 * time.Millisecond })
}

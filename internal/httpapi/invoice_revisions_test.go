package httpapi_test

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/foyertest"
	"foyer/internal/merchant"
)

// buyer is a customer who has bought once, with the key of the merchant.
type buyer struct {
	*foyertest.App
	t        *testing.T
	merchant merchant.Merchant
	key, mia *foyertest.Client
	customer string
}

func newBuyer(t *testing.T, a *foyertest.App, change ...func(*merchant.Settings)) *buyer {
	t.Helper()
	b := &buyer{App: a, t: t, merchant: a.Merchant(t, "acme", change...)}
	b.key = a.Key(t, b.merchant)
	b.customer = b.key.Post("/v1/merchant/customers", map[string]any{
		"email": "mia@mailbox.test", "name": "Mia Reyes", "company": "Reyes Ltd", "tax_id": "DE123456789",
		"address": map[string]any{"line1": "Hangarstraße 7", "city": "Berlin", "postal_code": "10115", "country": "DE"},
	}).Must(http.StatusCreated).Text("id")
	b.key.Post("/v1/merchant/customers/"+b.customer+"/payment-methods", map[string]any{"gateway_token": "tok_4242"}, idempotencyKey, rand.Text()).Must(http.StatusCreated)
	b.mia = a.SignIn(t, b.merchant, "mia@mailbox.test")
	return b
}

// buys bills Mia once and returns the payment.
func (b *buyer) buys(amount int) *foyertest.Answer {
	b.t.Helper()
	return b.key.Post("/v1/merchant/payments", map[string]any{
		"customer_id": b.customer, "items": []any{map[string]any{"name": "Setup", "unit_price": map[string]any{"amount": amount, "currency": "EUR"}, "quantity": 1, "tax_rate": "0.19"}},
		"payment_method_id": b.key.Get("/v1/merchant/customers/" + b.customer + "/payment-methods").Must(http.StatusOK).Text("data.0.id"),
	}, idempotencyKey, rand.Text()).Must(http.StatusCreated)
}

func revisions(invoice string) string { return "/v1/invoices/" + invoice + "/revisions" }

func clean(t *testing.T, a *foyertest.App) {
	t.Helper()
	findings, err := a.Check(t.Context())
	require.NoError(t, err)
	for _, f := range findings {
		assert.Zero(t, f.Broken, f.Rule)
	}
}

// An invoice that is corrected stays as it was, byte for byte; another takes its place under the same number, and the customer gets it.
func TestAnInvoiceIsCorrected(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		b := newBuyer(t, a)
		p := b.buys(10000)
		old, number := p.Text("invoice.id"), p.Text("invoice.number")
		before := b.mia.Get("/v1/invoices/" + old + "/pdf?locale=de").Must(http.StatusOK).Body
		sealed := b.mia.Get("/v1/invoices/" + old).Must(http.StatusOK).Text("content_sha256")
		assert.Len(t, sealed, 64)

		body := map[string]any{"name": "Mia M. Reyes", "company": "Reyes Aviation GmbH", "tax_id": "DE 987 654 321", "line2": "Halle 3", "region": "Berlin"}
		made := b.mia.Post(revisions(old), body, idempotencyKey, "once").Must(http.StatusCreated)
		again := b.mia.Post(revisions(old), body, idempotencyKey, "once").Must(http.StatusCreated)
		assert.Equal(t, []string{made.Text("id"), "true"}, []string{again.Text("id"), again.Header.Get("Idempotency-Replayed")})
		assert.Equal(t, []any{number, "invoice", 2.0, "paid", old, nil, "Mia M. Reyes", "Reyes Aviation GmbH", "DE 987 654 321", "Halle 3", "Berlin", "Hangarstraße 7", "10115", "DE"}, []any{
			made.At("number"), made.At("kind"), made.At("revision"), made.At("status"), made.At("replaces"), made.At("replaced_by"), made.At("buyer.name"), made.At("buyer.company"),
			made.At("buyer.tax_id"), made.At("buyer.address.line2"), made.At("buyer.address.region"), made.At("buyer.address.line1"), made.At("buyer.address.postal_code"), made.At("buyer.address.country"),
		})
		was := b.mia.Get("/v1/invoices/" + old).Must(http.StatusOK)
		assert.Equal(t, []any{"replaced", made.Text("id"), "Reyes Ltd", sealed}, []any{was.At("status"), was.At("replaced_by"), was.At("buyer.company"), was.At("content_sha256")})
		assert.Equal(t, before, b.mia.Get("/v1/invoices/"+old+"/pdf?locale=de").Must(http.StatusOK).Body, "the same bytes as ever")
		drawn := textOf(t, b.mia.Get("/v1/invoices/"+made.Text("id")+"/pdf").Must(http.StatusOK).Body)
		for _, want := range []string{number, "Reyes Aviation GmbH", "DE 987 654 321", "Revision 2"} {
			assert.Contains(t, drawn, want)
		}
		assert.Equal(t, []string{made.Text("id"), old}, b.mia.Get("/v1/invoices").Must(http.StatusOK).IDs())
		assert.Equal(t, made.Text("id"), b.mia.Get("/v1/payments/"+p.Text("id")).Must(http.StatusOK).Text("invoice.id"))
		assert.Equal(t, "Reyes Ltd", b.mia.Get("/v1/me").Must(http.StatusOK).Text("company"), "future invoices stay as they are")
		assert.Equal(t, "Reyes Ltd", b.mia.Get("/v1/invoices/"+b.buys(500).Text("invoice.id")).Must(http.StatusOK).Text("buyer.company"))

		events := b.key.Get("/v1/merchant/events?limit=100").Must(http.StatusOK)
		var kinds []string
		for _, e := range events.At("data").([]any) {
			if e := e.(map[string]any); e["subject"] == nil {
				kinds = append(kinds, fmt.Sprint(e["type"]))
			}
		}
		assert.Contains(t, kinds, "invoice.replaced")
		require.Eventually(t, func() bool {
			for _, m := range a.Mails(t, "mia@mailbox.test") {
				if m.Subject == "Your corrected invoice "+number && len(m.Attachments) == 1 {
					return true
				}
			}
			return false
		}, 10*time.Second, 20*time.Millisecond)
		clean(t, a)
	})
}

// Every rule refuses by its name and changes nothing.
func TestCorrectionsThatAreRefused(t *testing.T) {
	t.Parallel()
	a := foyertest.New(t, "sqlite")
	b := newBuyer(t, a)
	p := b.buys(10000)
	id := p.Text("invoice.id")
	before := string(b.mia.Get("/v1/invoices/" + id).Must(http.StatusOK).Body)
	for name, c := range map[string]struct {
		body   map[string]any
		status int
		want   string
	}{
		"nothing":               {map[string]any{"name": "Mia Reyes"}, 422, "invoice.nothing_to_revise"},
		"no tax id":             {map[string]any{"tax_id": nil}, 422, "/tax_id invoice.tax_id_kept"},
		"a tax id that is none": {map[string]any{"tax_id": "DE12"}, 422, "/tax_id input.tax_id"},
		"no company":            {map[string]any{"company": ""}, 422, "/company invoice.company_needed"},
		"another city":          {map[string]any{"city": "Köln"}, 422, "/city invoice.place_kept"},
		"no street":             {map[string]any{"line1": nil}, 422, "/line1 input.required"},
		"an override":           {map[string]any{"name": "a\u202eb"}, 422, "/name input.text_characters"},
		"a card number":         {map[string]any{"name": "4242 4242 4242 4242"}, 422, "/name input.card_number"},
		"endless":               {map[string]any{"line2": fmt.Sprintf("%0201d", 1)}, 422, "/line2 input.too_long"},
		"country":               {map[string]any{"country": "FR"}, 400, "json.unknown_field"},
		"postal code":           {map[string]any{"postal_code": "50667"}, 400, "json.unknown_field"},
		"an empty body":         {map[string]any{}, 422, "input.invalid"},
	} {
		refused := b.mia.Post(revisions(id), c.body)
		assert.Equal(t, c.status, refused.Status, "%s: %s", name, refused.Body)
		got := toldFaults(refused)
		if c.want[0] != '/' {
			got = []string{refused.Text("code")}
		}
		assert.Equal(t, []string{c.want}, got, name)
	}
	assert.Equal(t, before, string(b.mia.Get("/v1/invoices/"+id).Must(http.StatusOK).Body), "nothing has changed")
	ann := map[string]any{"name": "Ann"}
	a.Client(t).Post(revisions(id), ann).Refused(http.StatusUnauthorized, "auth.required")
	noah := a.Customer(t, b.merchant, "noah@mailbox.test")
	imported := a.Payment(t, noah, a.Clock.Now().Add(-time.Hour), 100, "EUR", "")
	imported.UpdatedAt = imported.UpdatedAt.Add(time.Minute)
	a.Save(t, b.merchant, billing.ImportBatch{Payments: []billing.ImportedPayment{{Payment: imported, InvoiceNumber: "AC-9"}}})
	asNoah := a.SignIn(t, b.merchant, "noah@mailbox.test")
	asNoah.Post(revisions(id), ann).Refused(http.StatusNotFound, "not_found")
	asNoah.Post(revisions("inv_00000000000000000000000000"), ann).Refused(http.StatusNotFound, "not_found")
	asNoah.Post(revisions(asNoah.Get("/v1/invoices").Must(http.StatusOK).Text("data.0.id")), ann).Refused(http.StatusConflict, "invoice.copy")

	first := b.mia.Post(revisions(id), ann).Must(http.StatusCreated).Text("id")
	b.mia.Post(revisions(id), map[string]any{"name": "Ben"}).Refused(http.StatusConflict, "invoice.replaced")
	b.mia.Post(revisions(first), map[string]any{"name": "Ben"}).Refused(http.StatusConflict, "invoice.revision_limit")
	b.key.Patch(portal, map[string]any{"invoices": map[string]any{"revisions": 2}}).Must(http.StatusOK)
	b.mia.Post(revisions(first), map[string]any{"name": "Ben"}).Must(http.StatusCreated)

	second := b.buys(10000)
	b.key.Post("/v1/merchant/payments/"+second.Text("id")+"/refunds", map[string]any{"amount": 100}, idempotencyKey, rand.Text()).Must(http.StatusCreated)
	b.mia.Post(revisions(second.Text("invoice.id")), ann).Refused(http.StatusConflict, "invoice.adjusted")
	notes := b.mia.Get("/v1/invoices").Must(http.StatusOK)
	b.mia.Post(revisions(notes.Text("data.0.id")), ann).Refused(http.StatusConflict, "invoice.credit_note")

	third := b.buys(10000).Text("invoice.id")
	b.key.Patch(portal, map[string]any{"features": map[string]any{"revisions": false}}).Must(http.StatusOK)
	b.mia.Post(revisions(third), ann).Refused(http.StatusForbidden, "feature.off")
	clean(t, a)
}

// Where the law of the seller's country wants it, an invoice is taken back and issued anew, both numbered without a gap; no money moves.
func TestAnInvoiceIsIssuedAnew(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		b := newBuyer(t, a, func(s *merchant.Settings) { s.Seller.Address.Country = "IT" })
		p := b.buys(10000)
		old := p.Text("invoice.id")
		made := b.mia.Post(revisions(old), map[string]any{"name": "Ann"}).Must(http.StatusCreated)
		assert.Equal(t, []any{"INV-000002", 1.0, old, "paid"}, []any{made.At("number"), made.At("revision"), made.At("replaces"), made.At("status")})
		list := b.mia.Get("/v1/invoices").Must(http.StatusOK)
		require.Equal(t, 3, list.Len("data"))
		var note map[string]any
		for _, in := range list.At("data").([]any) {
			if in := in.(map[string]any); in["kind"] == "credit_note" {
				note = in
			}
		}
		assert.Equal(t, []any{"CN-000001", 11900.0, old}, []any{note["number"], note["total"].(map[string]any)["amount"], note["credits"]})
		require.Eventually(t, func() bool {
			for _, m := range a.Mails(t, "mia@mailbox.test") {
				if m.Subject == "Your corrected invoice INV-000002" {
					return len(m.Attachments) == 2
				}
			}
			return false
		}, 10*time.Second, 20*time.Millisecond, "both documents come by mail")
		b.key.Post("/v1/merchant/invoices/"+old+"/send", nil).Refused(http.StatusConflict, "invoice.replaced")
		drawn := textOf(t, b.mia.Get("/v1/invoices/"+note["id"].(string)+"/pdf").Must(http.StatusOK).Body)
		assert.Contains(t, drawn, "INV-000001")
		after := b.mia.Get("/v1/payments/" + p.Text("id")).Must(http.StatusOK)
		assert.Equal(t, []any{0.0, "completed", "INV-000002"}, []any{after.At("totals.refunded.amount"), after.At("status"), after.At("invoice.number")})
		b.key.Post("/v1/merchant/payments/"+p.Text("id")+"/refunds", map[string]any{}, idempotencyKey, rand.Text()).Must(http.StatusCreated)
		newest := b.mia.Get("/v1/invoices").Must(http.StatusOK)
		assert.Equal(t, []string{"CN-000002", "Ann"}, []string{newest.Text("data.0.number"), newest.Text("data.0.buyer.name")}, "made out to whom the invoice is")
		clean(t, a)
	})
}

// A hundred corrections of fifty invoices by two processes, while others are billed: one correction of each is made, no number is missing and none
// is given twice.
func TestAHundredCorrectionsAndPaymentsAtOnce(t *testing.T) {
	t.Parallel()
	for _, country := range []string{"DE", "PT"} {
		foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
			b := newBuyer(t, a, func(s *merchant.Settings) { s.Seller.Address.Country = foyer.Country(country) })
			second := a.Second(t).Client(t)
			second.Token = b.mia.Token
			const n = 25
			invoices := make([]string, n)
			for i := range invoices {
				invoices[i] = b.buys(1000 + i).Text("invoice.id")
			}
			// The payments are another customer's: what they share with the corrections is the run of numbers, not the customer's lock.
			noah := b.key.Post("/v1/merchant/customers", map[string]any{"email": "noah@mailbox.test"}).Must(http.StatusCreated).Text("id")
			method := b.key.Post("/v1/merchant/customers/"+noah+"/payment-methods", map[string]any{"gateway_token": "tok_4242"}, idempotencyKey, rand.Text()).Must(http.StatusCreated).Text("id")
			var group sync.WaitGroup
			var mu sync.Mutex
			statuses := map[string][]int{}
			for i := range 4 * n {
				client, id := b.mia, invoices[i%n]
				if i%2 == 1 {
					client = second
				}
				group.Go(func() {
					body := map[string]any{"name": fmt.Sprint("Ann ", i)}
					answer := client.Post(revisions(id), body)
					for answer.Status == http.StatusServiceUnavailable { // waited too long for its turn: nothing was decided
						answer = client.Post(revisions(id), body)
					}
					mu.Lock()
					defer mu.Unlock()
					statuses[id] = append(statuses[id], answer.Status)
				})
				if i%4 == 0 {
					group.Go(func() {
						b.key.Post("/v1/merchant/payments", map[string]any{
							"customer_id": noah, "payment_method_id": method,
							"items": []any{map[string]any{"name": "Setup", "unit_price": map[string]any{"amount": 700, "currency": "EUR"}, "quantity": 1}},
						}, idempotencyKey, rand.Text())
					})
				}
			}
			group.Wait()
			for id, got := range statuses {
				slices.Sort(got)
				assert.Equal(t, []int{201, 409, 409, 409}, got, id)
			}
			// On a slow machine a payment may still be on its way when its call gave up waiting; the engine looks it up.
			require.Eventually(t, func() bool {
				if a.Engine.RunDue(t.Context(), b.merchant.ID) != nil {
					return false
				}
				for _, p := range b.key.Get("/v1/merchant/payments?customer_id=" + noah).Must(http.StatusOK).At("data").([]any) {
					if p.(map[string]any)["status"] != "completed" {
						return false
					}
				}
				return true
			}, 2*time.Minute, 100*time.Millisecond)
			clean(t, a)
		})
	}
}

// A tax id a business of another EU country gives afterwards gives the tax back, where the merchant wants it: once, as a refund with its credit note.
func TestATaxIDGivenAfterwardsRefundsTheTax(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		b := newBuyer(t, a, func(s *merchant.Settings) { s.Seller.Address.Country = "NL" })
		b.key.Patch("/v1/merchant/customers/"+b.customer, map[string]any{"company": nil, "tax_id": nil}).Must(http.StatusOK)
		business := map[string]any{"company": "Reyes GmbH", "tax_id": "DE123456789"}
		off := b.buys(10000)
		b.mia.Post(revisions(off.Text("invoice.id")), business).Must(http.StatusCreated)

		b.key.Patch(portal, map[string]any{"invoices": map[string]any{"refund_tax": true}}).Must(http.StatusOK)
		name := b.buys(10000)
		b.mia.Post(revisions(name.Text("invoice.id")), map[string]any{"name": "Ann"}).Must(http.StatusCreated)
		on := b.buys(10000)
		made := b.mia.Post(revisions(on.Text("invoice.id")), business, idempotencyKey, "once").Must(http.StatusCreated)
		assert.Equal(t, made.Text("id"), b.mia.Post(revisions(on.Text("invoice.id")), business, idempotencyKey, "once").Must(http.StatusCreated).Text("id"))
		now, err := a.Merchants.Clock(t.Context(), b.merchant.ID)
		require.NoError(t, err)
		a.Until(t, b.merchant, now.Add(time.Second))                                                                                                   // the engine's next round
		assert.Equal(t, 1900.0, b.mia.Get("/v1/payments/"+on.Text("id")).Must(http.StatusOK).At("totals.refunded.amount"), "the tax and nothing else") //nolint:testifylint // cents
		for _, p := range []*foyertest.Answer{off, name} {
			assert.Equal(t, 0, b.mia.Get("/v1/payments/"+p.Text("id")).Must(http.StatusOK).Len("refunds"), "nothing goes back")
		}
		var notes []map[string]any
		for _, in := range b.mia.Get("/v1/invoices").Must(http.StatusOK).At("data").([]any) {
			if in := in.(map[string]any); in["kind"] == "credit_note" {
				notes = append(notes, in)
			}
		}
		require.Len(t, notes, 1)
		assert.Equal(t, []any{1900.0, "Reyes GmbH"}, []any{notes[0]["total"].(map[string]any)["amount"], notes[0]["buyer"].(map[string]any)["company"]})
		b.key.Post("/v1/merchant/payments/"+on.Text("id")+"/refunds", map[string]any{}, idempotencyKey, rand.Text()).Must(http.StatusCreated)
		after := b.mia.Get("/v1/payments/" + on.Text("id")).Must(http.StatusOK)
		assert.Equal(t, []any{11900.0, 10000.0, 0.0}, []any{after.At("totals.refunded.amount"), after.At("refunds.0.total.amount"), after.At("refunds.0.tax.amount")}, "what was left has no tax in it")
		clean(t, a)
	})
}

package httpapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/foyertest"
	"foyer/internal/invoice"
)

// What a merchant calls a payment method and keeps beside it: shown to it and in its events, never to the customer.
func TestAMerchantsNotesOnAPaymentMethod(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		b := newBackend(t, a)
		path := customers + "/" + string(b.customer.ID) + "/payment-methods"
		notes := map[string]any{"größe": "M", "crm": "A-17"}
		made := b.key.Post(path, map[string]any{"gateway_token": "tok_4242", "external_id": " wallet-1 ", "metadata": notes}).Must(http.StatusCreated)
		id := made.Text("id")
		assert.Equal(t, []any{"wallet-1", notes}, []any{made.At("external_id"), made.At("metadata")})
		assert.Equal(t, made.JSON, b.key.Get(path+"/"+id).Must(http.StatusOK).JSON)
		assert.Equal(t, made.JSON, lastObject(t, b.key, id))
		plain := b.key.Post(path, map[string]any{"gateway_token": "tok_0341"}).Must(http.StatusCreated)
		assert.Contains(t, string(plain.Body), `"external_id":null`)
		assert.Equal(t, map[string]any{}, plain.At("metadata"))

		// One thing of a merchant has an external id, whoever's it is; another merchant may use it, too.
		ben := a.Customer(t, b.merchant, "ben@mailbox.test")
		bens := customers + "/" + string(ben.ID) + "/payment-methods"
		b.key.Post(bens, map[string]any{"gateway_token": "tok_4242", "external_id": "wallet-1"}).Refused(http.StatusConflict, "external_id.taken")
		assert.Zero(t, b.key.Get(bens).Must(http.StatusOK).Len("data"))
		b.key.Patch(path+"/"+plain.Text("id"), map[string]any{"external_id": "wallet-1"}).Refused(http.StatusConflict, "external_id.taken")
		zenith := a.Merchant(t, "zenith")
		foreigner := a.Customer(t, zenith, "mia@mailbox.test")
		a.Key(t, zenith).Post(customers+"/"+string(foreigner.ID)+"/payment-methods", map[string]any{"gateway_token": "tok_4242", "external_id": "wallet-1"}).Must(http.StatusCreated)
		assert.Equal(t, []string{id}, b.key.Get(path+"?external_id=wallet-1").Must(http.StatusOK).IDs())
		assert.Empty(t, b.key.Get(path+"?external_id=wallet-2").Must(http.StatusOK).IDs())
		assert.Empty(t, b.key.Get(bens+"?external_id=wallet-1").Must(http.StatusOK).IDs())

		changed := b.key.Patch(path+"/"+id, map[string]any{"external_id": "wallet-2", "metadata": map[string]any{"k": "v"}}, "If-Match", made.Header.Get("ETag")).Must(http.StatusOK)
		assert.Equal(t, []any{"wallet-2", map[string]any{"k": "v"}}, []any{changed.At("external_id"), changed.At("metadata")})
		again := b.key.Patch(path+"/"+id, map[string]any{"external_id": "wallet-2", "metadata": map[string]any{"k": "v"}}).Must(http.StatusOK)
		assert.Equal(t, changed.Header.Get("ETag"), again.Header.Get("ETag"), "nothing changed")
		kept := b.key.Patch(path+"/"+id, map[string]any{"billing_name": "Mia"}).Must(http.StatusOK)
		assert.Equal(t, []any{"wallet-2", map[string]any{"k": "v"}}, []any{kept.At("external_id"), kept.At("metadata")})
		assert.Equal(t, kept.JSON, lastObject(t, b.key, id))
		shown := b.key.Get(customers + "/" + string(b.customer.ID) + "?include=payment_methods").Must(http.StatusOK)
		assert.Contains(t, string(shown.Body), "wallet-2")

		// The customer sees neither, and can set neither.
		mia := a.SignIn(t, b.merchant, b.customer.Email)
		for _, read := range []string{"/v1/payment-methods", "/v1/payment-methods/" + id, "/v1/me/export"} {
			body := string(mia.Get(read).Must(http.StatusOK).Body)
			assert.Contains(t, body, id, read)
			for _, secret := range []string{"wallet-2", `"k"`, "metadata"} {
				assert.NotContains(t, body, secret, read)
			}
		}
		for _, field := range []string{"external_id", "metadata"} {
			mia.Patch("/v1/payment-methods/"+id, map[string]any{field: nil}).Refused(http.StatusBadRequest, "json.unknown_field")
			mia.Post("/v1/payment-methods", map[string]any{"setup_id": "pms_x", field: "x"}, foyertest.Keyed(field)...).Refused(http.StatusBadRequest, "json.unknown_field")
		}
		renamed := mia.Patch("/v1/payment-methods/"+id, map[string]any{"billing_name": "Mia R."}).Must(http.StatusOK)
		assert.NotContains(t, string(renamed.Body), "external_id")
		assert.Equal(t, "wallet-2", b.key.Get(path+"/"+id).Text("external_id"), "a change by the customer leaves it")

		// The same card takes the old one's place, and may have its name; one that is deleted has none.
		next := b.key.Post(path, map[string]any{"gateway_token": "tok_4242", "external_id": "wallet-2"}).Must(http.StatusCreated)
		assert.Equal(t, []any{"wallet-2", map[string]any{}}, []any{next.At("external_id"), next.At("metadata")})
		b.key.Delete(path + "/" + next.Text("id")).Must(http.StatusNoContent)
		b.key.Post(bens, map[string]any{"gateway_token": "tok_4242", "external_id": "wallet-2"}).Must(http.StatusCreated)
		cleared := b.key.Patch(path+"/"+plain.Text("id"), map[string]any{"external_id": nil, "metadata": nil}).Must(http.StatusOK)
		assert.Equal(t, plain.JSON, cleared.JSON)

		long := strings.Repeat("x", 201)
		for pointer, body := range map[string]map[string]any{
			"/external_id": {"external_id": long}, "/metadata": {"metadata": map[string]any{strings.Repeat("k", 41): "v"}}, "/metadata/k": {"metadata": map[string]any{"k": "a\u202e"}},
		} {
			refused := b.key.Patch(path+"/"+plain.Text("id"), body).Refused(http.StatusUnprocessableEntity, "input.invalid")
			assert.Equal(t, pointer, refused.Text("errors.0.pointer"))
			body["gateway_token"] = "tok_0341"
			refused = b.key.Post(path, body).Refused(http.StatusUnprocessableEntity, "input.invalid")
			assert.Equal(t, pointer, refused.Text("errors.0.pointer"))
		}
		odd := b.key.Patch(path+"/"+plain.Text("id"), map[string]any{"external_id": "a\u202eb"}).Refused(http.StatusUnprocessableEntity, "input.invalid")
		assert.Equal(t, "input.text_characters", odd.Text("errors.0.code"))
	})
}

// Of calls at the same moment one gets the name, and only one charges.
func TestOneExternalIDIsOnePaymentAndOneMethod(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		b := newBackend(t, a)
		ben := a.Customer(t, b.merchant, "ben@mailbox.test")
		type buyer struct{ id, method string }
		var buyers []buyer
		for _, c := range []billing.Customer{b.customer, ben} {
			m := b.key.Post(customers+"/"+string(c.ID)+"/payment-methods", map[string]any{"gateway_token": "tok_4242"}).Must(http.StatusCreated)
			buyers = append(buyers, buyer{string(c.ID), m.Text("id")})
		}
		const calls = 6
		statuses := make(chan string, 2*calls)
		for i := range calls {
			by := buyers[i%2]
			go func() {
				answer := b.key.Post(merchantPayments, map[string]any{
					"customer_id": by.id, "items": setupFee(1000), "payment_method_id": by.method, "external_id": "order-1",
				}, foyertest.Keyed(fmt.Sprint("pay-", i))...)
				statuses <- fmt.Sprint("payment ", answer.Status, " ", answer.Text("code"))
			}()
			go func() {
				answer := b.key.Post(customers+"/"+by.id+"/payment-methods", map[string]any{"gateway_token": "tok_0341", "external_id": "wallet"})
				statuses <- fmt.Sprint("method ", answer.Status, " ", answer.Text("code"))
			}()
		}
		seen := map[string]int{}
		for range 2 * calls {
			seen[<-statuses]++
		}
		assert.Equal(t, 1, seen["payment 201 "], "%v", seen)
		assert.Equal(t, calls-1, seen["payment 409 external_id.taken"], "%v", seen)
		assert.Len(t, a.Ledger(t), 1)
		assert.Equal(t, calls, seen["method 201 "]+seen["method 409 external_id.taken"], "%v", seen)
		holders := 0
		for _, by := range buyers {
			holders += b.key.Get(customers + "/" + by.id + "/payment-methods?external_id=wallet").Must(http.StatusOK).Len("data")
		}
		assert.Equal(t, 1, holders)
	})
}

// A payment made through the API has the merchant's name for it, as imported ones have their system's.
func TestAMerchantNamesItsPayments(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		b := newBackend(t, a)
		good := b.method("tok_4242")
		buy := func(method, externalID string, change ...func(map[string]any)) *foyertest.Answer {
			body := map[string]any{"customer_id": b.customer.ID, "items": setupFee(1000), "payment_method_id": method, "external_id": externalID}
			for _, c := range change {
				c(body)
			}
			return b.post(merchantPayments, body)
		}
		made := buy(good, "order-1").Must(http.StatusCreated)
		id := made.Text("id")
		assert.Equal(t, []any{"order-1", "completed"}, []any{made.At("external_id"), made.At("status")})
		assert.Equal(t, made.JSON, b.key.Get(merchantPayments+"/"+id).Must(http.StatusOK).JSON)
		assert.Equal(t, []string{id}, b.key.Get(merchantPayments+"?external_id=order-1").Must(http.StatusOK).IDs())
		event, _ := lastObject(t, b.key, id).(map[string]any)
		assert.Equal(t, "order-1", event["external_id"])
		buy(good, "order-1").Refused(http.StatusConflict, "external_id.taken")
		assert.Len(t, a.Ledger(t), 1)

		// What was not bought does not keep the name: the same order is tried with another card.
		bad := b.method("tok_0002")
		declined := buy(bad, "order-2").Refused(http.StatusPaymentRequired, "payment.declined")
		gone := b.key.Get(merchantPayments + "/" + declined.Text("payment_id")).Must(http.StatusOK)
		assert.Equal(t, []any{"canceled", nil}, []any{gone.At("status"), gone.At("external_id")})
		strict := b.method("tok_3220")
		waiting := buy(strict, "order-2").Must(http.StatusAccepted)
		buy(good, "order-2").Refused(http.StatusConflict, "external_id.taken")
		b.key.Confirm(waiting.Text("next_action.charge_id"), waiting.Text("next_action.client_secret"), "fail")
		require.Eventually(t, func() bool { return b.key.Get(merchantPayments+"/"+waiting.Text("id")).Text("status") == "canceled" }, 10*time.Second, 50*time.Millisecond)
		second := buy(good, "order-2").Must(http.StatusCreated)
		assert.Equal(t, []string{second.Text("id")}, b.key.Get(merchantPayments+"?external_id=order-2").Must(http.StatusOK).IDs())

		// A name of its own makes it nobody else's: it is collected and refunded here like any other.
		billed := buy("", "order-3", func(in map[string]any) {
			delete(in, "payment_method_id")
			in["collection_mode"] = "manual"
		}).Must(http.StatusCreated)
		mia := a.SignIn(t, b.merchant, b.customer.Email)
		paid := mia.Post("/v1/payments/"+billed.Text("id")+"/pay", map[string]any{"payment_method_id": good}, foyertest.Keyed("pay")...).Must(http.StatusOK)
		assert.Equal(t, []any{"completed", "order-3"}, []any{paid.At("status"), paid.At("external_id")})
		b.post(merchantPayments+"/"+id+"/refunds", map[string]any{"amount": 100}).Must(http.StatusCreated)
		assert.Equal(t, "order-1", b.key.Get(merchantPayments+"/"+id).Text("external_id"))

		// An import leaves alone what was charged here, whatever it is called.
		at := foyer.Micro(a.Clock.Now().Add(24 * time.Hour))
		summary, err := billing.Import(t.Context(), a.Store.Importing(invoice.Party{}), a.IDs, b.merchant.ID, []billing.ImportBatch{{
			Customers: []billing.ImportedCustomer{{Customer: billing.Customer{ExternalID: "ctm_1", Email: "amelia@mailbox.test", CreatedAt: at, UpdatedAt: at}}},
			Payments: []billing.ImportedPayment{
				{ExternalCustomerID: "ctm_1", Payment: billing.Payment{ExternalID: "order-1", Status: billing.PaymentCanceled, Currency: "EUR", CreatedAt: at, UpdatedAt: at}},
				{ExternalCustomerID: "ctm_1", Payment: billing.Payment{
					ExternalID: "txn_1", Status: billing.PaymentPastDue, Currency: "EUR", Totals: billing.Totals{Total: 5, GrandTotal: 5, Balance: 5},
					Origin: billing.OriginWeb, CollectionMode: billing.CollectAutomatic, CreatedAt: at, UpdatedAt: at,
				}},
			},
			Refunds: []billing.ImportedRefund{{ExternalCustomerID: "ctm_1", ExternalPaymentID: "order-1", Refund: billing.Refund{
				ExternalID: "adj_1", Action: billing.ActionRefund, Status: billing.RefundApproved, Total: 1190, CreatedAt: at, UpdatedAt: at,
			}}},
		}}, billing.ImportOptions{})
		require.NoError(t, err)
		assert.Equal(t, []billing.ImportSkip{{ImportRef: billing.ImportRef{Kind: billing.ImportPayment, ExternalID: "order-1"}, Reason: billing.SkipNameTaken}}, summary.Skipped)
		still := b.key.Get(merchantPayments + "/" + id).Must(http.StatusOK)
		assert.Equal(t, "completed", still.Text("status"))
		assert.EqualValues(t, 100, still.At("totals.refunded.amount"))
		buy(good, "txn_1").Refused(http.StatusConflict, "external_id.taken")
		theirs := b.key.Get(merchantPayments + "?external_id=txn_1").Must(http.StatusOK)
		b.post(merchantPayments+"/"+theirs.Text("data.0.id")+"/collect", nil).Refused(http.StatusConflict, "payment.not_payable")

		long := buy(good, strings.Repeat("x", 201)).Refused(http.StatusUnprocessableEntity, "input.invalid")
		assert.Equal(t, "/external_id", long.Text("errors.0.pointer"))
		odd := buy(good, "a\u202eb").Refused(http.StatusUnprocessableEntity, "input.invalid")
		assert.Equal(t, "input.text_characters", odd.Text("errors.0.code"))
		faults, err := a.Store.Faults(t.Context(), b.merchant.ID)
		require.NoError(t, err)
		for rule, broken := range faults {
			assert.Zero(t, broken, rule)
		}
	})
}

// A merchant's documents show what it keeps beside their payments; customers don't see it.
func TestDocumentsShowTheirPaymentsMetadata(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		b := newBackend(t, a)
		good := b.method("tok_4242")
		notes := map[string]any{"order": "7"}
		made := b.post(merchantPayments, map[string]any{"customer_id": b.customer.ID, "items": setupFee(1000), "payment_method_id": good, "metadata": notes}).Must(http.StatusCreated)
		b.post(merchantPayments, map[string]any{"customer_id": b.customer.ID, "items": setupFee(500), "payment_method_id": good}).Must(http.StatusCreated)
		b.post(merchantPayments+"/"+made.Text("id")+"/refunds", map[string]any{"amount": 100}).Must(http.StatusCreated)
		list := b.key.Get(merchantInvoices).Must(http.StatusOK)
		require.Equal(t, 3, list.Len("data"), "two invoices and a credit note")
		for i := range 3 {
			at := "data." + itoa(i)
			want := map[string]any{}
			if list.Text(at+".payment_id") == made.Text("id") {
				want = notes
			}
			assert.Equal(t, want, list.At(at+".metadata"), list.Text(at+".kind"))
		}
		id := made.Text("invoice.id")
		first := b.key.Get(merchantInvoices + "/" + id).Must(http.StatusOK)
		assert.Equal(t, notes, first.At("metadata"))
		event, _ := lastObject(t, b.key, id).(map[string]any)
		assert.Equal(t, notes, event["metadata"])
		sent := b.key.Post(merchantInvoices+"/"+id+"/send", nil).Must(http.StatusOK)
		assert.Equal(t, notes, sent.At("metadata"))

		// It is the payment's, and changes with it.
		b.key.Patch(merchantPayments+"/"+made.Text("id"), map[string]any{"metadata": map[string]any{"order": "8"}}).Must(http.StatusOK)
		now := b.key.Get(merchantInvoices+"/"+id, "If-None-Match", first.Header.Get("ETag")).Must(http.StatusOK)
		assert.Equal(t, "8", now.Text("metadata.order"))
		b.key.Patch(merchantInvoices+"/"+id, map[string]any{"metadata": nil}).Must(http.StatusMethodNotAllowed)
		b.key.Patch(merchantPayments+"/"+made.Text("id"), map[string]any{"metadata": nil}).Must(http.StatusOK)
		assert.Equal(t, map[string]any{}, b.key.Get(merchantInvoices+"/"+id).At("metadata"))

		mia := a.SignIn(t, b.merchant, b.customer.Email)
		for _, read := range []string{"/v1/invoices", "/v1/invoices/" + id, "/v1/me/export"} {
			body := string(mia.Get(read).Must(http.StatusOK).Body)
			assert.Contains(t, body, id, read)
			assert.NotContains(t, body, "metadata", read)
		}
	})
}

package httpapi_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/foyertest"
	"foyer/internal/foyertest/tools"
	"foyer/internal/invoice"
	"foyer/internal/merchant"
	"foyer/internal/provider/paddle"
)

// realFiles are those of provider/paddle/testdata that nobody here made up.
var realFiles = []string{"customers.json", "events.json", "transaction.json", "transactions.json"}

func importFiles(t *testing.T, a *foyertest.App, m merchant.Merchant, names ...string) billing.ImportSummary {
	t.Helper()
	var batches []billing.ImportBatch
	for _, name := range names {
		content, err := os.ReadFile(filepath.Join("..", "provider", "paddle", "testdata", name))
		require.NoError(t, err)
		batch, err := paddle.Parse(name, content)
		require.NoError(t, err)
		batches = append(batches, batch)
	}
	summary, err := billing.Import(t.Context(), a.Store.Importing(invoice.Party{}), a.IDs, m.ID, batches, billing.ImportOptions{})
	require.NoError(t, err)
	return summary
}

// The main job on billing data that none of us made up (issue 2, "It is done when").
func TestAmeliaSeesHerImportedPaymentsAndDownloadsHerInvoice(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "aeroedit")
		importFiles(t, a, m, realFiles...)
		amelia := a.SignIn(t, m, "amelia@aeroflyer.example")
		list := amelia.Get("/v1/payments").Must(http.StatusOK)
		require.Equal(t, 2, list.Len("data"), "exactly two payments of hers")
		byStatus := map[string]*foyertest.Answer{}
		for _, id := range list.IDs() {
			answer := amelia.Get("/v1/payments/" + id).Must(http.StatusOK)
			byStatus[answer.Text("status")] = answer
		}
		completed, pastDue := byStatus["completed"], byStatus["past_due"]
		require.NotNil(t, completed)
		require.NotNil(t, pastDue)

		assert.Equal(t, "$652.15", completed.Text("totals.grand_total.display"))
		assert.Equal(t, "USD", completed.Text("currency"))
		assert.Equal(t, "325-10566", completed.Text("invoice.number"))
		assert.Equal(t, 2, completed.Len("attempts"))
		assert.Equal(t, 3, completed.Len("lines"))
		assert.Equal(t, []string{"captured", "failed"}, []string{completed.Text("attempts.0.status"), completed.Text("attempts.1.status")}, "newest first")
		assert.Equal(t, "declined", completed.Text("attempts.1.error_code"))
		assert.NotEmpty(t, completed.Text("attempts.1.error_text"))
		assert.Equal(t, "3184", completed.Text("attempts.0.payment_method.last4"))
		assert.Equal(t, "visa", completed.Text("attempts.0.payment_method.brand"))
		assert.InDelta(t, 0, completed.At("totals.balance.amount"), 0)

		assert.Equal(t, "$435.49", pastDue.Text("totals.balance.display"))
		assert.Equal(t, "authentication_failed", pastDue.Text("attempts.0.error_code"))
		assert.Nil(t, pastDue.At("invoice"))

		invoices := amelia.Get("/v1/invoices").Must(http.StatusOK)
		require.Equal(t, 1, invoices.Len("data"))
		assert.Equal(t, true, invoices.At("data.0.copy"))
		assert.Equal(t, "325-10566", invoices.Text("data.0.number"))
		assert.Empty(t, amelia.Get("/v1/payment-methods").Must(http.StatusOK).IDs(), "attempts make no payment methods")
	})
}

func TestTheImportedInvoiceIsACopyWithItsLinesTaxAndTotal(t *testing.T) {
	t.Parallel()
	tools.RequireTool(t, "pdftotext")
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "aeroedit")
		importFiles(t, a, m, realFiles...)
		amelia := a.SignIn(t, m, "amelia@aeroflyer.example")
		id := amelia.Get("/v1/invoices").Must(http.StatusOK).IDs()[0]
		payment := amelia.Get("/v1/payments/" + amelia.Get("/v1/invoices/"+id).Text("payment_id")).Must(http.StatusOK)
		file := amelia.Get("/v1/invoices/" + id + "/pdf").Must(http.StatusOK)
		text := textOf(t, file.Body)
		for i := range payment.Len("lines") {
			line := fmt.Sprintf("lines.%d.", i)
			assert.Contains(t, text, payment.Text(line+"name"))
			assert.Contains(t, text, payment.Text(line+"unit_price.display"))
		}
		assert.Contains(t, text, payment.Text("totals.tax.display"))
		for _, want := range []string{"Copy", "325-10566", "652.15", "8.875%", "Amelia Reyes", "3184", "issued by the previous billing system"} {
			assert.Contains(t, text, want)
		}
		assert.NotContains(t, text, "aeroedit GmbH", "who imports a document did not issue it")
		assert.Contains(t, file.Header.Get("Content-Disposition"), "invoice-325-10566.pdf")
	})
}

func TestImportingTwiceChangesNothingACustomerSees(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "aeroedit")
		first := importFiles(t, a, m, realFiles...)
		assert.True(t, first.Changed())
		amelia := a.SignIn(t, m, "amelia@aeroflyer.example")
		seen := func() string {
			var b strings.Builder
			read := func(path string) *foyertest.Answer {
				answer := amelia.Get(path).Must(http.StatusOK)
				b.Write(answer.Body)
				b.WriteString(answer.Header.Get("ETag"))
				return answer
			}
			read("/v1/me")
			for _, list := range []string{"/v1/payments", "/v1/invoices", "/v1/subscriptions", "/v1/payment-methods"} {
				for _, id := range read(list).IDs() {
					read(list + "/" + id)
					if list == "/v1/invoices" {
						read(list + "/" + id + "/pdf")
					}
				}
			}
			return b.String()
		}
		before := seen()
		for range 2 {
			again := importFiles(t, a, m, "transactions.json", "customers.json", "transaction.json", "events.json")
			assert.False(t, again.Changed())
			assert.Equal(t, before, seen())
		}
		// What the customer changed since is not undone by an older export.
		amelia.Patch("/v1/me", map[string]any{"company": "Aeroflyer Ltd"}).Must(http.StatusOK)
		importFiles(t, a, m, realFiles...)
		assert.Equal(t, "Aeroflyer Ltd", amelia.Get("/v1/me").Text("company"))
	})
}

// Threat #2: the same export in two merchants is two worlds.
func TestOneExportInTwoMerchants(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		one, two := a.Merchant(t, "one"), a.Merchant(t, "two")
		importFiles(t, a, one, realFiles...)
		importFiles(t, a, two, realFiles...)
		inOne, inTwo := a.SignIn(t, one, "amelia@aeroflyer.example"), a.SignIn(t, two, "amelia@aeroflyer.example")
		for _, id := range inOne.Get("/v1/payments").Must(http.StatusOK).IDs() {
			assert.NotContains(t, inTwo.Get("/v1/payments").IDs(), id)
			inTwo.Get("/v1/payments/"+id).Refused(http.StatusNotFound, "not_found")
		}
		assert.Equal(t, 2, inTwo.Get("/v1/payments").Len("data"))
	})
}

// What the merchant noted with imported things survives the next import, and so do their ids.
func TestImportingAgainKeepsMetadata(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "aeroedit")
		key := a.Key(t, m)
		// One made here before it was imported: joined by its external id.
		product := key.Post(products, map[string]any{"name": "Made here", "external_id": "pro_1", "metadata": map[string]any{"k": "v"}}).Must(http.StatusCreated)
		at := a.Clock.Now().Add(time.Hour)
		batch := func(name string, at time.Time) billing.ImportBatch {
			at = foyer.Micro(at)
			return billing.ImportBatch{
				Customers: []billing.ImportedCustomer{{Customer: billing.Customer{ExternalID: "ctm_1", Email: "amelia@x.example", Name: name, CreatedAt: at, UpdatedAt: at}}},
				Addresses: []billing.ImportedAddress{{ExternalID: "add_1", ExternalCustomerID: "ctm_1", Address: billing.Address{City: name}, UpdatedAt: at}},
				Products:  []billing.Product{{ExternalID: "pro_1", Name: name, CreatedAt: at, UpdatedAt: at}},
				Prices: []billing.Price{{
					ExternalID: "pri_1", ExternalProductID: "pro_1", Name: name, UnitPrice: foyer.Money{Amount: 5, Currency: "EUR"}, TaxRate: "0", TaxBehavior: billing.TaxExclusive,
					QuantityMax: 100_000_000, CreatedAt: at, UpdatedAt: at,
				}},
				Discounts: []billing.Discount{{ExternalID: "dsc_1", Type: billing.DiscountPercent, Percent: "5", Code: name, CreatedAt: at, UpdatedAt: at}},
			}
		}
		run := func(b billing.ImportBatch) {
			_, err := billing.Import(t.Context(), a.Store.Importing(invoice.Party{}), a.IDs, m.ID, []billing.ImportBatch{b}, billing.ImportOptions{})
			require.NoError(t, err)
		}
		run(batch("First", at))
		lists := map[string]string{customers: "ctm_1", products: "pro_1", prices: "pri_1", discounts: "dsc_1"}
		ids := map[string]string{}
		for list, external := range lists {
			found := key.Get(list + "?external_id=" + external).Must(http.StatusOK)
			require.Equal(t, 1, found.Len("data"), list)
			ids[list] = found.Text("data.0.id")
			key.Patch(list+"/"+ids[list], map[string]any{"metadata": map[string]any{"mine": external}}).Must(http.StatusOK)
		}
		assert.Equal(t, product.Text("id"), ids[products])
		assert.Equal(t, "First", key.Get(customers+"/"+ids[customers]+"/addresses").Must(http.StatusOK).Text("data.0.city"))
		run(batch("Second", at.Add(time.Hour)))
		for list, external := range lists {
			again := key.Get(list + "/" + ids[list]).Must(http.StatusOK)
			assert.Equal(t, map[string]any{"mine": external}, again.At("metadata"), list)
			assert.Contains(t, string(again.Body), "Second")
		}
		assert.Equal(t, ids[products], key.Get(prices+"/"+ids[prices]).Text("product_id"))
		assert.Equal(t, "Second", key.Get(customers+"/"+ids[customers]+"/addresses").Text("data.0.city"), "the default address follows")
	})
}

package httpapi_test

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/foyertest"
	"foyer/internal/identity"
	"foyer/internal/invoice"
)

// unzipped reads an archive's files by name, and their names in order.
func unzipped(t *testing.T, data []byte) (files map[string][]byte, names []string) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	files = map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		require.NoError(t, err)
		files[f.Name], err = io.ReadAll(r)
		require.NoError(t, err)
		names = append(names, f.Name)
	}
	return files, names
}

const exportPath = "/v1/invoices/export"

// All documents of a range come in one file, the same bytes as one by one, in the language asked for; nobody else's are among them.
func TestInvoicesAreDownloadedAsOneFile(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		c, customer := mia(t, a)
		now := a.Clock.Now()
		var payments []billing.Payment
		for i, number := range []string{"AC-3", "AC-2", "=cmd|' /C calc'!A0"} {
			payments = append(payments, a.Payment(t, customer, now.Add(-time.Duration(i+1)*24*time.Hour), 100, "EUR", number))
		}
		m, err := a.Merchants.ByID(t.Context(), customer.Merchant)
		require.NoError(t, err)
		a.Payment(t, a.Customer(t, m, "noah@mailbox.test"), now.Add(-time.Hour), 100, "EUR", "NOAHS-1")

		got := c.Get(exportPath + "?locale=de").Must(http.StatusOK)
		assert.Equal(t, []string{"application/zip", "de", "no-store"}, []string{got.Header.Get("Content-Type"), got.Header.Get("Content-Language"), got.Header.Get("Cache-Control")})
		assert.Regexp(t, `^attachment; filename=invoices-\d{4}-\d\d-\d\d-\d{4}-\d\d-\d\d\.zip$`, got.Header.Get("Content-Disposition"))
		files, names := unzipped(t, got.Body)
		assert.Equal(t, []string{"rechnung-AC-3.pdf", "rechnung-AC-2.pdf", "rechnung-cmd-C-calc-A0.pdf", "invoices.csv"}, names)
		for i, name := range names[:3] {
			assert.Equal(t, c.Get("/v1/invoices/"+payments[i].InvoiceID+"/pdf?locale=de").Must(http.StatusOK).Body, files[name], "the same bytes")
		}
		list, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(files["invoices.csv"], []byte("\ufeff")))).ReadAll()
		require.NoError(t, err)
		require.Len(t, list, 4)
		assert.Equal(t, []string{"rechnung-AC-3.pdf", payments[0].InvoiceID, "AC-3", "invoice", "1", "", "", "paid"}, list[1][:8])
		assert.Equal(t, []string{"EUR", "1.19", string(payments[0].ID)}, list[1][10:13])
		assert.Equal(t, "'=cmd|' /C calc'!A0", list[3][2], "no formula")
		assert.NotContains(t, string(got.Body), "NOAHS")

		some, _ := unzipped(t, c.Get(exportPath+"?from="+stamp(now.Add(-50*time.Hour))+"&to="+stamp(now.Add(-30*time.Hour))).Must(http.StatusOK).Body)
		assert.Len(t, some, 2)
		assert.Contains(t, some, "invoice-AC-2.pdf")
		none, _ := unzipped(t, c.Get(exportPath+"?from=2001-01-01T00:00:00Z&to=2001-01-02T00:00:00Z").Must(http.StatusOK).Body)
		assert.Len(t, none, 1, "the list alone, with its head")
	})
}

func stamp(at time.Time) string { return at.UTC().Format(time.RFC3339Nano) }

// Refusals change nothing and say what to do: too much at once, too often, a range that can't be read, no right to.
func TestExportsThatAreRefused(t *testing.T) {
	t.Parallel()
	a := foyertest.New(t, "sqlite", foyertest.WithLimits(identity.Limits{identity.LimitInvoiceExport: {{Count: 2, Per: time.Hour}}}))
	c, customer := mia(t, a)
	p := a.Payment(t, customer, a.Clock.Now().Add(-time.Hour), 100, "EUR", "AC-1")
	a.Client(t).Get(exportPath).Refused(http.StatusUnauthorized, "auth.required")
	c.Get(exportPath+"?from=yesterday").Refused(http.StatusBadRequest, "query.invalid")
	c.Get(exportPath+"?limit=3").Refused(http.StatusBadRequest, "query.invalid")

	original, err := a.Store.Invoice(t.Context(), foyertest.Scope(customer.Merchant, customer.ID), invoice.ID(p.InvoiceID), true)
	require.NoError(t, err)
	more := original
	for i := range 500 {
		more.ID, more.Number = invoice.ID(a.IDs(foyer.PrefixInvoice)), "AC-"+time.Duration(i).String()
		more.CreatedAt = original.CreatedAt.Add(-time.Duration(i+1) * time.Minute)
		require.NoError(t, a.Store.CreateInvoices(t.Context(), more))
		// Drawn before: how 500 are packed is asked here, not how fast they are drawn.
		_, err := a.Store.KeepFile(t.Context(), invoice.File{Invoice: more, Locale: "en/en", Content: []byte("%PDF-1.7"), SHA256: []byte{1}}, original.CreatedAt)
		require.NoError(t, err)
	}
	refused := c.Get(exportPath+"?locale=de").Refused(http.StatusUnprocessableEntity, "invoice.export_too_many")
	from := stamp(original.CreatedAt.Add(-499 * time.Minute))
	assert.Contains(t, refused.Text("detail"), "from="+from, "the range that fits")
	assert.Contains(t, refused.Text("detail"), "Dokumente")

	answer := c.Get(exportPath + "?from=" + from).Must(http.StatusOK)
	_, names := unzipped(t, answer.Body)
	assert.Len(t, names, 501)
	c.Get(exportPath + "?to=" + from).Must(http.StatusOK)
	c.Get(exportPath).Refused(http.StatusUnprocessableEntity, "invoice.export_too_many") // what is refused anyway is not counted
	assert.NotEmpty(t, c.Get(exportPath+"?to="+from).Refused(http.StatusTooManyRequests, "rate_limited").Header.Get("Retry-After"))
}

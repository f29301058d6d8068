package httpapi_test

import (
	"bytes"
	"fmt"
	"mime"
	"net/http"
	"os"
	"os/exec"
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
	"foyer/internal/merchant"
)

// textOf reads a PDF's text, with every run of blanks as one.
func textOf(t *testing.T, pdf []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "document.pdf")
	require.NoError(t, os.WriteFile(path, pdf, 0o600))
	out, err := exec.CommandContext(t.Context(), tools.RequireTool(t, "pdftotext"), "-layout", path, "-").Output()
	require.NoError(t, err)
	return strings.Join(strings.Fields(string(out)), " ")
}

func TestTheInvoiceShowsNumberLinesAndTotalsInTwoLanguages(t *testing.T) {
	t.Parallel()
	tools.RequireTool(t, "pdftotext")
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		c, customer := mia(t, a)
		p := a.Payment(t, customer, a.Clock.Now().Add(-time.Hour), 123456, "EUR", "AC-2026-7")
		path := "/v1/invoices/" + p.InvoiceID + "/pdf"
		english, german := textOf(t, c.Get(path).Must(http.StatusOK).Body), textOf(t, c.Get(path+"?locale=de").Must(http.StatusOK).Body)
		for _, want := range []string{"Invoice", "AC-2026-7", "Test product", "€1,234.56", "€234.57", "€1,469.13", "acme GmbH", "Test Customer", "Dublin"} {
			assert.Contains(t, english, want)
		}
		for _, want := range []string{"Rechnung", "AC-2026-7", "Test product", "1.234,56 €", "234,57 €", "1.469,13 €", "acme GmbH"} {
			assert.Contains(t, strings.ReplaceAll(german, "\u00a0", " "), want)
		}
		assert.NotContains(t, english, "Copy", "our own documents are originals")
	})
}

func TestADocumentIsTheSameBytesEveryTime(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		c, customer := mia(t, a)
		p := a.Payment(t, customer, a.Clock.Now().Add(-time.Hour), 100, "EUR", "AC-1")
		second := a.Second(t)
		other := second.Client(t)
		other.Token = c.Token
		path := "/v1/invoices/" + p.InvoiceID + "/pdf"
		bodies := together(20, func(i int) string {
			if i%4 == 0 { // another process draws it at the same moment
				return string(other.Get(path).Must(http.StatusOK).Body)
			}
			return string(c.Get(path).Must(http.StatusOK).Body)
		})
		require.Len(t, bodies, 1, "20 first downloads at once are one document")
		a.Clock.Advance(48 * time.Hour)
		again := a.SignIn(t, merchant.Merchant{ID: customer.Merchant, Portal: merchant.Portal{ID: portalOf(t, a, customer)}}, customer.Email)
		answer := again.Get(path).Must(http.StatusOK)
		assert.Equal(t, 20, bodies[string(answer.Body)])
		german := again.Get(path + "?locale=de").Must(http.StatusOK)
		assert.NotEqual(t, answer.Body, german.Body)
		assert.NotEqual(t, answer.Header.Get("ETag"), german.Header.Get("ETag"))
	})
}

// portalOf returns the portal of a customer's merchant.
func portalOf(t *testing.T, a *foyertest.App, c billing.Customer) foyer.PortalID {
	t.Helper()
	m, err := a.Merchants.ByID(t.Context(), c.Merchant)
	require.NoError(t, err)
	return m.Portal.ID
}

// Threat #71: a name in a header or a file system is letters, digits and hyphens, whatever the number is.
func TestDispositionAndFileName(t *testing.T) {
	t.Parallel()
	a := foyertest.New(t, "sqlite")
	c, customer := mia(t, a)
	for i, row := range []struct{ number, name string }{
		{"AC-1", "invoice-AC-1.pdf"},
		{"../../etc/passwd", "invoice-etc-passwd.pdf"},
		{"a\";\r\nSet-Cookie: x", "invoice-a-Set-Cookie-x.pdf"},
		{"Ä/2026 №7", "invoice-A-2026-No7.pdf"},
		{"💣", ""},
		{strings.Repeat("9", 300), "invoice-" + strings.Repeat("9", 60) + ".pdf"},
	} {
		p := a.Payment(t, customer, a.Clock.Now().Add(-time.Duration(i+1)*time.Hour), 100, "EUR", row.number)
		path := "/v1/invoices/" + p.InvoiceID + "/pdf"
		for query, want := range map[string]string{"": "attachment", "?disposition=attachment": "attachment", "?disposition=inline": "inline"} {
			answer := c.Get(path + query).Must(http.StatusOK)
			disposition, params, err := mime.ParseMediaType(answer.Header.Get("Content-Disposition"))
			require.NoError(t, err)
			assert.Equal(t, want, disposition)
			if row.name != "" {
				assert.Equal(t, row.name, params["filename"])
			}
			assert.Regexp(t, `^[a-zA-Z0-9-]+\.pdf$`, params["filename"])
			assert.Equal(t, "application/pdf", answer.Header.Get("Content-Type"))
			assert.True(t, bytes.HasPrefix(answer.Body, []byte("%PDF-")))
			assert.Empty(t, answer.Header.Get("Set-Cookie"))
		}
		for _, wrong := range []string{"", "x", "inline,attachment", "inline%0d%0aX:y"} {
			c.Get(path+"?disposition="+wrong).Refused(http.StatusBadRequest, "query.invalid")
		}
	}
	german := c.Get("/v1/invoices?limit=1").IDs()[0]
	assert.Contains(t, c.Get("/v1/invoices/"+german+"/pdf?locale=de").Header.Get("Content-Disposition"), "rechnung-AC-1.pdf")
}

// Threat #41: what names, notes and numbers hold is drawn, never read as PDF, markup or code.
func TestNothingInADocumentIsMoreThanText(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		c, customer := mia(t, a, func(c *billing.Customer) { c.Name = "مريم 👩‍👩‍👧 \u202e) Tj /JS (app.alert(1))" })
		for i, text := range []string{
			"<img src=http://127.0.0.1:1/x>", ") Tj ET /OpenAction << /S /JavaScript /JS (x) >>", strings.Repeat("long ", 2000), strings.Repeat("字", 2000), "𝄞😀\U0010ffff\x00\x1b[31m", "\xff\xfe",
		} {
			p := a.Payment(t, customer, a.Clock.Now().Add(-time.Duration(i+1)*time.Hour), 100, "EUR", fmt.Sprint("AC-", i), func(p *billing.Payment) {
				p.Lines[0].Name, p.Lines[0].Description = strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "?"), "x"
			})
			pdf := c.Get("/v1/invoices/" + p.InvoiceID + "/pdf").Must(http.StatusOK).Body
			assert.Less(t, len(pdf), 1<<20)
			for _, active := range []string{"/JavaScript", "/JS ", "/OpenAction", "/Launch", "/URI", "/Filespec", "/AcroForm"} {
				assert.False(t, bytes.Contains(pdf, []byte(active)), "%s in the document of %.20q", active, text)
			}
		}
	})
}

// Threat #71: a link is good for one document, five minutes, and while the customer is there.
func TestADownloadLinkWorksWithoutATokenForFiveMinutes(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		c, customer := mia(t, a)
		p := a.Payment(t, customer, a.Clock.Now().Add(-time.Hour), 100, "EUR", "AC-1")
		nobody := a.Client(t)
		link := func(body any) (string, time.Time) {
			answer := c.Post("/v1/invoices/"+p.InvoiceID+"/download-links", body).Must(http.StatusCreated)
			expires, err := time.Parse(time.RFC3339, answer.Text("expires_at"))
			require.NoError(t, err)
			path, found := strings.CutPrefix(answer.Text("url"), "https://billing.test")
			require.True(t, found, "the link is built from settings, never from Host")
			return path, expires
		}
		path, expires := link(nil)
		assert.WithinDuration(t, a.Clock.Now().Add(5*time.Minute), expires, 5*time.Second)
		answer := nobody.Get(path).Must(http.StatusOK)
		assert.Equal(t, "attachment; filename=invoice-AC-1.pdf", answer.Header.Get("Content-Disposition"))
		assert.Equal(t, c.Get("/v1/invoices/"+p.InvoiceID+"/pdf").Body, answer.Body)
		nobody.Get(path, "If-None-Match", answer.Header.Get("ETag")).Must(http.StatusNotModified)
		inline, _ := link(map[string]any{"disposition": "inline", "locale": "de"})
		german := nobody.Get(inline).Must(http.StatusOK)
		assert.Equal(t, "inline; filename=rechnung-AC-1.pdf", german.Header.Get("Content-Disposition"))
		assert.Equal(t, "de", german.Header.Get("Content-Language"))
		assert.Equal(t, "en", nobody.Get(inline+"?locale=en").Must(http.StatusOK).Header.Get("Content-Language"))

		token := path[strings.LastIndex(path, "/")+1:]
		for i := range token {
			flipped := []byte(token)
			if flipped[i]++; flipped[i] == '[' || flipped[i] == '{' || flipped[i] == ':' || flipped[i] == '.' || flipped[i] == '`' {
				flipped[i] = 'A'
			}
			nobody.Get("/v1/downloads/"+string(flipped)).Refused(http.StatusNotFound, "download.invalid")
		}
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
			nobody.Raw(method, path, nil).Refused(http.StatusMethodNotAllowed, "method_not_allowed")
		}
		c.Post("/v1/invoices/"+p.InvoiceID+"/download-links", map[string]any{"disposition": "x"}).Refused(http.StatusUnprocessableEntity, "input.invalid")
		c.Post("/v1/invoices/"+p.InvoiceID+"/download-links", map[string]any{"locale": "no such"}).Refused(http.StatusUnprocessableEntity, "input.invalid")

		a.Clock.Advance(4*time.Minute + 50*time.Second)
		nobody.Get(path).Must(http.StatusOK)
		a.Clock.Advance(11 * time.Second)
		nobody.Get(path).Refused(http.StatusNotFound, "download.invalid")
		assert.NotContains(t, a.Log.String(), token, "a link is as good as a token while it lives: logs have the route only")

		c.Adopt(c.Post("/v1/sessions/refresh", map[string]any{"refresh_token": c.Refresh}).Must(http.StatusOK))
		fresh, _ := link(nil)
		nobody.Get(fresh).Must(http.StatusOK)
		customer.Archived = true
		a.Save(t, merchant.Merchant{ID: customer.Merchant}, billing.ImportBatch{Customers: []billing.ImportedCustomer{{Customer: customer}}})
		nobody.Get(fresh).Refused(http.StatusNotFound, "download.invalid")
	})
}

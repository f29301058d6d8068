package invoice

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/i18n"
	"foyer/internal/merchant"
)

var (
	english = i18n.Locale{Tag: "en", Language: "en"}
	german  = i18n.Locale{Tag: "de", Language: "de"}
)

// render draws with a renderer of its own and no logo.
func render(t testing.TB, inv Invoice, locale i18n.Locale) []byte {
	t.Helper()
	r, err := NewRenderer(1)
	require.NoError(t, err)
	pdf, err := r.Render(t.Context(), inv, locale, nil)
	require.NoError(t, err)
	requireValid(t, pdf)
	return pdf
}

// squeezed returns text with every run of spaces as one, so that columns read as sentences.
func squeezed(text string) string { return strings.Join(strings.Fields(text), " ") }

func TestRenderShowsTheDocument(t *testing.T) {
	t.Parallel()
	due := day(2025, 12, 3)
	manual := sample(2)
	manual.Status, manual.DueAt = StatusOpen, &due
	manual.Revision, manual.Document.Replaces = 2, &Reference{Number: "325-9", IssuedAt: day(2025, 11, 2)}
	manual.Document.PaidAt, manual.Document.PaidWith = nil, nil
	manual.Document.Details = &billing.Terms{
		PurchaseOrderNumber: "PO-123", PaymentTerms: &foyer.Cycle{Interval: foyer.Day, Frequency: 30},
		AdditionalInformation: "IBAN DE02 1203 0000 0000 2020 51\nThank you.",
	}
	manual.Document.Totals = billing.Totals{
		Subtotal: 100_000, Discount: 10_000, Tax: 17_100, Total: 107_100, Credit: 7_100,
		GrandTotal: 100_000, Balance: 100_000,
	}
	refunded := sample(1)
	refunded.Document.Totals.Refunded = 1_999
	credit := sample(1)
	credit.Kind = KindCreditNote
	theirs := sample(1)
	theirs.Copy = true
	unknown := sample(1)
	unknown.Copy, unknown.Document.Seller = true, Party{}
	chinese := sample(1)
	chinese.Document.Buyer = Party{Name: "陈美", Address: billing.Address{Line1: "88 Nanjing Road", City: "Shanghai", Country: "CN"}}
	typed := sample(1)
	typed.Document.PaidWith = &PaidWith{Type: "paypal"}
	debited, addressed, wallet := sample(1), sample(1), sample(1)
	debited.Document.PaidWith = &PaidWith{Type: "sepa_debit", Identifier: "•••• 3000"}
	addressed.Document.PaidWith = &PaidWith{Type: "some_new_pay", Identifier: "jane@example.com"}
	wallet.Document.PaidWith = &PaidWith{Type: "card", Brand: "visa", Last4: "3184", Wallet: "apple_pay"}

	tests := []struct {
		name    string
		inv     Invoice
		locale  i18n.Locale
		want    []string
		without []string
	}{
		{
			name: "paid, English", inv: sample(3), locale: english,
			want: []string{
				"Invoice", "325-10566", "Aeroedit Software GmbH", "Torstraße 123", "10119 Berlin", "Germany", "DE123456789", "HRB 12345 B",
				"Skyline Photography Ltd", "Sam Müller", "London E14 9GE", "United Kingdom", "GB987654321",
				english.Date(day(2025, 11, 3)), english.Date(day(2025, 11, 1)) + " – " + english.Date(day(2025, 11, 30)),
				"AeroEdit Enterprise, seat 1", "AeroEdit Enterprise, seat 3", "featuring all Pro capabilities", "19%",
				"€499.00", "€1,497.00", "€2,495.00", "€474.05", "€2,969.05", "€0.00",
				english.Text("pdf.proration", map[string]any{"Percent": "50%", "From": english.Date(day(2025, 11, 16)), "To": english.Date(day(2025, 11, 30))}),
				"Visa", "3184", english.Text("pdf.total", nil), english.Text("pdf.amount_due", nil), "Page 1 of 1", "Managing director",
			},
			without: []string{english.Text("pdf.discount", nil), english.Text("pdf.credit", nil), english.Text("pdf.refunded", nil), "pdf."},
		},
		{
			name: "paid, German", inv: sample(3), locale: german,
			want: []string{
				"Rechnung", "325-10566", "Deutschland", "Vereinigtes Königreich", "3. November 2025", "1. November 2025 – 30. November 2025",
				"Visa mit den Endziffern 3184", "Bezahlt am 3. November 2025", "499,00 €", "1.497,00 €", "2.495,00 €", "474,05 €", "2.969,05 €", "19 %", german.Text("pdf.total", nil), "Seite 1 von 1",
			},
			without: []string{"pdf.", "Invoice", "Total"},
		},
		{
			name: "collected by invoice, revised", inv: manual, locale: english,
			want: []string{
				"December 3, 2025", "PO-123", "30 days", "IBAN DE02 1203 0000 0000 2020 51", "Thank you.", "-€100.00", "-€71.00",
				"€1,071.00", "€1,000.00", english.Text("pdf.revision", map[string]any{"Revision": "2"}), "Replaces 325-9, November 2, 2025",
			},
			without: []string{"Visa", "Paid"},
		},
		{name: "refunded", inv: refunded, locale: english, want: []string{english.Text("pdf.refunded", nil) + " €19.99"}},
		{
			name: "credit note", inv: credit, locale: english,
			want: []string{"Credit note"}, without: []string{english.Text("pdf.amount_due", nil)},
		},
		{
			name: "copy of a known issuer", inv: theirs, locale: english,
			want: []string{"Copy", english.Text("pdf.copy_note_issuer", map[string]any{"Issuer": "Aeroedit Software GmbH"})},
		},
		{
			name: "copy of an unknown issuer", inv: unknown, locale: german,
			want: []string{"Kopie", german.Text("pdf.copy_note_unknown", nil)},
		},
		{name: "Chinese name", inv: chinese, locale: german, want: []string{"陈美", "88 Nanjing Road", "China"}},
		{name: "paid without a card", inv: typed, locale: english, want: []string{"PayPal"}, without: []string{"••••"}},
		{name: "paid from an account, English", inv: debited, locale: english, want: []string{"SEPA Direct Debit •••• 3000"}},
		{name: "paid from an account, German", inv: debited, locale: german, want: []string{"SEPA-Lastschrift •••• 3000"}},
		{name: "paid with what has no text", inv: addressed, locale: german, want: []string{"Some New Pay", "jane@example.com"}},
		{name: "paid with a wallet", inv: wallet, locale: german, want: []string{"Apple Pay (Visa •••• 3184)"}, without: []string{"Endziffern"}},
		{
			name: "formats stay where there are no texts yet", inv: sample(1), locale: i18n.Locale{Tag: "ko", Language: "en"},
			want: []string{"Invoice", "€499.00", "2025년 11월 3일"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			// Columns stand side by side; what wraps inside one is found in the order of the page's text instead.
			got := squeezed(strings.Join(pagesOf(t, render(t, tt.inv, tt.locale)), "\n"))
			for _, want := range tt.want {
				for _, part := range strings.Split(squeezed(want), " – ") { // periods may wrap after the dash
					assert.Contains(t, got, part)
				}
			}
			for _, word := range tt.without {
				assert.NotContains(t, got, word)
			}
		})
	}
}

func TestRenderRepeatsTheTableHeadOnEveryPage(t *testing.T) {
	t.Parallel()
	for _, lines := range []int{3, 40, 500} {
		t.Run(fmt.Sprint(lines), func(t *testing.T) {
			t.Parallel()
			pages := pagesOf(t, render(t, sample(lines), english))
			all := strings.Join(pages, "\n")
			for i := range lines {
				assert.Regexp(t, fmt.Sprintf(`seat %d\s`, i+1), all)
			}
			heads, numbered := 0, 0
			for i, p := range pages {
				heads += strings.Count(squeezed(p), "Item Quantity Unit price Tax rate Amount")
				numbered += strings.Count(p, fmt.Sprintf("Page %d of %d", i+1, len(pages)))
				assert.Contains(t, p, "325-10566", "page %d says what it belongs to", i+1)
			}
			assert.Equal(t, len(pages), numbered, "numbered pages")
			// The sums may stand on a page of their own, with no line above them.
			last := pages[len(pages)-1]
			if strings.Contains(last, "seat ") {
				assert.Equal(t, len(pages), heads, "table heads")
			} else {
				assert.Equal(t, len(pages)-1, heads, "table heads")
			}
			assert.Contains(t, last, "Amount due")
		})
	}
}

// hostile are strings that have broken PDF writers: by length, by characters outside the basic plane, by direction, by
// bytes that are no text, by the syntax of PDF itself.
var hostile = map[string]string{
	"long":          strings.Repeat("x", 10_000),
	"long words":    strings.Repeat("lorem ipsum ", 1_000),
	"long Chinese":  strings.Repeat("有限公司，", 2_000),
	"lines":         strings.Repeat("\n", 10_000) + "end",
	"emoji":         "🎉👩‍👩‍👧‍👦🏳️‍🌈" + strings.Repeat("💥", 500),
	"right to left": "שלום עולם (שלום) مرحبا 123 " + strings.Repeat("ا", 300),
	"overrides":     "invoice\u202Efdp.exe\u202C \u2066x\u2069 \u200E\u200F\u061C",
	"NUL":           "a\x00b\x01\x1b[31m\x7f\u0085",
	"invalid":       "\xff\xfe\xc3\x28\xed\xa0\x80\xf4\x90\x80\x80",
	"marks":         "Z" + strings.Repeat("\u0301\u0489\u20DD", 1_000),
	"PDF":           `) Tj ET /JS (app.alert\(1\)) << /S /JavaScript /URI (http://canary.example/) >> \( \\ %%EOF endstream endobj`,
	"template":      "{{.Issuer}} {{7*7}} {current} ${x} %s %d %!",
	"markup":        `<script src="http://canary.example/x.js"></script><img src=file:///etc/passwd>`,
	"nonchars":      "\uFFFF\uFFFE\uFDD0\U0010FFFF\uE000\uFEFF",
	"plane":         "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𠀀𠀁 \U000E0041",
	"spaces":        "\u00a0\u202f\u3000\u2009\t\r\n ",
	"soft":          "co\u00adop\u00aderate \u2212 5 ‑ ‐ ١٢٣",
	"return":        "\u0d0d\u0d0a\u0a0d\u010d\u0128\u0129\u015c", // bytes that are CR, LF, brackets and a backslash in UTF-16
}

// poisoned returns a document with s in every text it has.
func poisoned(s string) Invoice {
	party := Party{
		Name: s, Company: s + "!", TaxID: s, RegistrationNumber: s, Email: s,
		Address: billing.Address{Line1: s, Line2: s, City: s, Region: s, PostalCode: s, Country: foyer.Country(s)},
	}
	inv := sample(2)
	inv.Document.Replaces = &Reference{Number: s}
	inv.ID, inv.Number, inv.Replaces, inv.Revision, inv.Currency = ID(s), s, ID(s), math.MaxInt, foyer.Currency(s)
	inv.Copy, inv.Document.Seller, inv.Document.Buyer, inv.Document.Footers = true, party, party, map[string]string{merchant.AnyLanguage: s, "de": s}
	inv.Document.Details = &billing.Terms{
		PurchaseOrderNumber: s, AdditionalInformation: s,
		PaymentTerms: &foyer.Cycle{Interval: foyer.Interval(s), Frequency: math.MaxInt},
	}
	inv.Document.PaidWith = &PaidWith{Type: s, Brand: s, Last4: s, Wallet: s, Identifier: s}
	inv.Document.TaxRates[0].Rate = foyer.Rate(s)
	inv.Document.Totals = billing.Totals{
		Subtotal: math.MinInt64, Discount: math.MinInt64, Tax: math.MaxInt64, Total: math.MinInt64,
		Credit: math.MinInt64, GrandTotal: math.MaxInt64, Balance: math.MinInt64, Refunded: math.MinInt64,
	}
	for i := range inv.Document.Lines {
		l := &inv.Document.Lines[i]
		l.Name, l.Description, l.TaxRate = s, s+"?", foyer.Rate(s)
		l.Quantity, l.UnitPrice, l.Totals.Subtotal = math.MaxInt64, math.MinInt64, math.MaxInt64
		l.Proration = &billing.Proration{Rate: foyer.Rate(s), Period: foyer.Period{Start: day(9999, 12, 31), End: day(1, 1, 1)}}
	}
	return inv
}

// forbidden are the names of everything in a PDF that acts, opens or fetches.
var forbidden = []string{"/JS", "/JavaScript", "/OpenAction", "/AA", "/Launch", "/URI", "/SubmitForm", "/GoToR", "/EmbeddedFile ", "/RichMedia", "/Annot"}

func TestRenderSurvivesHostileText(t *testing.T) {
	t.Parallel()
	for name, s := range hostile {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inv := poisoned(s)
			for _, locale := range []i18n.Locale{german, {Tag: s, Language: s}} {
				pdf := render(t, inv, locale)
				assert.Less(t, len(pdf), 1<<20, "bytes")
				assert.True(t, strings.HasPrefix(string(pdf), "%PDF-"))
				objects := withoutMetadata(pdf)
				for _, name := range forbidden {
					assert.NotContains(t, objects, name)
				}
				pages := pagesOf(t, pdf)
				assert.NotEmpty(t, pages)
				assert.Less(t, len(pages), 8)
			}
		})
	}
}

func TestRenderDrawsAnEmptyDocument(t *testing.T) {
	t.Parallel()
	pages := pagesOf(t, render(t, Invoice{}, i18n.Locale{}))
	assert.Len(t, pages, 1)
	assert.Contains(t, pages[0], "Page 1 of 1")
}

func TestRenderShowsWhatNoFontHas(t *testing.T) {
	t.Parallel()
	inv := sample(1)
	inv.Document.Buyer.Company = "Zed\u00ad 🎉 שלום \u202E١٢٣ e\u0301 \u00a0𝔘"
	got := squeezed(strings.Join(pagesOf(t, render(t, inv, english)), ""))
	for _, want := range []string{"Zed \uFFFD ١٢٣", "שלום", "é U"} { // pdftotext has its own mind about the space behind Hebrew
		assert.Contains(t, got, want)
	}
}

// TestRenderInEveryLocale holds every locale to this: amounts and dates are letters and figures, never boxes. One whose
// formats need a font we do not have yet is drawn in English.
func TestRenderInEveryLocale(t *testing.T) {
	t.Parallel()
	currencies := strings.Fields("USD EUR GBP JPY AUD CAD CHF HKD SGD SEK ARS BRL CNY COP CZK DKK HUF ILS INR KRW MXN NOK NZD PLN " +
		"RUB THB TRY TWD UAH VND ZAR CLP PEN BHD")
	for _, tag := range i18n.Locales {
		t.Run(tag, func(t *testing.T) {
			t.Parallel()
			locale, ok := i18n.Parse(tag)
			require.True(t, ok)
			r, err := NewRenderer(1)
			require.NoError(t, err)
			for _, c := range currencies {
				inv := sample(1)
				inv.Currency = foyer.Currency(c)
				drawn := r.readable(locale, formats(inv, locale)...)
				assert.True(t, covers(r.faces, drawn.Money(foyer.Money{Amount: -123_456_789, Currency: inv.Currency})), c)
			}
			text := strings.Join(pagesOf(t, render(t, sample(2), locale)), "")
			assert.NotContains(t, text, "\uFFFD")
			assert.NotContains(t, text, "pdf.")
			for _, space := range "\u00a0\u202f\u200e\u200f" {
				assert.NotContains(t, text, string(space))
			}
		})
	}
}

func TestRenderPutsALongFooterAtTheEnd(t *testing.T) {
	t.Parallel()
	inv := sample(1)
	inv.Document.Footers = map[string]string{merchant.AnyLanguage: strings.Repeat("We are a company with a lot to say about itself. ", 40) + "The end."}
	pages := pagesOf(t, render(t, inv, english))
	assert.Contains(t, squeezed(strings.Join(pages, "")), "The end.")
	assert.Len(t, pages, 1)
}

func TestRenderConcurrently(t *testing.T) {
	t.Parallel()
	r, err := NewRenderer(4)
	require.NoError(t, err)
	logo := logoPNG(t, 300, 100)
	documents := make([][]byte, 16)
	var group sync.WaitGroup
	for i := range documents {
		group.Go(func() {
			inv := sample(5)
			inv.Number = fmt.Sprintf("325-%05d", i)
			inv.Document.Buyer.Name = "陈美"
			pdf, err := r.Render(t.Context(), inv, []i18n.Locale{english, german}[i%2], logo)
			assert.NoError(t, err)
			documents[i] = pdf
		})
	}
	group.Wait()
	for i, pdf := range documents {
		requireValid(t, pdf)
		text := strings.Join(pagesOf(t, pdf), "")
		assert.Contains(t, text, fmt.Sprintf("325-%05d", i))
		assert.Contains(t, text, "陈美")
	}
}

func TestRenderWaitsForASlot(t *testing.T) {
	t.Parallel()
	r, err := NewRenderer(1)
	require.NoError(t, err)
	r.slots <- struct{}{} // somebody draws

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = r.Render(ctx, sample(1), english, nil)
	require.ErrorIs(t, err, foyer.Unavailable)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	refusal, ok := foyer.AsError(err)
	require.True(t, ok)
	assert.Equal(t, "render.busy", refusal.Code)

	done := make(chan error, 1)
	go func() {
		_, err := r.Render(t.Context(), sample(1), english, nil)
		done <- err
	}()
	time.Sleep(20 * time.Millisecond)
	require.Empty(t, done, "drawn without a slot")
	<-r.slots
	require.NoError(t, <-done)
	assert.Empty(t, r.slots, "the slot is given back")
}

func TestRenderRecovers(t *testing.T) {
	t.Parallel()
	r, err := NewRenderer(1)
	require.NoError(t, err)
	broken := &Renderer{slots: r.slots, faces: []*face{{}}}
	_, err = broken.Render(t.Context(), sample(1), english, nil)
	require.ErrorContains(t, err, string(sample(1).ID)+": panic")
	var refusal *foyer.Error
	assert.NotErrorAs(t, err, &refusal, "a fault of ours is no refusal")
	assert.Empty(t, r.slots, "the slot is given back")
}

func TestNewRendererNeedsASlot(t *testing.T) {
	t.Parallel()
	_, err := NewRenderer(0)
	assert.Error(t, err)
}

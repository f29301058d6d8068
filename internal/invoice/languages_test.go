package invoice

import (
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/foyer"
	"foyer/internal/i18n"
	"foyer/internal/merchant"
)

// everyday are a name and a product of each language, as its readers write them.
var everyday = map[string]struct{ name, product string }{
	"en": {"Zoë O’Brien", "Team plan"}, "fr": {"Gaëlle Lefèvre-Œuvrard", "Formule équipe"}, "de": {"Jürgen Weiß", "Mannschaftstarif"},
	"es": {"Íñigo Núñez", "Plan «equipo»"}, "it": {"Nicolò Però", "Piano città"}, "pt": {"João Conceição", "Plano de equipa"},
	"pt-BR": {"Antônio Gonçalves", "Plano avançado"}, "nl": {"Zoë van ’t Hoff", "Teamabonnement"}, "da": {"Søren Ægidius Åby", "Holdplan"},
	"sv": {"Åsa Öberg", "Lagplan"}, "no": {"Bjørn Ånæs", "Lagplan"}, "fi": {"Väinö Yrjö Åström", "Tiimipaketti"},
	"pl": {"Łucja Żółć-Świętosławska", "Pakiet zespołowy"}, "cs": {"Žofie Dvořáková Šťastná", "Týmový tarif"}, "ru": {"Фёдор Щукин", "Тариф «Команда»"},
	"tr": {"Işıl Şükrü Ağaoğlu", "Takım planı"}, "ar": {"محمد عبد الله", "خطة الفريق"}, "ja": {"髙橋 直骨", "チームプラン"},
	"ko": {"뷁똠 김서연", "팀 요금제"}, "zh-Hans": {"诸葛直骨", "团队套餐"}, "zh-Hant": {"諸葛直骨", "團隊方案"},
}

// compact returns text without spaces and marks that steer: a label may be broken, and columns stand side by side.
func compact(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || steers(r) {
			return -1
		}
		return r
	}, text)
}

// figures returns the figures of an amount and what stands between them: what doesn't depend on the side of the currency.
func figures(amount string) string {
	return strings.TrimFunc(amount, func(r rune) bool { return !unicode.IsDigit(r) })
}

func TestDocumentsInEveryLanguage(t *testing.T) {
	t.Parallel()
	for _, tag := range i18n.Locales {
		t.Run(tag, func(t *testing.T) {
			t.Parallel()
			locale, ok := i18n.Find(tag)
			require.True(t, ok)
			invoice := sample(2)
			invoice.Document.Buyer.Name, invoice.Document.Lines[0].Name = everyday[tag].name, everyday[tag].product
			invoice.Document.Notes = map[string]string{tag: everyday[tag].product, merchant.AnyLanguage: "another language"}
			credit := invoice
			credit.Kind, credit.Document.InvoiceNumber = KindCreditNote, "325-9"
			st := receipt()
			st.Title, st.Person.Name = locale.Text("pdf.notes", nil), everyday[tag].name
			st.Lines = append(st.Lines, Fact{locale.Text("pdf.item", nil), everyday[tag].product})

			amount := locale.Money(foyer.Money{Amount: invoice.Total, Currency: "EUR"})
			for name, document := range map[string]struct {
				pdf    []byte
				labels []string
				values []string
			}{
				"invoice": {render(t, invoice, locale), []string{
					"invoice", "number", "issued_at", "billing_period", "payment_method", "seller", "buyer", "item", "quantity", "unit_price",
					"tax_rate", "amount", "subtotal", "total", "paid", "amount_due", "tax_id", "notes",
				}, append(strings.Fields(locale.Date(invoice.IssuedAt)), "325-10566", figures(amount), countryName("DE", locale))},
				"credit note": {render(t, credit, locale), []string{"credit_note", "subtotal", "total"}, []string{"325-9", figures(amount)}},
				"statement":   {renderStatement(t, st, locale), []string{"notes", "item", "tax_id"}, []string{"CN-2025-118", countryName("GB", locale)}},
			} {
				got := compact(strings.Join(pagesOf(t, document.pdf), "\n"))
				for _, key := range document.labels {
					assert.Contains(t, got, compact(locale.Text("pdf."+key, nil)), "%s: %s", name, key)
				}
				for _, value := range append(document.values, everyday[tag].name, everyday[tag].product) {
					assert.Contains(t, got, compact(value), name)
				}
				assert.NotContains(t, got, "\uFFFD", name)
				assert.NotContains(t, got, "anotherlanguage", name)
				requireGlyphs(t, document.pdf)
			}
			if !locale.RightToLeft() {
				assert.Contains(t, compact(strings.Join(pagesOf(t, render(t, invoice, locale)), "")), compact(amount))
			}
		})
	}
}

// A character looks as the document's readers know it: the same ideograph is drawn by different fonts.
func TestIdeographsComeFromTheLanguage(t *testing.T) {
	t.Parallel()
	for tag, want := range map[string]string{
		"ja": "notosansjp", "ko": "notosanskr", "zh-Hans": "notosanssc", "zh-Hant": "notosanstc", "de": "notosanssc", "ar": "notosanssc",
	} {
		ts := setter(t)
		ts.faces = inOrder(ts.faces, i18n.Locale{Tag: tag})
		require.Len(t, ts.faces, len(faceFiles))
		assert.Equal(t, want, ts.glyphs("直", manner{})[0].cut.family, tag)
		for _, other := range []struct{ text, family string }{
			{"Łé₺₴ß–“”", "notosans"},
			{"뷁", "notosanskr"},
			{"们", "notosanssc"},
			{"م", "notosansarabic"},
			{"𠮷", "notosansjp"},
		} {
			for _, g := range ts.glyphs(other.text, manner{}) {
				assert.Equal(t, other.family, g.cut.family, "%s: %c", tag, g.r)
			}
		}
	}
}

func TestBilingualLabels(t *testing.T) {
	t.Parallel()
	inv := sample(2)
	inv.Document.Bilingual = true
	inv.Revision, inv.Document.Replaces = 2, &Reference{Number: "325-9", IssuedAt: day(2025, 11, 2)}
	got := squeezed(strings.Join(pagesOf(t, render(t, inv, german)), "\n"))
	for _, want := range []string{
		"Rechnung / Invoice", german.Text("pdf.seller", nil) + " / Seller", german.Text("pdf.buyer", nil) + " / Billed to",
		"Number Date of issue Billing period Payment method", "Item Quantity Unit price Tax rate Amount", // the second lines
		german.Text("pdf.subtotal", nil) + " / Subtotal", "Steuer 19 % / Tax at 19 %", german.Text("pdf.amount_due", nil) + " / Amount due",
		german.Text("pdf.tax_id", nil) + " / Tax ID: DE123456789", "Seite 1 von 1", "Page 1 of 1", "3. November 2025", "1.187,62 €",
		"/ Revision 2", "/ Replaces 325-9, November 2, 2025",
	} {
		assert.Contains(t, got, want)
	}
	for _, without := range []string{"November 3,", "€2", "Visa ending"} { // values are the reader's language alone
		assert.NotContains(t, got, without)
	}
	assert.NotContains(t, squeezed(strings.Join(pagesOf(t, render(t, inv, english)), "\n")), "Invoice / ")
	inv.Document.Bilingual = false
	assert.NotContains(t, squeezed(strings.Join(pagesOf(t, render(t, inv, german)), "\n")), "Invoice")
}

func TestNotesStandBelowTheTerms(t *testing.T) {
	t.Parallel()
	inv := sample(1)
	inv.Document.Notes = map[string]string{"de": "Vielen Dank!", merchant.AnyLanguage: "Thank you!\nSee you."}
	for _, c := range []struct {
		locale        i18n.Locale
		want, without string
	}{{german, "Hinweise Vielen Dank!", "Thank"}, {english, "Notes Thank you! See you.", "Vielen"}} {
		got := squeezed(strings.Join(pagesOf(t, render(t, inv, c.locale)), ""))
		assert.Contains(t, got, strings.Replace(c.want, "Hinweise", german.Text("pdf.notes", nil), 1))
		assert.NotContains(t, got, c.without)
	}
}

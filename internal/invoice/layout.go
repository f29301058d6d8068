package invoice

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/i18n"
)

// How much of a text is drawn, in characters. The API keeps names and addresses shorter; imported ones are what they
// are, and a document must not grow out of its page for one of them.
const (
	nameLimit   = 200
	lineLimit   = 300
	longLimit   = 1_200
	notesLimit  = 6_000
	valueLimit  = 120
	numberLimit = 80
)

// How many lines of the page a text may take.
const (
	fewLines  = 3
	someLines = 5
	longLines = 14
	allLines  = 1 << 16
)

// The styles of a document.
var (
	titleStyle  = style{size: 21, bold: true, color: ink}
	totalStyle  = style{size: 11, bold: true, color: ink}
	strongStyle = style{size: 9, bold: true, color: ink}
	bodyStyle   = style{size: 9, color: ink}
	smallStyle  = style{size: 8, color: muted}
	labelStyle  = style{size: 7.5, color: muted}
	footStyle   = style{size: 7, color: muted}
)

// Distances in millimetres: between columns, between blocks, and how thick a rule is.
const (
	gutter   = 5.0
	blockGap = 8.0
	thin     = 0.25
	thinner  = 0.12
)

// drawing is one document being laid out.
type drawing struct {
	*sheet
	inv    Invoice
	locale i18n.Locale
}

// lay sets a whole document.
func lay(faces []*face, inv Invoice, locale i18n.Locale, logo *picture) *sheet {
	d := &drawing{sheet: newSheet(faces, locale.RightToLeft()), inv: inv, locale: locale}
	footer := d.paragraph(inv.Document.Footer, footStyle, contentWidth-pageNumberWidth-gutter, notesLimit, allLines)
	// A short footer stands on every page. A long one would eat the pages up, so it follows the document once, in full.
	footLines := footer
	if len(footer.lines) > 4 {
		footLines = paragraph{}
	}
	d.bottom -= max(footLines.height(), footStyle.lineHeight()) + 7

	d.head(logo)
	d.parties()
	d.facts()
	d.table()
	d.totals()
	d.notes()
	if len(footLines.lines) == 0 && len(footer.lines) > 0 {
		d.y += 6
		d.flow(d.paragraph(inv.Document.Footer, footStyle, contentWidth, notesLimit, allLines), marginX, contentWidth)
	}
	d.everyPage(footLines)
	return d.sheet
}

// text is a text of the language, by its key without "pdf.".
func (d *drawing) text(key string, params map[string]any) string {
	return d.locale.Text("pdf."+key, params)
}

// money formats an amount of the document's currency.
func (d *drawing) money(amount int64) string {
	return d.locale.Money(foyer.Money{Amount: amount, Currency: d.inv.Currency})
}

// period formats a span of days.
func (d *drawing) period(p foyer.Period) string {
	from, to := d.days(p)
	if from == to {
		return from
	}
	return from + " – " + to
}

// days formats the first and the last day of a period. Its end is exclusive: one that ends at midnight ends the day before.
func (d *drawing) days(p foyer.Period) (from, to string) {
	last := p.Start
	if p.End.After(p.Start) {
		last = p.End.Add(-1)
	}
	return unbroken(d.locale.Date(p.Start)), unbroken(d.locale.Date(last))
}

// unbroken keeps a date on one line.
func unbroken(s string) string { return strings.ReplaceAll(s, " ", string(noBreakSpace)) }

// title names the kind of document.
func title(inv Invoice, locale i18n.Locale) string {
	if inv.Kind == KindCreditNote {
		return locale.Text("pdf.credit_note", nil)
	}
	return locale.Text("pdf.invoice", nil)
}

// head sets the notice of a copy, the title and the logo.
func (d *drawing) head(logo *picture) {
	if d.inv.Copy {
		d.copyNotice()
	}
	if logo != nil {
		d.leaf().pictures = append(d.leaf().pictures, placement{
			picture: logo,
			x:       contentRight - logo.width, y: d.y, width: logo.width, height: logo.height,
		})
	}
	name := d.paragraph(title(d.inv, d.locale), titleStyle, contentWidth-logoWidth-gutter, nameLimit, 1)
	d.set(name, marginX, d.y-1.5, contentWidth, left)
	height := name.height() - 1.5
	if d.inv.Revision > 1 || d.inv.Document.InvoiceNumber != "" {
		lineage := d.paragraph(d.lineage(), smallStyle, contentWidth-logoWidth-gutter, valueLimit, fewLines)
		d.set(lineage, marginX, d.y+height, contentWidth, left)
		height += lineage.height()
	}
	if logo != nil {
		height = max(height, logo.height)
	}
	d.y += height + blockGap
}

// lineage says which revision this is and of what, and which invoice a credit note takes back (Art. 219 of the EU VAT
// directive: a document that amends an invoice refers to it).
func (d *drawing) lineage() string {
	if number := d.inv.Document.InvoiceNumber; number != "" {
		return d.text("credits_invoice", map[string]any{"Number": clean(number, valueLimit, false)})
	}
	revision, replaces := d.text("revision", map[string]any{"Revision": d.locale.Number(int64(d.inv.Revision))}), ""
	if d.inv.Replaces != "" {
		replaces = d.text("replaces", map[string]any{"Number": string(d.inv.Replaces)})
	}
	return joined(" · ", revision, replaces)
}

// copyNotice says, above all else, that another system issued the document, and which.
func (d *drawing) copyNotice() {
	note := d.text("copy_note_unknown", nil)
	if issuer := d.inv.Document.Seller; issuer.Company != "" || issuer.Name != "" {
		note = d.text("copy_note_issuer", map[string]any{"Issuer": clean(first(issuer.Company, issuer.Name), nameLimit, false)})
	}
	const inset = 3.0
	const padding = 2.0
	word := d.paragraph(d.text("copy", nil), strongStyle, contentWidth/4, valueLimit, 1)
	noteX := inset + d.natural(d.text("copy", nil), strongStyle, valueLimit) + inset
	says := d.paragraph(note, bodyStyle, contentWidth-noteX-inset, lineLimit+nameLimit, fewLines)
	height := max(word.height(), says.height()) + 2*padding
	d.rule(marginX, d.y+height/2, contentWidth, height, band)
	d.set(word, marginX+inset, d.y+padding, contentWidth/4, left)
	d.set(says, marginX+noteX, d.y+padding, contentWidth, left)
	d.y += height + blockGap
}

// parties sets seller and buyer side by side; one that is not known leaves its place to the other.
func (d *drawing) parties() {
	const boxWidth = (contentWidth - blockGap) / 2
	x, below := marginX, d.y
	for _, p := range []struct {
		key   string
		party Party
	}{{"seller", d.inv.Document.Seller}, {"buyer", d.inv.Document.Buyer}} {
		if p.party.Empty() {
			continue
		}
		y := d.y
		for i, line := range d.partyLines(p.key, p.party) {
			says := d.paragraph(line.text, line.style, boxWidth, nameLimit, fewLines)
			d.set(says, x, y, boxWidth, left)
			y += says.height()
			if i == 0 {
				y += 0.8
			}
		}
		below = max(below, y)
		x += boxWidth + blockGap
	}
	if below > d.y {
		d.y = below + blockGap
	}
}

// partyLine is one line of a party's block.
type partyLine struct {
	text  string
	style style
}

// partyLines lists what a document says of a party: company above person, the address, then numbers and e-mail.
func (d *drawing) partyLines(key string, p Party) []partyLine {
	lines := []partyLine{{d.text(key, nil), labelStyle}}
	add := func(text string, st style) {
		if text != "" {
			lines = append(lines, partyLine{text, st})
		}
	}
	add(p.Company, strongStyle)
	if p.Company == "" {
		add(p.Name, strongStyle)
	} else if p.Name != p.Company {
		add(p.Name, bodyStyle)
	}
	add(p.Address.Line1, bodyStyle)
	add(p.Address.Line2, bodyStyle)
	add(cityLine(p.Address), bodyStyle)
	add(countryName(p.Address.Country, d.locale), bodyStyle)
	add(p.Email, bodyStyle)
	if p.TaxID != "" {
		add(d.text("tax_id", nil)+": "+p.TaxID, bodyStyle)
	}
	if p.RegistrationNumber != "" {
		add(d.text("registration_number", nil)+": "+p.RegistrationNumber, bodyStyle)
	}
	return lines
}

// cityLast are countries whose addresses write the postal code after city and region; elsewhere it stands before.
const cityLast = "AU BD BR BS CA CO GB GG GI HK ID IE IM IN JE KE KY MX MY NG NZ PH PK PR SA SG TH TT TW UA UG US VE VN ZA"

// cityLine joins city, region and postal code in the order of the country.
func cityLine(a billing.Address) string {
	if a.Country != "" && strings.Contains(cityLast, string(a.Country)) {
		return joined(" ", joined(", ", a.City, a.Region), a.PostalCode)
	}
	return joined(", ", joined(" ", a.PostalCode, a.City), a.Region)
}

// countryName names a country in the language of the texts; a code without a name stays a code.
func countryName(c foyer.Country, locale i18n.Locale) string {
	region, err := language.ParseRegion(string(c))
	names := display.Regions(language.Make(locale.Language))
	if err != nil || names == nil {
		return string(c)
	}
	return first(names.Name(region), string(c))
}

// fact is one labelled value of the document.
type fact struct{ label, value string }

// facts sets number, dates, terms and payment as a grid of labelled values between two rules.
func (d *drawing) facts() {
	facts := d.factList()
	if len(facts) == 0 {
		return
	}
	widths := d.factWidths(facts)
	d.rule(marginX, d.y, contentWidth, thinner, hair)
	d.y += factGap
	for len(facts) > 0 {
		row := facts[:min(len(widths), len(facts))]
		facts = facts[len(row):]
		labels, values := make([]paragraph, len(row)), make([]paragraph, len(row))
		labelHeight, valueHeight := 0.0, 0.0
		for i, f := range row {
			labels[i] = d.paragraph(f.label, labelStyle, widths[i], valueLimit, 2)
			values[i] = d.paragraph(f.value, bodyStyle, widths[i], lineLimit, someLines)
			labelHeight, valueHeight = max(labelHeight, labels[i].height()), max(valueHeight, values[i].height())
		}
		d.room(labelHeight + valueHeight + factGap)
		x := marginX
		for i := range row {
			d.set(labels[i], x, d.y, widths[i], left)
			d.set(values[i], x, d.y+labelHeight+0.4, widths[i], left)
			x += widths[i] + factGap
		}
		d.y += labelHeight + valueHeight + factGap
	}
	d.rule(marginX, d.y, contentWidth, thinner, hair)
	d.y += blockGap
}

// factGap is the space between facts.
const factGap = 4.0

// factWidths finds the columns of the grid: as few rows as four columns allow, as even as it goes (five facts are three
// and two), each column as wide as its texts want, what is left shared out, what lacks taken from the widest.
func (d *drawing) factWidths(facts []fact) []float64 {
	const most, narrow, wide = 4, 24.0, 75.0
	rows := (len(facts) + most - 1) / most
	columns := (len(facts) + rows - 1) / rows
	widths := make([]float64, columns)
	for i, f := range facts {
		w := &widths[i%columns]
		*w = max(*w, narrow, d.natural(f.label, labelStyle, valueLimit))
		for line := range strings.SplitSeq(f.value, "\n") {
			*w = max(*w, d.natural(line, bodyStyle, lineLimit)+roundingSlack)
		}
		*w = min(*w, wide)
	}
	spare := contentWidth - float64(columns-1)*factGap
	for _, w := range widths {
		spare -= w
	}
	if spare >= 0 {
		for i := range widths {
			widths[i] += spare / float64(columns)
		}
		return widths
	}
	over := 0.0 // what the columns want above the narrowest
	for _, w := range widths {
		over += w - narrow
	}
	for i := range widths {
		widths[i] += spare * (widths[i] - narrow) / over
	}
	return widths
}

// factList lists what is known, in the order it is read.
func (d *drawing) factList() []fact {
	inv := d.inv
	var facts []fact
	add := func(key, value string) {
		if value != "" {
			facts = append(facts, fact{d.text(key, nil), value})
		}
	}
	add("number", inv.Number)
	if !inv.IssuedAt.IsZero() {
		add("issued_at", d.locale.Date(inv.IssuedAt))
	}
	if inv.DueAt != nil {
		add("due_at", d.locale.Date(*inv.DueAt))
	}
	if p := inv.Document.BillingPeriod; p != nil {
		add("billing_period", d.period(*p))
	}
	if details := inv.Document.Details; details != nil {
		add("purchase_order", details.PurchaseOrderNumber)
		if details.PaymentTerms != nil {
			add("payment_terms", d.terms(*details.PaymentTerms))
		}
	}
	if paid := d.paid(); paid != "" {
		key := "payment_method"
		if inv.Document.PaidWith == nil {
			key = "paid"
		}
		add(key, paid)
	}
	return facts
}

// terms says how long the buyer has to pay.
func (d *drawing) terms(c foyer.Cycle) string {
	if c.Frequency < 1 {
		return d.text("payment_terms.on_receipt", nil)
	}
	return d.text("payment_terms."+string(c.Interval), map[string]any{"Count": c.Frequency})
}

// paid says what paid, as a customer recognises it ("Visa ending in 3184"), and on the line below when.
func (d *drawing) paid() string {
	what, when := "", ""
	if with := d.inv.Document.PaidWith; with != nil {
		what = d.name("payment_method.type.", with.Type)
		if with.Brand != "" {
			what = d.name("payment_method.brand.", with.Brand)
		}
		if with.Last4 != "" {
			what = d.text("card_ending", map[string]any{"Brand": what, "Last4": with.Last4})
		}
	}
	if at := d.inv.Document.PaidAt; at != nil {
		when = d.text("paid_on", map[string]any{"Date": unbroken(d.locale.Date(*at))})
	}
	return joined("\n", what, when)
}

// name writes a code as the name people know, the code itself with capitals where there is no text for it.
func (d *drawing) name(prefix, code string) string {
	if d.locale.HasText(prefix + code) {
		return d.locale.Text(prefix+code, nil)
	}
	words := strings.Fields(strings.ReplaceAll(clean(code, valueLimit, false), "_", " "))
	for i, w := range words {
		initial, size := utf8.DecodeRuneInString(w)
		words[i] = string(unicode.ToUpper(initial)) + w[size:]
	}
	return strings.Join(words, " ")
}

// first returns the first text that is not empty.
func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// joined joins the texts that are not empty.
func joined(separator string, texts ...string) string {
	out := texts[:0]
	for _, t := range texts {
		if t != "" {
			out = append(out, t)
		}
	}
	return strings.Join(out, separator)
}

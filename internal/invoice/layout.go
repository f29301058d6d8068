package invoice

import (
	"strings"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/i18n"
)

// drawing is one invoice or credit note being laid out.
type drawing struct {
	*paper
	inv Invoice
}

// lay sets a whole invoice or credit note.
func lay(faces []*face, inv Invoice, locale i18n.Locale, logo *picture) *sheet {
	d := &drawing{paper: newPaper(faces, locale, inLanguage(inv.Document.Footers, locale.Tag), inv.Document.Bilingual), inv: inv}
	d.head(logo)
	d.parties(block{d.both("seller", nil), inv.Document.Seller}, block{d.both("buyer", nil), inv.Document.Buyer})
	d.grid(d.factList())
	d.table()
	d.totals()
	d.notes()
	d.finish(joined(" ", title(inv, locale), d.code(inv.Number, numberLimit)))
	return d.sheet
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
func title(inv Invoice, locale i18n.Locale) string { return locale.Text("pdf."+kindKey(inv), nil) }

// kindKey is the key of the title, without "pdf.".
func kindKey(inv Invoice) string {
	if inv.Kind == KindCreditNote {
		return "credit_note"
	}
	return "invoice"
}

// head sets the notice of a copy, the title and the logo.
func (d *drawing) head(logo *picture) {
	if d.inv.Copy {
		d.copyNotice()
	}
	below := ""
	if d.inv.Revision > 1 || d.inv.Document.Replaces != nil || d.inv.Document.InvoiceNumber != "" {
		below = d.lineage()
	}
	d.heading(d.both(kindKey(d.inv), nil), below, logo)
}

// lineage says which revision this is and of what, and which invoice a credit note takes back (Art. 219 of the EU VAT
// directive: a document that amends an invoice refers to it).
func (d *drawing) lineage() string {
	if number := d.inv.Document.InvoiceNumber; number != "" {
		return d.both("credits_invoice", map[string]any{"Number": d.code(number, valueLimit)})
	}
	revision, replaces := "", ""
	if d.inv.Revision > 1 {
		revision = d.both("revision", map[string]any{"Revision": d.locale.Number(int64(d.inv.Revision))})
		if at := d.inv.Document.CorrectedAt; at != nil {
			revision += " · " + d.locale.Date(*at)
		}
	}
	if of := d.inv.Document.Replaces; of != nil {
		replaces = d.besideOf(" / ", d.replaces(*of, d.locale), d.replaces(*of, i18n.English))
	}
	return joined(" · ", revision, replaces)
}

// replaces names, in a language, the document this one took the place of, with its day as the language writes it.
func (d *drawing) replaces(of Reference, locale i18n.Locale) string {
	separator := ", "
	if locale.RightToLeft() { // the day's figures do not join the number's
		separator = string(markRight) + separator + string(markRight)
	}
	return locale.Text("pdf.replaces", map[string]any{"Number": d.code(of.Number, valueLimit) + separator + locale.Date(of.IssuedAt)})
}

// copyNotice says, above all else, that another system issued the document, and which.
func (d *drawing) copyNotice() {
	note := d.beside("\n", "copy_note_unknown", nil)
	if issuer := d.inv.Document.Seller; issuer.Company != "" || issuer.Name != "" {
		note = d.beside("\n", "copy_note_issuer", map[string]any{"Issuer": d.code(first(issuer.Company, issuer.Name), nameLimit)})
	}
	const inset = 3.0
	const padding = 2.0
	word := d.paragraph(d.both("copy", nil), strongStyle, contentWidth/4, valueLimit, 1)
	noteX := inset + d.natural(d.both("copy", nil), strongStyle, valueLimit) + inset
	says := d.paragraph(note, bodyStyle, contentWidth-noteX-inset, 2*(lineLimit+nameLimit), 2*fewLines)
	height := max(word.height(), says.height()) + 2*padding
	d.rule(marginX, d.y+height/2, contentWidth, height, band)
	d.set(word, marginX+inset, d.y+padding, contentWidth/4, start)
	d.set(says, marginX+noteX, d.y+padding, contentWidth, start)
	d.y += height + blockGap
}

// factList lists what is known, in the order it is read.
func (d *drawing) factList() []Fact {
	inv := d.inv
	var facts []Fact
	add := func(key, value string) {
		if value != "" {
			facts = append(facts, Fact{Label: d.label(key), Value: value})
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
		what = d.paidWith(*with)
	}
	if at := d.inv.Document.PaidAt; at != nil {
		when = d.text("paid_on", map[string]any{"Date": unbroken(d.locale.Date(*at))})
	}
	return joined("\n", what, when)
}

// paidWith names what paid: a card, a wallet and its card, or a type of method and what it is recognised by.
func (d *drawing) paidWith(with PaidWith) string {
	what := d.name("payment_method.type.", with.Type)
	if with.Brand != "" {
		what = d.name("payment_method.brand.", with.Brand)
	}
	switch {
	case with.Wallet != "" && with.Last4 != "":
		return d.name("payment_method.type.", with.Wallet) + " (" + what + " " + billing.AccountMask + with.Last4 + ")"
	case with.Last4 != "":
		return d.text("card_ending", map[string]any{"Brand": what, "Last4": with.Last4})
	default:
		return joined(" ", what, clean(with.Identifier, valueLimit, false))
	}
}

// name writes a code as the name people know, the code itself with capitals where there is no text for it.
func (d *drawing) name(prefix, code string) string {
	return d.locale.Named(prefix, clean(code, valueLimit, false))
}

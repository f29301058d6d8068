package invoice

// sum is one line of the totals.
type sum struct {
	label, amount string
	style         style
	ruled         bool // a rule above parts it from what it sums up
}

// Where the totals stand: the right half of the page.
const (
	sumsWidth  = 84.0
	sumsX      = contentRight - sumsWidth
	widestSum  = 50.0
	sumPadding = 0.8
	// keptTogether is the height up to which a block is not parted over two pages.
	keptTogether = 80.0
)

// totals sets the sums from subtotal to amount due.
func (d *drawing) totals() {
	d.y += 3
	sums := d.sums()
	together, amountWidth := 0.0, narrowest
	for _, s := range sums {
		together += s.style.lineHeight() + 2*sumPadding
		amountWidth = max(amountWidth, d.natural(s.amount, s.style, valueLimit))
	}
	amountWidth = min(amountWidth, widestSum) + roundingSlack
	d.room(min(together, keptTogether))
	for _, s := range sums {
		label := d.paragraph(s.label, s.style, sumsWidth-amountWidth-gutter, valueLimit, fewLines)
		amount := d.paragraph(s.amount, s.style, amountWidth, valueLimit, fewLines)
		height := max(label.height(), amount.height()) + 2*sumPadding
		if s.ruled {
			height += 2
		}
		d.room(height)
		y := d.y + sumPadding
		if s.ruled {
			d.rule(sumsX, d.y+1, sumsWidth, thin, ink)
			y += 2
		}
		d.set(label, sumsX, y, sumsWidth, start)
		d.set(amount, contentRight-amountWidth, y, amountWidth, d.figures())
		d.y += height
	}
}

// sums lists the totals in the order they are reckoned. What lowers a sum is shown negative.
func (d *drawing) sums() []sum {
	t := d.inv.Document.Totals
	sums := []sum{{label: d.both("subtotal", nil), amount: d.money(t.Subtotal), style: bodyStyle}}
	add := func(label string, amount int64, st style) {
		sums = append(sums, sum{label: label, amount: d.money(amount), style: st})
	}
	if t.Discount != 0 {
		add(d.both("discount", nil), -t.Discount, bodyStyle)
	}
	for _, rate := range d.inv.Document.TaxRates {
		add(d.both("tax_at", map[string]any{"Rate": d.percent(rate.Rate)}), rate.Totals.Tax, bodyStyle)
	}
	if len(d.inv.Document.TaxRates) == 0 {
		add(d.both("tax", nil), t.Tax, bodyStyle)
	}
	// Total and grand total differ by credit only; without any the same amount twice would confuse.
	final := d.both("total", nil)
	if t.Credit != 0 {
		add(final, t.Total, bodyStyle)
		add(d.both("credit", nil), -t.Credit, bodyStyle)
		final = d.both("grand_total", nil)
	}
	sums = append(sums, sum{label: final, amount: d.money(t.GrandTotal), style: totalStyle, ruled: true})
	if d.inv.Kind != KindCreditNote { // a credit note asks for nothing
		if paid := t.GrandTotal - t.Balance; paid != 0 {
			add(d.both("paid", nil), paid, bodyStyle)
		}
	}
	if t.Refunded != 0 {
		add(d.both("refunded", nil), t.Refunded, bodyStyle)
	}
	if d.inv.Kind != KindCreditNote {
		add(d.both("amount_due", nil), t.Balance, strongStyle)
	}
	return sums
}

// notes sets what there is to say about a credit note that moves no money, and what the seller added: to this document, and to each of its
// language.
func (d *drawing) notes() {
	var texts []string
	if d.inv.Document.Reissued {
		texts = append(texts, d.beside("\n", "reissued", nil))
	}
	if details := d.inv.Document.Details; details != nil && details.AdditionalInformation != "" {
		texts = append(texts, details.AdditionalInformation)
	}
	if note := inLanguage(d.inv.Document.Notes, d.locale.Tag); note != "" {
		texts = append(texts, note)
	}
	if len(texts) == 0 {
		return
	}
	d.y += blockGap
	label := d.paragraph(d.both("notes", nil), labelStyle, contentWidth, valueLimit, 1)
	for i, text := range texts {
		says := d.paragraph(text, bodyStyle.as(either), contentWidth, notesLimit, allLines)
		if i == 0 {
			d.room(label.height() + min(says.height(), keptTogether))
			d.flow(label, marginX, contentWidth)
			d.y += 0.6
		} else {
			d.y += paragraphGap
		}
		d.flow(says, marginX, contentWidth)
	}
}

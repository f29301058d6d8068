package invoice

import (
	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// column is one column of figures of the table of lines.
type column struct {
	header string
	x      float64
	width  float64
}

// tableRow is one line of the document, formatted: what is bought at the left, the figures at the right.
type tableRow struct {
	line  billing.Line
	cells []string
}

// Figures are as wide as they need between these limits; what is bought has the rest.
const (
	narrowest    = 11.0
	widest       = 34.0
	rowPadding   = 2.1
	headerOffset = 1.6
	// roundingSlack keeps what was measured on one line from wrapping for a rounding.
	roundingSlack = 0.1
)

// table sets the lines, their head on every page they run over.
func (d *drawing) table() {
	rows := make([]tableRow, len(d.inv.Document.Lines))
	for i, line := range d.inv.Document.Lines {
		rows[i] = tableRow{line: line, cells: []string{
			d.locale.Number(line.Quantity), d.money(line.UnitPrice), d.percent(line.TaxRate), d.money(line.Totals.Subtotal),
		}}
	}
	columns := d.columns(rows)
	itemWidth := columns[0].x - gutter - marginX
	head := func() { d.tableHead(columns, itemWidth) }

	d.room(3 * headHeight)
	head()
	d.reopen = head
	for i, r := range rows {
		d.tableRow(r, columns, itemWidth, i == len(rows)-1)
	}
	d.reopen = nil
	d.rule(marginX, d.y, contentWidth, thin, ink)
}

// columns finds the widths and places of the figures, from the right margin inwards.
func (d *drawing) columns(rows []tableRow) []column {
	columns := []column{
		{header: d.label("quantity")},
		{header: d.label("unit_price")},
		{header: d.label("tax_rate")},
		{header: d.label("amount")},
	}
	x := contentRight
	for i := len(columns) - 1; i >= 0; i-- {
		c := &columns[i]
		c.width = max(narrowest, d.labelWidth(c.header))
		for _, r := range rows {
			c.width = max(c.width, d.natural(r.cells[i], bodyStyle, valueLimit))
		}
		c.width = min(c.width, widest) + roundingSlack
		c.x = x - c.width
		x = c.x - gutter
	}
	return columns
}

// headHeight is the height of a head of one line.
var headHeight = labelStyle.lineHeight() + 2*headerOffset

// tableHead sets the names of the columns and the rule below them.
func (d *drawing) tableHead(columns []column, itemWidth float64) {
	item := d.labelled(d.label("item"), itemWidth)
	names := make([][]paragraph, len(columns))
	height := heightOf(item)
	for i, c := range columns {
		names[i] = d.labelled(c.header, c.width)
		height = max(height, heightOf(names[i]))
	}
	d.stack(item, marginX, d.y+height-heightOf(item), itemWidth, start)
	for i, c := range columns {
		d.stack(names[i], c.x, d.y+height-heightOf(names[i]), c.width, d.figures())
	}
	d.y += height + headerOffset
	d.rule(marginX, d.y, contentWidth, thin, ink)
}

// tableRow sets one line; it is never parted over two pages.
func (d *drawing) tableRow(r tableRow, columns []column, itemWidth float64, last bool) {
	item := []paragraph{d.paragraph(r.line.Name, bodyStyle.as(theirs), itemWidth, lineLimit, someLines)}
	if r.line.Description != "" && r.line.Description != r.line.Name {
		item = append(item, d.paragraph(r.line.Description, smallStyle.as(theirs), itemWidth, longLimit, longLines))
	}
	if r.line.Proration != nil {
		item = append(item, d.paragraph(d.proration(*r.line.Proration), smallStyle, itemWidth, lineLimit, fewLines))
	}
	height := 0.0
	for _, p := range item {
		height += p.height()
	}
	cells := make([]paragraph, len(columns))
	for i, c := range columns {
		cells[i] = d.paragraph(r.cells[i], bodyStyle, c.width, valueLimit, fewLines)
		height = max(height, cells[i].height())
	}
	height += 2 * rowPadding

	d.room(height)
	y := d.y + rowPadding
	for _, p := range item {
		d.set(p, marginX, y, itemWidth, start)
		y += p.height()
	}
	for i, c := range columns {
		d.set(cells[i], c.x, d.y+rowPadding, c.width, d.figures())
	}
	d.y += height
	if !last {
		d.rule(marginX, d.y, contentWidth, thinner, hair)
	}
}

// percent formats a tax rate; one that is no number is shown as it came.
func (d *drawing) percent(r foyer.Rate) string {
	if !r.Valid() {
		return string(r)
	}
	return d.locale.Percent(r)
}

// proration says for what share of its period a line was charged.
func (d *drawing) proration(p billing.Proration) string {
	from, to := d.days(p.Period)
	return d.text("proration", map[string]any{"Percent": d.percent(p.Rate), "From": from, "To": to})
}

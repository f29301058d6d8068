package invoice

import (
	"time"

	"foyer/internal/i18n"
)

// Statement is a document that states something and asks for no money: the receipt of a declaration. Its texts are
// already in the reader's language; drawing adds page numbers and what invoices write in a party's block (the name of the
// country, what a tax ID and a registration number are called) and no other words. Parts that are empty take no place.
type Statement struct {
	// Title says what it is. Reference names it among its kind: it opens the facts under ReferenceLabel and ends the title
	// of the PDF and of its further pages.
	Title          string
	Reference      string
	ReferenceLabel string
	// Seller is who makes the document out, Person whose declaration it is; the labels stand above their blocks.
	Seller      Party
	SellerLabel string
	Person      Party
	PersonLabel string
	// Facts are short values: dates, how the declaration came in. What is longer than five lines is cut.
	Facts []Fact
	// Lines are a table of what the document is about. Their values and Paragraphs are drawn in full, line breaks kept, over as
	// many pages as they take: who declares something gets the content of the declaration back on a durable medium
	// (§ 312k (4) BGB, Art. 11a of Directive 2011/83/EU). Only what is longer than 20 000 characters is cut.
	Lines      []Fact
	Paragraphs []string
	Footer     string
	// IssuedAt is when the PDF says it was made, UTC. To be read on the page it must be one of Facts.
	IssuedAt time.Time
}

// name is what the document is called where it is not in front of the reader.
func (st Statement) name() string {
	return joined(" ", st.Title, clean(st.Reference, numberLimit, false))
}

// about is what the PDF says of itself.
func (st Statement) about(locale i18n.Locale) metadata {
	return described(st.name(), st.Seller, st.IssuedAt, locale)
}

// formats is what the locale writes on a statement.
func (st Statement) formats(locale i18n.Locale) []string {
	return []string{
		locale.Text("pdf.page", map[string]any{"Page": 1234567890, "Pages": 1234567890}),
		locale.Text("pdf.tax_id", nil), locale.Text("pdf.registration_number", nil),
		countryName(st.Seller.Address.Country, locale), countryName(st.Person.Address.Country, locale),
	}
}

// How much of a text that must be there in full is drawn: more characters than any declaration may have, and more lines
// than so many characters fill, so that line breaks alone make no book.
const (
	statementLimit = 20_000
	statementLines = 800
)

// The names of the table are as wide as they need between these limits; the values have the rest.
const (
	narrowestName = 32.0
	widestName    = 70.0
	// paragraphGap is the space between paragraphs.
	paragraphGap = 2.6
)

// layStatement sets a whole statement.
func layStatement(faces []*face, st Statement, locale i18n.Locale, logo *picture) *sheet {
	p := newPaper(faces, locale, st.Footer, false)
	p.heading(st.Title, "", logo)
	p.parties(block{st.SellerLabel, st.Seller}, block{st.PersonLabel, st.Person})
	p.grid(append([]Fact{{Label: st.ReferenceLabel, Value: st.Reference}}, st.Facts...))
	p.list(st.Lines)
	p.paragraphs(st.Paragraphs)
	p.finish(joined(" ", st.Title, p.code(st.Reference, numberLimit)))
	return p.sheet
}

// list sets names and values as a table. A long value runs over pages.
func (p *paper) list(lines []Fact) {
	nameWidth := narrowestName
	for _, l := range lines {
		nameWidth = max(nameWidth, p.natural(l.Label, nameStyle, lineLimit)+roundingSlack)
	}
	nameWidth = min(nameWidth, widestName)
	valueX := marginX + nameWidth + gutter
	valueWidth := contentRight - valueX

	rule := func() { p.rule(marginX, p.y, contentWidth, thin, ink) }
	for _, l := range lines {
		name := p.paragraph(l.Label, nameStyle, nameWidth, lineLimit, longLines)
		value := p.paragraph(l.Value, bodyStyle.as(either), valueWidth, statementLimit, statementLines)
		height := max(name.height(), value.height())
		if height == 0 {
			continue
		}
		p.room(min(height, keptTogether) + 2*rowPadding)
		if p.reopen == nil { // the first one
			rule()
		}
		under := 0.0
		open := func() {
			p.y += rowPadding
			under = p.y + name.height()
			p.set(name, marginX, p.y, nameWidth, start)
		}
		open()
		p.reopen = func() { // a page on which the value goes on says again what it is of
			rule()
			open()
		}
		p.flow(value, valueX, valueWidth)
		p.y = max(p.y, under) + rowPadding
		p.rule(marginX, p.y, contentWidth, thinner, hair)
		p.reopen = rule
	}
	if p.reopen != nil {
		p.reopen = nil
		rule()
		p.y += blockGap
	}
}

// paragraphs sets texts one below the other.
func (p *paper) paragraphs(texts []string) {
	for _, text := range texts {
		says := p.paragraph(text, letterStyle, contentWidth, statementLimit, statementLines)
		if says.height() == 0 {
			continue
		}
		p.room(min(says.height(), float64(fewLines)*letterStyle.lineHeight())) // no line of it alone at the foot of a page
		p.flow(says, marginX, contentWidth)
		p.y += paragraphGap
	}
}

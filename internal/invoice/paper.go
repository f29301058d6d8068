package invoice

import (
	"strings"

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
	letterStyle = style{size: 10, color: ink}
	nameStyle   = style{size: 9, color: muted}
	smallStyle  = style{size: 8, color: muted}
	labelStyle  = style{size: 7.5, color: muted}
	secondStyle = style{size: 6.5, color: muted, base: theirs}
	footStyle   = style{size: 7, color: muted}
)

// Distances in millimetres: between columns, between blocks, and how thick a rule is.
const (
	gutter   = 5.0
	blockGap = 8.0
	thin     = 0.25
	thinner  = 0.12
)

// pageNumberWidth is kept free for "Page 1 of 99" at the foot.
const pageNumberWidth = 40.0

// paper is a document being laid out: what documents of every kind have, from the title to the page numbers.
type paper struct {
	*sheet
	locale i18n.Locale
	// bilingual says that labels stand in English too; never when they do already.
	bilingual bool
	// foot stands on every page; ending is a footer too long for that.
	foot   paragraph
	ending string
}

// newPaper opens a document. A short footer stands on every page. A long one would eat the pages up, so it follows the
// document once, in full.
func newPaper(faces []*face, locale i18n.Locale, footer string, bilingual bool) *paper {
	p := &paper{
		sheet: newSheet(inOrder(faces, locale), locale.RightToLeft()), locale: locale,
		bilingual: bilingual && locale.Language != i18n.English.Language,
	}
	p.foot = p.paragraph(footer, footStyle.as(either), contentWidth-pageNumberWidth-gutter, notesLimit, allLines)
	if len(p.foot.lines) > 4 {
		p.foot, p.ending = paragraph{}, footer
	}
	numbers := 1.0 // lines
	if p.bilingual {
		numbers = 2
	}
	p.bottom -= max(p.foot.height(), numbers*footStyle.lineHeight()) + 7
	return p
}

// text is a text of the language, by its key without "pdf.".
func (p *paper) text(key string, params map[string]any) string {
	return p.locale.Text("pdf."+key, params)
}

// code cleans a number or name that is put into a sentence. In one from right to left, "325-9" would be read as three words and
// stand as 9-325: marks keep it together.
func (p *paper) code(value string, limit int) string {
	value = clean(value, limit, false)
	if !p.rtl || value == "" || hasRightToLeft([]rune(value)) {
		return value
	}
	return string(markLeft) + value + string(markLeft)
}

// both is a text of the language with the English one behind it, where the document has both and they differ.
func (p *paper) both(key string, params map[string]any) string { return p.beside(" / ", key, params) }

// label is a text of the language with the English one below it, where the document has both and they differ.
func (p *paper) label(key string) string { return p.beside("\n", key, nil) }

func (p *paper) beside(separator, key string, params map[string]any) string {
	return p.besideOf(separator, p.text(key, params), i18n.English.Text("pdf."+key, params))
}

// besideOf is the text of the language with the English one behind it, where the document has both and they differ.
func (p *paper) besideOf(separator, own, second string) string {
	if !p.bilingual || second == own {
		return own
	}
	if p.rtl { // neither of the two takes the other's figures along
		separator = string(markRight) + separator + string(markRight)
	}
	return own + separator + second
}

// labelled breaks a label for the width: its language, and below it in small the other one.
func (p *paper) labelled(label string, width float64) []paragraph {
	own, second, _ := strings.Cut(label, "\n")
	second = strings.TrimPrefix(second, string(markRight))
	return []paragraph{p.paragraph(own, labelStyle, width, valueLimit, 2), p.paragraph(second, secondStyle, width, valueLimit, 2)}
}

// labelWidth is how wide a label is when neither of its languages is broken.
func (p *paper) labelWidth(label string) float64 {
	own, second, _ := strings.Cut(label, "\n")
	return max(p.natural(own, labelStyle, valueLimit), p.natural(second, secondStyle, valueLimit)) + roundingSlack
}

// heightOf is what paragraphs take one below the other.
func heightOf(stack []paragraph) float64 {
	sum := 0.0
	for _, p := range stack {
		sum += p.height()
	}
	return sum
}

// stack sets paragraphs one below the other.
func (p *paper) stack(stack []paragraph, x, y, boxWidth float64, at side) {
	for _, each := range stack {
		p.set(each, x, y, boxWidth, at)
		y += each.height()
	}
}

// heading sets the title, a line below it that may be empty, and the logo.
func (p *paper) heading(title, below string, logo *picture) {
	width, height := contentWidth, 0.0
	if logo != nil {
		width, height = contentWidth-logoWidth-gutter, logo.height
		p.picture(logo, contentRight-logo.width, p.y)
	}
	name := p.paragraph(title, titleStyle, width, nameLimit, fewLines)
	p.set(name, marginX, p.y-1.5, width, start)
	under := name.height() - 1.5
	if below != "" {
		says := p.paragraph(below, smallStyle, width, valueLimit, fewLines)
		p.set(says, marginX, p.y+under, width, start)
		under += says.height()
	}
	p.y += max(height, under) + blockGap
}

// finish sets a footer that stands at the end, and what each page has: the footer, the page number and, from the second
// page on, the name of the document.
func (p *paper) finish(name string) {
	if p.ending != "" {
		p.y += 6
		p.flow(p.paragraph(p.ending, footStyle.as(either), contentWidth, notesLimit, allLines), marginX, contentWidth)
	}
	pages := p.leaves
	for i := range pages {
		p.leaves = pages[:i+1] // what is set goes to the last leaf
		p.rule(marginX, p.bottom+4, contentWidth, thinner, hair)
		p.set(p.foot, marginX, p.bottom+5.5, contentWidth, start)
		number := p.paragraph(p.beside("\n", "page", map[string]any{"Page": i + 1, "Pages": len(pages)}), footStyle, pageNumberWidth, valueLimit, 2)
		p.set(number, contentRight-pageNumberWidth, p.bottom+5.5, pageNumberWidth, end)
		if i > 0 {
			p.set(p.paragraph(name, labelStyle, contentWidth, valueLimit, 1), marginX, marginTop, contentWidth, start)
		}
	}
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

package invoice

import (
	"github.com/johnfercher/maroto/v2/pkg/props"
)

// The page: A4, in millimetres.
const (
	pageWidth    = 210.0
	pageHeight   = 297.0
	marginX      = 18.0
	marginTop    = 17.0
	marginBottom = 14.0
	contentWidth = pageWidth - 2*marginX
	contentRight = pageWidth - marginX
	// runningHead is what the head of the second and later pages takes.
	runningHead = 11.0
)

// millimetres per point, and the distance of two lines as a multiple of the font size.
const (
	pointSize = 25.4 / 72
	leading   = 1.38
)

// The colours: near-black for what is read, grey for what names it, light grey for what only parts it.
var (
	ink   = &props.Color{Red: 17, Green: 24, Blue: 39}
	muted = &props.Color{Red: 107, Green: 114, Blue: 128}
	hair  = &props.Color{Red: 222, Green: 225, Blue: 230}
	band  = &props.Color{Red: 243, Green: 244, Blue: 246}
)

// style is how a text is set.
type style struct {
	size  float64 // points
	bold  bool
	color *props.Color
	base  base
}

// as returns the style for a text that chooses its side otherwise.
func (st style) as(b base) style {
	st.base = b
	return st
}

// em is the font size in millimetres.
func (st style) em() float64 { return st.size * pointSize }

// lineHeight is the distance of two lines in millimetres.
func (st style) lineHeight() float64 { return st.em() * leading }

// paragraph is a text broken into lines for one width.
type paragraph struct {
	lines [][]glyph
	style style
}

// height is what the paragraph takes; nothing when it is empty.
func (p paragraph) height() float64 { return float64(len(p.lines)) * p.style.lineHeight() }

// text is one run at its place: x at its left end, baseline, both from the corner of the page.
type text struct {
	run         run
	x, baseline float64
	size        float64
	color       *props.Color
	codes       string // what names its glyphs in the file; paint writes it
}

// rule is a horizontal line; a thick one is an area.
type rule struct {
	x, y, width, thickness float64
	color                  *props.Color
}

// placement is a picture and its box.
type placement struct {
	picture             *picture
	x, y, width, height float64
}

// leaf is one page: what is on it, in no order.
type leaf struct {
	rules    []rule
	texts    []text
	pictures []placement
}

// sheet is a document being laid out, from top to bottom. It knows nothing of PDF; paint draws it.
type sheet struct {
	*typesetter
	leaves []*leaf
	// y is where the next thing goes; bottom is where a page ends.
	y, bottom float64
	// reopen draws what every further page opens with: the head of a table that goes on. May be nil.
	reopen func()
}

// newSheet opens a document. One from right to left is laid out like any other, and stands mirrored on its pages.
func newSheet(faces []*face, rtl bool) *sheet {
	return &sheet{
		typesetter: &typesetter{faces: faces, rtl: rtl, missing: map[rune]bool{}},
		leaves:     []*leaf{{}},
		y:          marginTop,
		bottom:     pageHeight - marginBottom,
	}
}

// leaf returns the page that is being filled.
func (s *sheet) leaf() *leaf { return s.leaves[len(s.leaves)-1] }

// room makes sure that height fits below y, on a new page when it must.
func (s *sheet) room(height float64) {
	if s.y+height <= s.bottom {
		return
	}
	s.leaves = append(s.leaves, &leaf{})
	s.y = marginTop + runningHead
	if s.reopen != nil {
		s.reopen()
	}
}

// paragraph cleans a text and breaks it for the width: at most limit characters and most lines.
func (s *sheet) paragraph(value string, st style, width float64, limit, most int) paragraph {
	line := s.glyphs(cleaned(value, limit, most > 1, st.base != theirs), manner{st.bold, st.base})
	return paragraph{lines: s.wrap(line, int(width/st.em()*1000), most, st.bold), style: st}
}

// natural returns how wide a text is on one line.
func (s *sheet) natural(value string, st style, limit int) float64 {
	return float64(width(s.glyphs(cleaned(value, limit, false, st.base != theirs), manner{st.bold, st.base}))) / 1000 * st.em()
}

// side is the side of its box a text stands on: where reading begins, or where it ends.
type side bool

const (
	start side = false
	end   side = true
)

// figures is the side of its box an amount stands on: the right one in every document, so that units stand below units.
func (s *sheet) figures() side { return end != side(s.rtl) }

// set puts a paragraph into the box that begins at x, y and is as wide as given.
func (s *sheet) set(p paragraph, x, y, boxWidth float64, at side) {
	em := p.style.em()
	x = s.across(x, boxWidth)
	for i, line := range p.lines {
		from := x
		if (at == end) != s.rtl {
			from = x + boxWidth - float64(width(line))/1000*em
		}
		// 1.02 em: the ascenders of Noto Sans stay inside the line.
		baseline := y + float64(i)*p.style.lineHeight() + 1.02*em
		for _, r := range runs(line) {
			s.leaf().texts = append(s.leaf().texts, text{
				run: r, x: from + float64(r.x)/1000*em, baseline: baseline, size: p.style.size, color: p.style.color,
			})
		}
	}
}

// across returns where something that begins at x stands on the page.
func (s *sheet) across(x, width float64) float64 {
	if s.rtl {
		return pageWidth - x - width
	}
	return x
}

// flow sets a paragraph at y, line by line over as many pages as it takes.
func (s *sheet) flow(p paragraph, x, boxWidth float64) {
	for _, line := range p.lines {
		one := paragraph{lines: [][]glyph{line}, style: p.style}
		s.room(one.height())
		s.set(one, x, s.y, boxWidth, start)
		s.y += one.height()
	}
}

// rule draws a horizontal line.
func (s *sheet) rule(x, y, length, thickness float64, color *props.Color) {
	s.leaf().rules = append(s.leaf().rules, rule{x: s.across(x, length), y: y, width: length, thickness: thickness, color: color})
}

// picture draws a picture, whose height is its own.
func (s *sheet) picture(p *picture, x, y float64) {
	s.leaf().pictures = append(s.leaf().pictures, placement{picture: p, x: s.across(x, p.width), y: y, width: p.width, height: p.height})
}

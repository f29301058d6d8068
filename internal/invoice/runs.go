package invoice

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/bidi"
)

// glyph is one character as it will be drawn.
type glyph struct {
	r       rune
	cut     *cut
	width   uint16 // thousandths of the font size
	space   bool   // a line may end here, and a line that does drops it
	newline bool
	mark    bool // combines with the glyph before: never at the start of a line
	wide    bool // of a script written without spaces: a line may end on either side
	rtl     bool
}

// run is a piece of a line in one font and one direction. A language whose letters must be shaped or reordered does that
// run by run, before it is drawn.
type run struct {
	text  string
	cut   *cut
	width int // thousandths of the font size
	rtl   bool
}

// typesetter turns texts into glyphs and lines, and remembers which cuts it used: only those are embedded.
type typesetter struct {
	faces []*face
	used  map[*cut]bool
	// rtl is the base direction of the document's paragraphs.
	rtl bool
}

// covers tells whether the fonts have every character of the texts, with nothing substituted.
func covers(faces []*face, texts ...string) bool {
	for _, text := range texts {
		for _, r := range clean(text, len(text), true) {
			if r != '\n' && r != noBreakSpace && fontFor(faces, r, false) == nil {
				return false
			}
		}
	}
	return true
}

// fontFor returns the cut that draws r, nil when none can.
func fontFor(faces []*face, r rune, bold bool) *cut {
	for _, f := range faces {
		if c := f.weight(bold); c.has(r) {
			return c
		}
	}
	return nil
}

// glyphs chooses a font for every character of a cleaned text. What no font has is drawn as something equivalent, as a
// visible replacement where there is nothing, and not at all when it would only have changed its neighbour.
func (t *typesetter) glyphs(text string, bold bool) []glyph {
	out := make([]glyph, 0, len(text))
	rtl := t.rtl
	for _, r := range text {
		if r == '\n' {
			out = append(out, glyph{newline: true})
			continue
		}
		rtl = direction(r, rtl)
		if r == ' ' || r == noBreakSpace {
			out = t.addSpace(out, r == ' ', bold, rtl)
			continue
		}
		if c := fontFor(t.faces, r, bold); c != nil {
			out = t.add(out, r, c, rtl)
			continue
		}
		if alternative := substitute(r); alternative != "" && covers(t.faces, alternative) {
			for _, r := range alternative {
				out = t.add(out, r, fontFor(t.faces, r, bold), rtl)
			}
			continue
		}
		if !unicode.In(r, unicode.M, unicode.Cf) {
			out = t.add(out, replacement(t.faces, bold), t.faces[0].weight(bold), rtl)
		}
	}
	return out
}

// add appends one character.
func (t *typesetter) add(out []glyph, r rune, c *cut, rtl bool) []glyph {
	t.used[c] = true
	return append(out, glyph{
		r: r, cut: c, width: c.advance[r], rtl: rtl,
		mark: unicode.Is(unicode.M, r), wide: unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana),
	})
}

// addSpace appends a space, which stays in the run before it. One that joins words is drawn as a plain one too: that is
// what readers of the PDF search for and copy.
func (t *typesetter) addSpace(out []glyph, breaks, bold, rtl bool) []glyph {
	c := t.faces[0].weight(bold)
	if last := len(out) - 1; last >= 0 && !out[last].newline && out[last].cut.has(' ') {
		c = out[last].cut
	}
	t.used[c] = true
	return append(out, glyph{r: ' ', cut: c, width: c.advance[' '], space: breaks, rtl: rtl})
}

// replacement is the character that stands for one no font has.
func replacement(faces []*face, bold bool) rune {
	if faces[0].weight(bold).has(unicode.ReplacementChar) {
		return unicode.ReplacementChar
	}
	return '?'
}

// direction returns whether r is written right to left; what has no direction of its own follows what was before.
func direction(r rune, before bool) bool {
	if r < 0x0590 { // the first Hebrew character: Latin, Greek, Cyrillic, digits and punctuation are left of it
		return before && !unicode.IsLetter(r)
	}
	p, _ := bidi.LookupRune(r)
	switch p.Class() {
	case bidi.R, bidi.AL:
		return true
	case bidi.L:
		return false
	}
	return before
}

// width returns the width of glyphs in thousandths of the font size.
func width(line []glyph) int {
	sum := 0
	for _, g := range line {
		sum += int(g.width)
	}
	return sum
}

// runs splits a line by font and direction.
func runs(line []glyph) []run {
	var out []run
	for len(line) > 0 {
		first, end := line[0], 1
		for end < len(line) && line[end].cut == first.cut && line[end].rtl == first.rtl {
			end++
		}
		var text strings.Builder
		for _, g := range line[:end] {
			text.WriteRune(g.r)
		}
		out = append(out, run{text: text.String(), cut: first.cut, width: width(line[:end]), rtl: first.rtl})
		line = line[end:]
	}
	return out
}

// wrap breaks glyphs into lines no wider than limit (thousandths of the font size): at spaces and after hyphens, between
// ideographs, and inside a word that is too long for a line of its own. More than most lines end in an ellipsis.
func (t *typesetter) wrap(text []glyph, limit, most int, bold bool) [][]glyph {
	var lines [][]glyph
	for len(text) > 0 && len(lines) < most {
		end, next := lineEnd(text, limit)
		lines = append(lines, text[:end])
		text = text[next:]
	}
	if len(text) > 0 && len(lines) > 0 {
		last := len(lines) - 1
		lines[last] = t.withEllipsis(lines[last], limit, bold)
	}
	return lines
}

// lineEnd returns where the first line of text ends and where the next begins.
func lineEnd(text []glyph, limit int) (end, next int) {
	used, candidate := 0, 0
	for i, g := range text {
		if g.newline {
			return trimmed(text, i), i + 1
		}
		if used += int(g.width); used > limit && i > 0 && !g.space {
			if candidate == 0 { // not one place to break: inside the word
				candidate = i
				for candidate > 1 && text[candidate].mark {
					candidate--
				}
			}
			next = candidate
			for next < len(text) && text[next].space {
				next++
			}
			return trimmed(text, candidate), next
		}
		if i+1 < len(text) && breaksAfter(g, text[i+1]) {
			candidate = i + 1
		}
	}
	return trimmed(text, len(text)), len(text)
}

// trimmed returns end without the spaces before it.
func trimmed(text []glyph, end int) int {
	for end > 0 && text[end-1].space {
		end--
	}
	return end
}

// closing are the marks that no line of Chinese or Japanese begins with.
const closing = "、。，．：；？！）」』】》〉”’％"

// breaksAfter tells whether a line may end between two glyphs.
func breaksAfter(g, next glyph) bool {
	if next.space || next.mark || strings.ContainsRune(closing, next.r) {
		return false
	}
	switch g.r {
	case '-', '/': // not of a number: −5, 325-10566, 1/2
		return unicode.IsLetter(next.r)
	case '–', '—':
		return true
	}
	return g.space || g.wide || next.wide
}

// withEllipsis shortens a line so that it ends in an ellipsis and still fits.
func (t *typesetter) withEllipsis(line []glyph, limit int, bold bool) []glyph {
	if len(line) > 0 && line[len(line)-1].r == ellipsis {
		return line
	}
	dots := t.glyphs(string(ellipsis), bold)
	for len(line) > 0 && width(line)+width(dots) > limit {
		line = line[:len(line)-1]
	}
	line = line[:trimmed(line, len(line))]
	return append(line[:len(line):len(line)], dots...)
}

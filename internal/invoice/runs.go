package invoice

import (
	"strings"
	"unicode"
)

// glyph is the least of a line that can't be parted: a character, or a cluster of shaped ones.
type glyph struct {
	r       rune   // the character, the first one of a cluster
	text    string // the characters of a cluster; empty when r is all
	cut     *cut
	number  uint16 // what draws r in the cut
	parts   []part // what draws a cluster, instead
	width   int    // thousandths of the font size
	level   uint8  // odd from right to left
	rtl     bool   // the paragraph begins at the right
	space   bool   // a line may end here, and a line that does drops it
	newline bool
	mark    bool // combines with the glyph before: never at the start of a line
}

// base is how a text chooses the side it begins on.
type base int

const (
	// ours is a text of the document's language: it begins where the document does, whatever its first word.
	ours base = iota
	// theirs is a name or other free text: its first letter decides.
	theirs
	// either may be one or the other: it is ours when there is a word in it from right to left like the document.
	either
)

// manner is how a text is typeset.
type manner struct {
	bold bool
	base base
}

// typesetter turns texts into glyphs and lines.
type typesetter struct {
	faces []*face
	// rtl is the base direction of the document.
	rtl bool
	// missing are the characters no font has.
	missing map[rune]bool
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

// rightToLeft tells whether a line of text begins at the right.
func (t *typesetter) rightToLeft(line string, b base) bool {
	if b == ours || b == either && t.rtl && hasRightToLeft([]rune(line)) {
		return t.rtl
	}
	return firstStrong(line) // what has no letter is a number, which is read from left to right everywhere
}

// glyphs chooses what draws every character of a cleaned text, in the order it is read.
func (t *typesetter) glyphs(text string, m manner) []glyph {
	out := make([]glyph, 0, len(text))
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			out = append(out, glyph{newline: true})
		}
		out = t.line(out, line, m)
	}
	return out
}

// choice is a character with the cut that draws it; nil for a mark that steers.
type choice struct {
	r     rune
	cut   *cut
	joins bool // a space at which no line ends
}

// choose finds a font for every character. What no font has is drawn as something equivalent, as a visible replacement
// where there is nothing, and not at all when it would only have changed its neighbour.
func (t *typesetter) choose(line string, bold bool) []choice {
	latin := t.faces[0].weight(bold)
	out := make([]choice, 0, len(line))
	before := latin
	add := func(r rune, c *cut) {
		out = append(out, choice{r: r, cut: c})
		before = c
	}
	for _, r := range line {
		switch {
		case steers(r):
			out = append(out, choice{r: r})
			continue
		case r == ' ' || r == noBreakSpace:
			// A space stays in the font before it. One that joins words is drawn as a plain one too: that is what readers
			// of the PDF search for and copy.
			if !before.has(' ') {
				before = latin
			}
			out = append(out, choice{r: ' ', cut: before, joins: r == noBreakSpace})
			continue
		case unicode.In(r, unicode.M, unicode.Cf) && before.has(r):
			add(r, before)
			continue
		}
		if c := fontFor(t.faces, r, bold); c != nil {
			add(r, c)
			continue
		}
		if alternative := substitute(r); alternative != "" && covers(t.faces, alternative) {
			for _, r := range alternative {
				add(r, fontFor(t.faces, r, bold))
			}
			continue
		}
		if unicode.In(r, unicode.M, unicode.Cf) {
			continue
		}
		t.missing[r] = true
		if latin.has(unicode.ReplacementChar) {
			add(unicode.ReplacementChar, latin)
		} else {
			add('?', latin)
		}
	}
	return out
}

// line appends one line of a text.
func (t *typesetter) line(out []glyph, line string, m manner) []glyph {
	chosen := t.choose(line, m.bold)
	rtl := t.rightToLeft(line, m.base)
	characters := make([]rune, len(chosen))
	for i, c := range chosen {
		characters[i] = c.r
	}
	level := levels(characters, rtl)
	for i := 0; i < len(chosen); i++ {
		c := chosen[i]
		switch {
		case c.cut == nil:
		case c.r == ' ':
			out = append(out, glyph{r: ' ', cut: c.cut, number: c.cut.glyph(' '), width: c.cut.advance(c.cut.glyph(' ')), level: level[i], rtl: rtl, space: !c.joins})
		case c.cut.script != 0:
			end := i + 1
			for end < len(chosen) && chosen[end].cut == c.cut && level[end] == level[i] && chosen[end].r != ' ' {
				end++
			}
			for _, s := range c.cut.shape(characters[i:end], level[i]%2 == 1) {
				g := glyph{r: characters[i+s.first], text: string(characters[i+s.first : i+s.end]), cut: c.cut, parts: s.parts, level: level[i], rtl: rtl}
				for _, p := range s.parts {
					g.width += p.advance
				}
				out = append(out, g)
			}
			i = end - 1
		default:
			drawn := c.r
			if level[i]%2 == 1 && c.cut.has(mirrored(c.r)) {
				drawn = mirrored(c.r)
			}
			g := glyph{r: c.r, cut: c.cut, number: c.cut.glyph(drawn), level: level[i], rtl: rtl, mark: unicode.Is(unicode.M, c.r)}
			g.width = c.cut.advance(g.number)
			out = append(out, g)
		}
	}
	return out
}

// width returns the width of glyphs in thousandths of the font size.
func width(line []glyph) int {
	sum := 0
	for _, g := range line {
		sum += g.width
	}
	return sum
}

// run is what is drawn at one go: glyphs of one cut, one behind the other. x is where it begins, in thousandths of the
// font size from where the line does.
type run struct {
	cut    *cut
	glyphs []drawn
	x      int
}

// text returns what the run is copied as.
func (r run) text() string {
	var b strings.Builder
	for _, d := range r.glyphs {
		b.WriteString(d.text)
	}
	return b.String()
}

// runs puts a line in the order of the paper and parts it where the font changes.
func runs(line []glyph) []run {
	var out []run
	x := 0
	for _, g := range visual(line) {
		if len(out) == 0 || out[len(out)-1].cut != g.cut {
			out = append(out, run{cut: g.cut, x: x})
		}
		last := &out[len(out)-1]
		if g.parts == nil {
			last.glyphs = append(last.glyphs, drawn{glyph: g.number, text: string(g.r), advance: int16(g.width)})
		} else {
			last.glyphs = appendCluster(last.glyphs, g)
		}
		x += g.width
	}
	return out
}

// appendCluster appends the glyphs of a cluster, with what each is copied as. From left to right the characters are dealt out in
// the order they are read, whichever glyph draws which, and the last glyph has the rest: a glyph without any would be
// read as a gap. From right to left readers turn the line round: there each mark has its own character, and the letter
// those of the letters.
func appendCluster(out []drawn, g glyph) []drawn {
	first, last := len(out), len(out)+len(g.parts)-1
	for _, p := range g.parts {
		out = append(out, drawn{glyph: p.glyph, x: int16(p.x), y: int16(p.y), advance: int16(p.advance)})
	}
	if g.level%2 == 0 {
		characters := []rune(g.text)
		for i := first; i < last && len(characters) > 1; i++ {
			out[i].text = string(characters[:1])
			characters = characters[1:]
		}
		out[last].text = string(characters)
		return out
	}
	var letters, marks []rune
	for _, r := range g.text {
		if unicode.Is(unicode.M, r) {
			marks = append(marks, r)
		} else {
			letters = append(letters, r)
		}
	}
	out[last].text = g.text
	if len(marks) == len(g.parts)-1 && len(letters) > 0 {
		out[last].text = string(letters)
		for i, r := range marks {
			out[last-1-i].text = string(r)
		}
	}
	return out
}

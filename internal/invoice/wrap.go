package invoice

import (
	"strings"
	"unicode"
)

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
		if used += g.width; used > limit && i > 0 && !g.space {
			if candidate == 0 { // not one place to break: inside the word
				candidate = insideWord(text, i)
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

// insideWord returns where a word that is too long for a line is broken, at last. A mark stays with its letter in any case;
// what begins or ends no line moves on or stays, when there is another place.
func insideWord(text []glyph, last int) int {
	for i := last; i > 0; i-- {
		if !text[i].mark && !beginsNoLine(text[i].r) && !endsNoLine(text[i-1].r) {
			return i
		}
	}
	for last > 1 && text[last].mark {
		last--
	}
	return last
}

// trimmed returns end without the spaces before it.
func trimmed(text []glyph, end int) int {
	for end > 0 && text[end-1].space {
		end--
	}
	return end
}

// What begins no line of Chinese, Japanese and Korean (JIS X 4051, kinsoku): closing marks, small kana, marks that repeat or
// lengthen; in Thai vowels behind their consonant. What ends none: opening brackets; in Thai vowels before their consonant.
const (
	closing = "、。，．：；？！）」』】》〉〕］｝”’％‰℃‥…・〜～，)]},.:;?!%»›" +
		"ぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶㇰㇱㇲㇳㇴㇵㇶㇷㇸㇹㇺㇻㇼㇽㇾㇿーｰゝゞヽヾ々〻゛゜ｧｨｩｪｫｬｭｮｯ｡｣､･ﾞﾟ" +
		"ะาำๅๆฯ"
	opening = "（「『【《〈〔［｛“‘([{«‹￥＄เแโใไ"
)

func beginsNoLine(r rune) bool { return strings.ContainsRune(closing, r) }

func endsNoLine(r rune) bool { return strings.ContainsRune(opening, r) }

// wide tells whether r belongs to a script written without spaces: a line may end on either side of it.
func wide(r rune) bool {
	if r < 0x2e80 {
		return false
	}
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Bopomofo) ||
		r >= 0x3001 && r <= 0x303f || r == 'ー' || r == '・' || r >= 0xff01 && r <= 0xff60
}

// breaksAfter tells whether a line may end between two glyphs.
func breaksAfter(g, next glyph) bool {
	if next.space || next.mark || next.newline || g.r == 0 {
		return false
	}
	if g.space {
		return true
	}
	switch g.r {
	case '-', '/': // not of a number: −5, 325-10566, 1/2
		return unicode.IsLetter(next.r)
	case '–', '—':
		return true
	}
	return (wide(g.r) || wide(next.r)) && !beginsNoLine(next.r) && !endsNoLine(g.r)
}

// withEllipsis shortens a line so that it ends in an ellipsis and still fits.
func (t *typesetter) withEllipsis(line []glyph, limit int, bold bool) []glyph {
	if len(line) > 0 && line[len(line)-1].r == ellipsis {
		return line
	}
	dots := t.glyphs(string(ellipsis), manner{bold: bold})
	for i := range dots { // they end the paragraph, whatever stands before them
		dots[i].level = 0
		if len(line) > 0 && line[0].rtl {
			dots[i].level, dots[i].rtl = 1, true
		}
	}
	for len(line) > 0 && width(line)+width(dots) > limit {
		line = line[:len(line)-1]
	}
	line = line[:trimmed(line, len(line))]
	return append(line[:len(line):len(line)], dots...)
}

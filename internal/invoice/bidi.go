package invoice

import (
	"slices"

	"golang.org/x/text/unicode/bidi"
)

// The marks by which a locale's formats steer where a sign or a currency stands ("-5", "%"). They are heeded, not drawn.
const (
	markLeft   = '\u200e'
	markRight  = '\u200f'
	markArabic = '\u061c'
)

// steers tells whether r is one of the marks.
func steers(r rune) bool { return r == markLeft || r == markRight || r == markArabic }

// firstStrong returns whether the first letter of a text is written right to left; no letter is not.
func firstStrong(text string) bool {
	for _, r := range text {
		p, _ := bidi.LookupRune(r)
		switch p.Class() {
		case bidi.R, bidi.AL:
			return true
		case bidi.L:
			return false
		}
	}
	return false
}

// hasRightToLeft tells whether any character is written right to left, or is a digit of a script that is.
func hasRightToLeft(text []rune) bool {
	return slices.ContainsFunc(text, func(r rune) bool {
		if r < 0x0590 { // the first Hebrew character
			return false
		}
		p, _ := bidi.LookupRune(r)
		return p.Class() == bidi.R || p.Class() == bidi.AL || p.Class() == bidi.AN
	})
}

// levels returns the embedding level of each character of a paragraph (Unicode Standard Annex 9); text has no line breaks and
// nothing that embeds or overrides, so that levels are 0 to 2.
func levels(text []rune, rtl bool) []uint8 {
	out := make([]uint8, len(text))
	if !rtl && !hasRightToLeft(text) {
		return out
	}
	// The base direction is forced by a mark in front: the library takes its direction for a default only.
	mark, base := markLeft, bidi.LeftToRight
	if rtl {
		mark, base = markRight, bidi.RightToLeft
	}
	var p bidi.Paragraph
	_, err := p.SetString(string(mark)+string(bracketed(text, rtl)), bidi.DefaultDirection(base))
	if err != nil {
		return out
	}
	order, err := p.Order()
	if err != nil {
		return out
	}
	after := false // a run from right to left
	for i := range order.NumRuns() {
		run := order.Run(i)
		from, to := run.Pos()
		from, to = max(from-1, 0), min(to, len(text)) // without the mark
		if from >= to {
			continue
		}
		switch {
		case run.Direction() == bidi.RightToLeft:
			fill(out[from:to], 1)
		case rtl:
			fill(out[from:to], 2)
		case after:
			// The library tells directions, not levels: a number behind Hebrew is part of it, what follows is not.
			fill(out[from:from+numberEnd(text[from:to])], 2)
		}
		after = run.Direction() == bidi.RightToLeft
	}
	return out
}

// bracketed returns the text with the brackets that have a direction (rule N0, which the library leaves out) as letters of that direction, so
// that the two of a pair never part: of the paragraph's if there is any such letter between them, else of what stands before them and
// between them alike.
func bracketed(text []rune, rtl bool) []rune {
	type bracket struct {
		at    int
		close rune
	}
	const left, right = 'a', 'א'
	embedding, opposite := left, right
	if rtl {
		embedding, opposite = right, left
	}
	// What each character is for this rule: a letter of a direction, or nothing. Figures follow the letter before them (W7), else count as
	// written right to left.
	strong := make([]rune, len(text))
	var open []bracket
	var pairs [][2]int
	last := embedding
	for i, r := range text {
		p, _ := bidi.LookupRune(r)
		switch p.Class() {
		case bidi.L:
			last = left
			strong[i] = left
		case bidi.R, bidi.AL:
			last = right
			strong[i] = right
		case bidi.EN:
			strong[i] = last
		case bidi.AN:
			strong[i] = right
		}
		switch {
		case !p.IsBracket():
		case p.IsOpeningBracket():
			open = append(open, bracket{i, mirrored(r)})
		default:
			for n := len(open) - 1; n >= 0; n-- {
				if open[n].close == r {
					pairs = append(pairs, [2]int{open[n].at, i})
					open = open[:n]
					break
				}
			}
		}
	}
	slices.SortFunc(pairs, func(a, b [2]int) int { return a[0] - b[0] })
	out := slices.Clone(text)
	for _, pair := range pairs {
		inside := strong[pair[0]+1 : pair[1]]
		direction := embedding
		switch {
		case slices.Contains(inside, embedding):
		case !slices.Contains(inside, opposite):
			continue
		default:
			before := embedding
			for i := pair[0] - 1; i >= 0; i-- {
				if strong[i] != 0 {
					before = strong[i]
					break
				}
			}
			if before == opposite {
				direction = opposite
			}
		}
		for _, i := range pair {
			out[i], strong[i] = direction, direction
		}
	}
	return out
}

func fill(levels []uint8, level uint8) {
	for i := range levels {
		levels[i] = level
	}
}

// numberEnd returns where a number at the beginning of text ends.
func numberEnd(text []rune) int {
	end := 0
	for i, r := range text {
		p, _ := bidi.LookupRune(r)
		switch p.Class() {
		case bidi.EN, bidi.AN, bidi.ET, bidi.NSM:
			end = i + 1
		case bidi.ES, bidi.CS:
		default:
			return end
		}
	}
	return end
}

// visual returns a line in the order it stands on paper, from left to right (rule L2).
func visual(line []glyph) []glyph {
	highest := uint8(0)
	for _, g := range line {
		highest = max(highest, g.level)
	}
	if highest == 0 {
		return line
	}
	line = slices.Clone(line)
	for level := highest; level > 0; level-- {
		for from := 0; from < len(line); from++ {
			to := from
			for to < len(line) && line[to].level >= level {
				to++
			}
			slices.Reverse(line[from:to])
			from = max(from, to-1)
		}
	}
	return line
}

// mirrors are pairs that are drawn the other way round from right to left, beside those Unicode calls brackets.
const mirrors = "«»‹›<>≤≥"

// mirrored returns the character that draws r from right to left.
func mirrored(r rune) rune {
	if p, _ := bidi.LookupRune(r); p.IsBracket() {
		return []rune(bidi.ReverseString(string(r)))[0]
	}
	pairs := []rune(mirrors)
	if i := slices.Index(pairs, r); i >= 0 {
		return pairs[i^1]
	}
	return r
}

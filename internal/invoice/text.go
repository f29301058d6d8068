package invoice

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// ellipsis ends a text that was cut.
const ellipsis = '…'

// noBreakSpace keeps two words on one line; it is drawn as a space.
const noBreakSpace = '\u00a0'

// clean makes any bytes drawable and harmless: valid UTF-8, composed (fonts have ё, not е and a diaeresis), at most
// limit characters with an ellipsis where it was cut, one space where there were several, no control characters and
// none that only steer layout (bidirectional overrides, joiners, soft hyphens). Line breaks stay in a multiline text and
// become spaces in others. Joiners stay where letters change with their neighbours: they are spelling there.
func clean(s string, limit int, multiline bool) string { return cleaned(s, limit, multiline, false) }

// cleaned is clean; marks keeps those that steer direction, for what a locale wrote.
func cleaned(s string, limit int, multiline, marks bool) string {
	if plain(s, limit) {
		return s
	}
	s, shortened := shorten(s, limit)
	var b strings.Builder
	b.Grow(len(s))
	gap := false // spaces seen and not written yet: none are written at the ends of a line
	atStart := true
	shaped := false // the character before is of a script that is shaped
	for _, r := range norm.NFC.String(strings.ToValidUTF8(s, string(utf8.RuneError))) {
		switch {
		case r == '\n' || r == '\v' || r == '\f' || r == '\u0085' || r == '\u2028' || r == '\u2029':
			if !multiline {
				gap = true
				continue
			}
			b.WriteByte('\n')
			gap, atStart = false, true
			continue
		case r == '\u00a0' || r == '\u202f' || r == '\u2007':
			r = noBreakSpace
		case r == '\t' || unicode.Is(unicode.Zs, r):
			gap = true
			continue
		case marks && steers(r), shaped && !gap && (r == '\u200c' || r == '\u200d'):
		case unicode.In(r, unicode.Cc, unicode.Cf):
			continue
		case unicode.In(r, unicode.Noncharacter_Code_Point, unicode.Co): // nothing, or a private agreement
			r = utf8.RuneError
		}
		if gap && !atStart {
			b.WriteByte(' ')
		}
		gap, atStart = false, false
		shaped = unicode.In(r, unicode.Arabic, unicode.Devanagari)
		b.WriteRune(r)
	}
	out := strings.Trim(b.String(), " \n\u00a0\u200c\u200d")
	if shortened {
		out += string(ellipsis)
	}
	return out
}

// plain tells whether s is printable ASCII with single spaces inside: what most texts are, and what clean leaves as it is.
func plain(s string, limit int) bool {
	if len(s) > limit {
		return false
	}
	previous := byte(' ')
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' || s[i] == ' ' && previous == ' ' {
			return false
		}
		previous = s[i]
	}
	return s == "" || previous != ' '
}

// shorten cuts s after limit characters.
func shorten(s string, limit int) (string, bool) {
	if len(s) <= limit {
		return s, false
	}
	for i := range s {
		if limit--; limit < 0 {
			return s[:i], true
		}
	}
	return s, false
}

// substitute returns what may be drawn in place of a character no font has: the digit of another script as an ASCII one,
// a compatibility character (full-width, ligature, mathematical letter) as the plain ones it stands for. Empty when there
// is nothing as good.
func substitute(r rune) string {
	if d, ok := digit(r); ok {
		return string(d)
	}
	if plain := norm.NFKC.String(string(r)); plain != string(r) {
		return plain
	}
	if unicode.Is(unicode.Pd, r) || r == '\u2212' {
		return "-"
	}
	return ""
}

// digit returns the ASCII digit with the value of a decimal digit of any script.
func digit(r rune) (rune, bool) {
	if r >= '0' && r <= '9' {
		return r, true
	}
	// Unicode allots decimal digits in runs of ten that begin with zero (The Unicode Standard §4.6).
	for _, span := range unicode.Nd.R16 {
		if r >= rune(span.Lo) && r <= rune(span.Hi) {
			return '0' + (r-rune(span.Lo))%10, true
		}
	}
	for _, span := range unicode.Nd.R32 {
		if r >= rune(span.Lo) && r <= rune(span.Hi) {
			return '0' + (r-rune(span.Lo))%10, true
		}
	}
	return 0, false
}

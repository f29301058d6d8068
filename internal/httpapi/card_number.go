package httpapi

import (
	"maps"
	"slices"
	"strconv"
	"unicode"

	"foyer/internal/foyer"
)

// Card numbers belong into the gateway's own form. One that is typed into a field of ours is refused before anything is
// stored or logged, so that none of what PCI DSS asks of who keeps them is ever asked of whoever runs Foyer (SAQ A).

// Lengths of card numbers (ISO/IEC 7812), and the longest telephone number (E.164).
const (
	shortestCard = 13
	longestCard  = 19
	longestPhone = 15
)

// secretTexts are fields whose texts somebody drew at random: what looks like a card number there is chance.
var secretTexts = []string{"token", "code_verifier", "code_challenge", "refresh_token", "ticket", "after"}

// cardNumbers finds texts that hold a card number, whatever they are for.
func cardNumbers(value any, path []string) []foyer.FieldError {
	var out []foyer.FieldError
	switch v := value.(type) {
	case string:
		name := ""
		if len(path) > 0 {
			name = path[len(path)-1]
		}
		if holdsCardNumber(name, v) {
			return []foyer.FieldError{{Pointer: pointer(path), Code: "input.card_number"}}
		}
	case []any:
		for i, item := range v {
			out = append(out, cardNumbers(item, append(slices.Clone(path), strconv.Itoa(i)))...)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			below := append(slices.Clone(path), key)
			if holdsCardNumber("", key) { // the name of a metadata entry is a text, too
				out = append(out, foyer.FieldError{Pointer: pointer(below), Code: "input.card_number"})
			}
			out = append(out, cardNumbers(v[key], below)...)
		}
	}
	return out
}

// holdsCardNumber tells whether the text of a field holds a card number, written in one or in groups.
func holdsCardNumber(field, text string) bool {
	if len(text) < shortestCard || slices.Contains(secretTexts, field) {
		return false
	}
	for _, run := range digitRuns([]rune(text)) {
		if run.holdsCard() {
			return true
		}
	}
	return false
}

// digitRun is digits with nothing but spaces, dashes and dots between them; groups says where each group begins and the
// last one ends. A number next to a letter is a part of something else, an id most likely.
type digitRun struct {
	digits []byte
	groups []int
	plus   bool
}

func digitRuns(text []rune) []digitRun {
	var runs []digitRun
	var run digitRun
	end := func() {
		if len(run.digits) >= shortestCard {
			run.groups = append(run.groups, len(run.digits))
			runs = append(runs, run)
		}
		run = digitRun{}
	}
	for i := 0; i < len(text); {
		digit, ok := digitOf(text[i])
		switch {
		case ok:
			start := i
			group := []byte{digit}
			for i++; i < len(text); i++ {
				if digit, ok = digitOf(text[i]); !ok {
					break
				}
				group = append(group, digit)
			}
			if start > 0 && wordy(text[start-1]) || i < len(text) && wordy(text[i]) {
				end()
				continue
			}
			if len(run.digits) == 0 {
				run.plus = start > 0 && text[start-1] == '+'
			}
			run.groups = append(run.groups, len(run.digits))
			run.digits = append(run.digits, group...)
		case separates(text[i]):
			i++
		default:
			end()
			i++
		}
	}
	end()
	return runs
}

// digitOf reads a digit, full-width ones too.
func digitOf(r rune) (byte, bool) {
	switch {
	case r >= '0' && r <= '9':
		return byte(r - '0'), true
	case r >= '０' && r <= '９':
		return byte(r - '０'), true
	}
	return 0, false
}

func wordy(r rune) bool { return unicode.IsLetter(r) || r == '_' }

func separates(r rune) bool {
	return r == '.' || r == '\u00b7' || unicode.IsSpace(r) || unicode.Is(unicode.Pd, r) || unicode.Is(unicode.Cf, r)
}

// holdsCard looks at the whole run and, because an expiry date or a security code may follow, at every part of it that is
// made of whole groups.
func (d digitRun) holdsCard() bool {
	if d.plus && len(d.digits) <= longestPhone {
		return false
	}
	for i, from := range d.groups[:len(d.groups)-1] {
		for _, to := range d.groups[i+1:] {
			part := d.digits[from:to]
			if len(part) > longestCard {
				break
			}
			if len(part) < shortestCard || !luhn(part) {
				continue
			}
			if whole := len(part) == len(d.digits); whole && part[0] >= 2 && part[0] <= 6 || issued(part) {
				return true
			}
		}
	}
	return false
}

// issued tells whether a number has the beginning and the length of one of the large schemes: parts of longer numbers
// (bank accounts) pass the check digit by chance.
func issued(number []byte) bool {
	four := int(number[0])*1000 + int(number[1])*100 + int(number[2])*10 + int(number[3])
	switch n := len(number); {
	case four/1000 == 4: // Visa
		return n == 13 || n == 16 || n == 19
	case four >= 5100 && four <= 5599, four >= 2221 && four <= 2720: // Mastercard
		return n == 16
	case four/100 == 34, four/100 == 37: // American Express
		return n == 15
	case four/100 == 36, four/100 == 38, four/100 == 39, four >= 3000 && four <= 3059: // Diners Club
		return n == 14
	case four >= 3528 && four <= 3589, four == 6011, four/100 == 62, four/100 == 65, four >= 6440 && four <= 6499: // JCB, Discover, UnionPay
		return n >= 16
	}
	return false
}

// luhn checks the check digit (ISO/IEC 7812-1, annex B).
func luhn(number []byte) bool {
	sum := 0
	for i, digit := range number {
		d := int(digit)
		if (len(number)-i)%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

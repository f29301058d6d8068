package i18n

import (
	"strconv"
	"strings"

	"github.com/bojanz/currency"

	"foyer/internal/foyer"
)

// amounts is how a locale writes amounts of money. It is read once off what bojanz/currency answers: formatting through
// the library takes microseconds and dozens of allocations, and a list of payments holds some 200 amounts.
type amounts struct {
	figures  figures
	minus    string
	patterns map[foyer.Currency]pattern
	// patternOf makes the pattern of a currency the library does not know.
	patternOf func(foyer.Currency) pattern
}

// pattern is what belongs to a currency: its decimals, and what stands around the figures of an amount, which is a
// sign, the currency, spaces and marks of direction.
type pattern struct {
	decimals           int
	positive, negative affixes
}

// Money returns the amount as people of the locale write it: "€19.99", "19,99 €", "¥1,000". The number of decimals is
// the currency's in ISO 4217, always: the amount is shown as it is stored. A currency CLDR has no symbol for in the
// locale stands as the library has it, with its English symbol ("19,99 $" in Italian, where CLDR writes USD).
func (l Locale) Money(m foyer.Money) string {
	a := l.format().amounts()
	p, ok := a.patterns[m.Currency]
	if !ok {
		p = a.patternOf(m.Currency)
	}
	around, magnitude := p.positive, uint64(m.Amount)
	if m.Amount < 0 {
		around, magnitude = p.negative, -magnitude
	}
	var buffer [24]byte
	digits := strconv.AppendUint(buffer[:0], magnitude, 10)
	for len(digits) <= p.decimals {
		digits = append(digits, 0)
		copy(digits[1:], digits)
		digits[0] = '0'
	}
	whole := len(digits) - p.decimals

	var text [64]byte
	out := append(text[:0], around.before...)
	out = a.figures.appendTo(out, digits[:whole], digits[whole:])
	out = append(out, around.after...)
	return string(out)
}

// sample is the currency whose amounts are taken apart to learn what all amounts of a locale have in common.
const sample = "EUR"

// newAmounts learns a locale's way with amounts.
func newAmounts(locale currency.Locale) *amounts {
	formatter := currency.NewFormatter(locale)
	a := &amounts{
		figures:  readFigures(formatter),
		minus:    readMinus(formatter),
		patterns: map[foyer.Currency]pattern{},
		patternOf: func(c foyer.Currency) pattern {
			f := currency.NewFormatter(locale)
			f.SymbolMap[sample] = string(c)
			p := readPattern(f, sample)
			p.decimals = c.Decimals()
			return p
		},
	}
	for _, code := range currency.GetCurrencyCodes() {
		a.patterns[foyer.Currency(code)] = readPattern(formatter, code)
	}
	return a
}

// readPattern takes apart what stands around the figures of an amount.
func readPattern(f *currency.Formatter, code string) pattern {
	around := func(amount string) affixes {
		before, after, _ := strings.Cut(written(f, amount, code, 0), "1")
		return affixes{before, after}
	}
	return pattern{foyer.Currency(code).Decimals(), around("1"), around("-1")}
}

// readMinus takes the sign, with its marks of direction, off a negative amount without a currency.
func readMinus(f *currency.Formatter) string {
	f.CurrencyDisplay = currency.DisplayNone
	defer func() { f.CurrencyDisplay = currency.DisplaySymbol }()
	p := readPattern(f, sample)
	return strings.TrimPrefix(p.negative.before, p.positive.before)
}

// readFigures takes apart an amount long enough to show two groups, and looks from which length on there are any.
func readFigures(f *currency.Formatter) figures {
	var out figures
	text := written(f, "1111111111.5", sample, 1)
	text = text[strings.IndexByte(text, '1') : strings.IndexByte(text, '5')+1]
	runs := strings.FieldsFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	separators := strings.FieldsFunc(text, func(r rune) bool { return r >= '0' && r <= '9' })
	last := len(separators) - 1
	out.decimal = separators[last]
	if last > 0 {
		out.group = separators[0]
		out.primary = len(runs[len(runs)-2])
		out.secondary = len(runs[len(runs)-3])
	}
	for amount := "1"; out.group != ""; amount += "1" {
		if strings.Contains(written(f, amount, sample, 0), out.group+"1") {
			out.least = len(amount)
			break
		}
	}
	return out
}

// written returns the library's own answer. It is asked for amounts and currencies it knows only.
func written(f *currency.Formatter, amount, code string, decimals uint8) string {
	f.MinDigits, f.MaxDigits = decimals, decimals
	a, err := currency.NewAmount(amount, code)
	if err != nil {
		panic(err)
	}
	return f.Format(a)
}

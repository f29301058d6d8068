package i18n

import (
	"strconv"
	"strings"

	"foyer/internal/foyer"
)

// figures is how a locale writes the figures of a number. They are 0 to 9 in all of ours: CLDR's default for Arabic is
// Western figures too; regions that write ٠ to ٩ (ar-EG) would need a locale of their own.
type figures struct {
	decimal, group string
	// primary is the size of the last group, secondary that of the others.
	primary, secondary int
	// least is the number of digits from which on there are groups; 0 means never.
	least int
}

// appendTo writes the digits of the whole part, in groups, and those of the fraction.
func (f figures) appendTo(out, whole, fraction []byte) []byte {
	grouped := f.least > 0 && len(whole) >= f.least
	for i, d := range whole {
		left := len(whole) - i
		if grouped && i > 0 && (left == f.primary || left > f.primary && (left-f.primary)%f.secondary == 0) {
			out = append(out, f.group...)
		}
		out = append(out, d)
	}
	if len(fraction) > 0 {
		out = append(out, f.decimal...)
		out = append(out, fraction...)
	}
	return out
}

// Number returns n with the locale's grouping: "1,234,567", "1.234.567", "1 234 567".
func (l Locale) Number(n int64) string { return l.number(strconv.FormatInt(n, 10), 0, affixes{}) }

// Decimal returns r with the locale's separators, exactly, without trailing zeros. What is no plain decimal is returned
// as it came: it is a fact of an imported document, and ours to show, not to judge.
func (l Locale) Decimal(r foyer.Rate) string { return l.number(string(r), 0, affixes{}) }

// Percent returns r in hundredths: "0.08875" is "8.875%" in English, "8,875 %" in German. It is exact, without
// trailing zeros; what is no plain decimal is returned as it came.
func (l Locale) Percent(r foyer.Rate) string { return l.number(string(r), 2, l.format().percent) }

// number writes a plain decimal, its point moved right by shift places, between the affixes.
func (l Locale) number(plain string, shift int, around affixes) string {
	unsigned, negative := strings.CutPrefix(plain, "-")
	whole, fraction, _ := strings.Cut(unsigned, ".")
	if digits := whole + fraction; digits == "" || strings.Trim(digits, "0123456789") != "" {
		return plain
	}
	for len(fraction) < shift {
		fraction += "0"
	}
	whole, fraction = strings.TrimLeft(whole+fraction[:shift], "0"), strings.TrimRight(fraction[shift:], "0")
	if whole == "" {
		whole = "0"
	}
	a := l.format().amounts()
	out := make([]byte, 0, 64)
	if negative && (whole != "0" || fraction != "") {
		out = append(out, a.minus...)
	}
	out = append(out, around.before...)
	out = a.figures.appendTo(out, []byte(whole), []byte(fraction))
	out = append(out, around.after...)
	return string(out)
}

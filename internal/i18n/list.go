package i18n

import "strings"

// listing is how a locale writes a list: what stands between its entries, and between the last two.
type listing struct{ between, last string }

// listings are CLDR's standard lists ("A, B and C"). Those of two entries are joined as the last two of longer ones are, but in English,
// whose comma before "and" only long ones have.
var listings = map[string]listing{
	"en": {", ", " and "}, "fr": {", ", " et "}, "de": {", ", " und "}, "es": {", ", " y "}, "it": {", ", " e "}, "pt": {", ", " e "}, "pt-BR": {", ", " e "},
	"nl": {", ", " en "}, "da": {", ", " og "}, "sv": {", ", " och "}, "no": {", ", " og "}, "fi": {", ", " ja "}, "pl": {", ", " i "}, "cs": {", ", " a\u00a0"},
	"ru": {", ", " и "}, "tr": {", ", " ve "}, "ar": {" و", " و"}, "ja": {"、", "、"}, "ko": {", ", " 및 "}, "zh-Hans": {"、", "和"}, "zh-Hant": {"、", "和"},
}

// List writes the entries as the locale lists them: "A", "A and B", "A, B, and C".
func (l Locale) List(entries []string) string {
	if len(entries) < 2 {
		return strings.Join(entries, "")
	}
	of, known := listings[l.Tag]
	if !known {
		of = listings[English.Tag]
	}
	final := entries[len(entries)-1]
	switch {
	case (l.Tag == English.Tag || !known) && len(entries) > 2:
		of.last = ", and "
	case l.Tag == "es" && soundsLikeI(final):
		of.last = " e "
	}
	return strings.Join(entries[:len(entries)-1], of.between) + of.last + final
}

// Enumerate writes entries of a list that goes on.
func (l Locale) Enumerate(entries []string) string {
	of, known := listings[l.Tag]
	if !known {
		of = listings[English.Tag]
	}
	return strings.Join(entries, of.between)
}

// soundsLikeI tells whether a Spanish word begins with the sound of "y", before which "y" is "e": "padres e hijos", but "nieve y hielo".
func soundsLikeI(word string) bool {
	word = strings.ToLower(word)
	return strings.HasPrefix(word, "i") || strings.HasPrefix(word, "hi") && !strings.HasPrefix(word, "hia") && !strings.HasPrefix(word, "hie")
}

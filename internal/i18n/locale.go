package i18n

import (
	"errors"
	"strings"

	"golang.org/x/text/language"
)

// Locale is the language of a response: Language for its texts, Tag for its formats. It is two short strings, so that it
// can be copied, compared and used as a key. Take one from Parse, MatchAccept or English; the zero value reads as English.
type Locale struct {
	// Tag is the BCP 47 tag whose formats are used, one of Locales.
	Tag string
	// Language is the tag of the bundle the texts come from, what Content-Language tells; it differs from Tag where
	// there is no bundle yet.
	Language string
}

// Locales lists every locale with formats of its own, in the order documentation shows them.
var Locales = []string{
	"en", "fr", "de", "es", "it", "pt", "pt-BR", "nl", "da", "sv", "no", "fi", "pl", "cs", "ru", "tr", "ar", "ja", "ko",
	"zh-Hans", "zh-Hant",
}

// English is the locale of everything nothing better is known for.
var English = Locale{Tag: "en", Language: "en"}

// maxTag is the length RFC 5646 §4.4.1 asks every reader of language tags to accept, and the most we look at.
const maxTag = 35

// maxAccepted is how many languages of an Accept-Language header are looked at. Browsers send fewer than ten; a header
// that lists thousands costs no more than this many.
const maxAccepted = 32

// Parse reads a BCP 47 tag as a customer's profile or ?locale= gives it; letter case and underscores are forgiven.
// A region or script we have no formats for gives its language ("de-AT" → de, "zh-TW" → zh-Hant, "nn" → no), a language
// we have none for gives English: ask Known to tell the two apart. False, with English, when it is no well-formed tag.
func Parse(tag string) (Locale, bool) {
	l, _, wellFormed := parse(tag)
	return l, wellFormed
}

// Known tells whether the tag's language is one of Locales, so that a customer's choice is kept rather than replaced.
func Known(tag string) bool {
	_, known, _ := parse(tag)
	return known
}

// Find returns the locale of a tag whose language is one of Locales; false for every other one, so that the next best wish counts.
func Find(tag string) (Locale, bool) {
	l, known, _ := parse(tag)
	return l, known
}

// MatchAccept returns the locale an Accept-Language header (RFC 9110 §12.5.4) likes best: of the languages known to us
// the one with the highest weight, the first among equals. False when there is none; "*" names none.
func MatchAccept(header string) (Locale, bool) {
	best, bestWeight := English, 0
	seen := 0
	for element := range strings.SplitSeq(header, ",") {
		if seen++; seen > maxAccepted {
			break
		}
		tag, parameters, _ := strings.Cut(element, ";")
		w := weight(parameters)
		if w <= bestWeight {
			continue
		}
		if l, known, _ := parse(strings.Trim(tag, " \t")); known {
			best, bestWeight = l, w
		}
	}
	return best, bestWeight > 0
}

// parse does the work of Parse and Known.
func parse(tag string) (l Locale, known, wellFormed bool) {
	if l, ok := byTag[tag]; ok {
		return l, true, true
	}
	if tag == "" || len(tag) > maxTag {
		return English, false, false
	}
	t, err := language.Parse(tag)
	var unregistered language.ValueError // well-formed, but a part of it is in no registry
	if err != nil && !errors.As(err, &unregistered) {
		return English, false, false
	}
	if l, ok := byTag[nearest(t)]; ok {
		return l, true, true
	}
	return English, false, true
}

// nearest returns the tag of Locales that serves t, or one that is not in Locales. A table of likenesses such as
// language.Matcher would go further (Catalan → Spanish, Breton → French): guesses a bill had better not make.
func nearest(t language.Tag) string {
	base, _, region := t.Raw()
	switch base.String() {
	case "zh", "cmn": // cmn is Mandarin, which zh stands for
		if script, _ := t.Script(); script.String() == "Hant" { // the likely one where the tag has none: zh-TW → Hant
			return "zh-Hant"
		}
		return "zh-Hans"
	case "pt":
		if region.String() == "BR" {
			return "pt-BR"
		}
		return "pt"
	case "nb", "nn":
		return "no"
	}
	return base.String()
}

// weight reads "q=0.8" as 800. Without a weight it is 1000; what cannot be read counts as 0, "not acceptable".
func weight(parameters string) int {
	parameters = strings.Trim(parameters, " \t")
	if parameters == "" {
		return 1000
	}
	name, value, _ := strings.Cut(parameters, "=")
	if !strings.EqualFold(strings.TrimRight(name, " \t"), "q") || len(value) == 0 || len(value) > 5 {
		return 0
	}
	whole, fraction, dotted := strings.Cut(value, ".")
	thousandths := 0
	for i, unit := 0, 100; i < len(fraction); i, unit = i+1, unit/10 {
		if fraction[i] < '0' || fraction[i] > '9' {
			return 0
		}
		thousandths += int(fraction[i]-'0') * unit
	}
	switch {
	case whole == "1" && thousandths == 0:
		return 1000
	case whole == "0" && (dotted || value == "0"):
		return thousandths
	}
	return 0
}

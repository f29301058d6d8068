package retention

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/net/publicsuffix"
	"golang.org/x/text/unicode/norm"
)

// Names of companies and people that are written without a space look like the name of a host: those that begin with a title, and some.
var (
	titles        = []string{"dr", "prof", "hr", "fr", "fa", "st", "nr"}
	abbreviations = []string{"co.kg", "dipl.ing"}
)

// hasLink tells whether a mail program would make a link of a part of the text: the mail it stands in goes to whoever was named, and
// must be of no use to those who send advertising or bait.
func hasLink(s string) bool {
	s = strings.NewReplacer("\u3002", ".", "\u200b", "", "\u00ad", "").Replace(strings.ToLower(norm.NFKC.String(s)))
	for _, scheme := range []string{"://", "http:/", "https:/", "mailto:", "www."} {
		if strings.Contains(s, scheme) {
			return true
		}
	}
	for _, word := range strings.FieldsFunc(s, func(r rune) bool { return !partOfHost(r) && r != '@' }) {
		if isHost(strings.Trim(word, ".-")) {
			return true
		}
	}
	return false
}

func partOfHost(r rune) bool {
	return r == '.' || r == '-' || unicode.IsLetter(r) || unicode.IsDigit(r)
}

// isHost tells whether a word is the name of a host: one below an ending the registries know. "v1.2" and "Dr.Weber" are none, and neither
// is an address, which somebody may give to say whose contract it is.
func isHost(word string) bool {
	suffix, registered := publicsuffix.PublicSuffix(word)
	if !registered || suffix == word || strings.Contains(word, "@") {
		return false
	}
	title, name, _ := strings.Cut(word, ".")
	return !slices.Contains(abbreviations, word) && (strings.Contains(name, ".") || !slices.Contains(titles, title))
}

// unlinked puts a space into the addresses of a text, so that no program that shows it makes links of them. One of no width would not be
// drawn.
func unlinked(s string) string {
	return strings.NewReplacer(":/", ": /", "www.", "www. ", "WWW.", "WWW. ").Replace(s)
}

package invoice

import (
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"foyer/internal/i18n"
)

// maxNamePart is how long each part of a file name may be.
const maxNamePart = 60

// FileName returns the name a document is downloaded under, made of the language's word for it and its number:
// "invoice-325-10566.pdf", and of a later revision which it is: "invoice-325-10566-r2.pdf". It has nothing but ASCII letters, digits, hyphens and one dot, so that no header, shell or
// file system reads anything else in it. The id stands in for a number with nothing usable.
func FileName(inv Invoice, locale i18n.Locale) string {
	word := fileWord(title(inv, locale))
	if word == "" {
		word = fileWord(string(inv.Kind))
	}
	revision := ""
	if inv.Revision > 1 {
		revision = "r" + strconv.Itoa(inv.Revision)
	}
	return joined("-", word, first(namePart(inv.Number), namePart(string(inv.ID))), revision) + ".pdf"
}

// StatementFileName returns the name a statement is downloaded under, made of the language's word for what it is and its
// reference: "kundigungsbestatigung-can-7.pdf". It is as safe as FileName. A word with nothing usable (of a script that is
// not Latin) becomes "document".
func StatementFileName(word, reference string) string {
	return joined("-", first(fileWord(word), "document"), namePart(reference)) + ".pdf"
}

// fileWord is a word as the names of files begin with.
func fileWord(word string) string { return strings.ToLower(namePart(word)) }

// namePart keeps what is safe in a file name: ASCII letters without their accents, digits of every script as ASCII ones,
// and one hyphen for everything between.
func namePart(s string) string {
	var b strings.Builder
	gap := false
	for _, r := range norm.NFKD.String(clean(s, 4*maxNamePart, false)) {
		if d, ok := digit(r); ok {
			r = d
		}
		switch {
		case r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)):
			if gap && b.Len() > 0 {
				b.WriteByte('-')
			}
			gap = false
			if b.WriteRune(r); b.Len() >= maxNamePart {
				return b.String()
			}
		case unicode.Is(unicode.M, r):
		default:
			gap = true
		}
	}
	return b.String()
}

package i18n

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Named writes a code as the name people know: the text there is for it under the prefix, else its words with capitals.
func (l Locale) Named(prefix, code string) string {
	if l.HasText(prefix + code) {
		return l.Text(prefix+code, nil)
	}
	words := strings.Fields(strings.ReplaceAll(code, "_", " "))
	for i, w := range words {
		initial, size := utf8.DecodeRuneInString(w)
		words[i] = string(unicode.ToUpper(initial)) + w[size:]
	}
	return strings.Join(words, " ")
}

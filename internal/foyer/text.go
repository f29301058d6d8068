package foyer

import (
	"unicode"
	"unicode/utf8"
)

// CleanText tells whether a string a person typed is safe to keep and to show: valid UTF-8, no NUL or other control
// character except, where multiline is set, line feed and tab; and none of the bidirectional overrides that make a text
// read other than it is stored (Trojan Source, CVE-2021-42574). Right-to-left letters, emoji and joiners are welcome.
func CleanText(s string, multiline bool) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		switch {
		case multiline && (r == '\n' || r == '\t'):
		case unicode.IsControl(r), r == '\u2028', r == '\u2029':
			return false
		case r >= '\u202A' && r <= '\u202E', r >= '\u2066' && r <= '\u2069':
			return false
		case r == utf8.RuneError, r >= 0xFDD0 && r <= 0xFDEF, r&0xFFFE == 0xFFFE:
			return false
		}
	}
	return true
}

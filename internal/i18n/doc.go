// Package i18n owns every text Foyer says and how money, numbers, percentages and dates are written in a language.
//
// A response has two languages that are not always the same: the language of its texts (English or German today; what
// has no bundle falls back to English and says so in Content-Language) and the locale of its formats (every locale of
// Locales, from CLDR data). Locale carries both.
//
// A further language for texts is a file in locales/; the tests say what it lacks. A further locale for formats is an
// entry in Locales, one in formats and a run of testdata/cldr.mjs, whose answers the tests compare with.
//
// It does not decide which language a response has (httpapi does) and holds no mail or document templates.
package i18n

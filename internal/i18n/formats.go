package i18n

import (
	"sync"

	"github.com/bojanz/currency"
	"github.com/go-playground/locales"
	"github.com/go-playground/locales/ar"
	"github.com/go-playground/locales/cs"
	"github.com/go-playground/locales/da"
	"github.com/go-playground/locales/de"
	"github.com/go-playground/locales/en"
	"github.com/go-playground/locales/es"
	"github.com/go-playground/locales/fi"
	"github.com/go-playground/locales/fr"
	"github.com/go-playground/locales/it"
	"github.com/go-playground/locales/ja"
	"github.com/go-playground/locales/ko"
	"github.com/go-playground/locales/nb"
	"github.com/go-playground/locales/nl"
	"github.com/go-playground/locales/pl"
	"github.com/go-playground/locales/pt_BR"
	"github.com/go-playground/locales/pt_PT"
	"github.com/go-playground/locales/ru"
	"github.com/go-playground/locales/sv"
	"github.com/go-playground/locales/tr"
	"github.com/go-playground/locales/zh_Hans"
	"github.com/go-playground/locales/zh_Hant"
)

// format is how one locale writes amounts, numbers and dates. Amounts and the separators of numbers come from
// bojanz/currency, days from go-playground/locales; what neither has right stands in the table below. The tests compare
// all of it with ICU (testdata/cldr.json).
type format struct {
	days    func() locales.Translator
	amounts func() *amounts
	percent affixes
	clock   clock
}

// affixes stand before and after the figures of a number.
type affixes struct{ before, after string }

// clock is how the time of day follows a date: " at " 15 ":" 04 " UTC".
type clock struct{ at, separator, zone string }

// How locales write a percentage.
var (
	percentTight  = affixes{"", "%"}
	percentSpaced = affixes{"", "\u00a0%"}
	percentBefore = affixes{"%", ""}
	percentArabic = affixes{"", "\u200e%\u200e"} // marks that keep the sign right of its figures in an Arabic sentence
)

// formats has an entry for every tag of Locales.
var formats = map[string]*format{
	"en":      newFormat("en", en.New, percentTight, clock{" at ", ":", " UTC"}),
	"fr":      newFormat("fr", fr.New, percentSpaced, clock{" à ", ":", " UTC"}),
	"de":      newFormat("de", de.New, percentSpaced, clock{" um ", ":", " UTC"}),
	"es":      newFormat("es", es.New, percentSpaced, clock{" a las ", ":", " UTC"}),
	"it":      newFormat("it", it.New, percentTight, clock{" alle ore ", ":", " UTC"}),
	"pt":      newFormat("pt-PT", pt_PT.New, percentTight, clock{" às ", ":", " UTC"}), // CLDR's own "pt" is Brazil's
	"pt-BR":   newFormat("pt-BR", pt_BR.New, percentTight, clock{" às ", ":", " UTC"}),
	"nl":      newFormat("nl", nl.New, percentTight, clock{" om ", ":", " UTC"}),
	"da":      newFormat("da", da.New, percentSpaced, clock{" kl. ", ".", " UTC"}),
	"sv":      newFormat("sv", sv.New, percentSpaced, clock{" kl. ", ":", " UTC"}),
	"no":      newFormat("nb", nb.New, percentSpaced, clock{" kl. ", ":", " UTC"}),
	"fi":      newFormat("fi", fi.New, percentSpaced, clock{" klo ", ".", " UTC"}),
	"pl":      newFormat("pl", pl.New, percentTight, clock{" ", ":", " UTC"}),
	"cs":      newFormat("cs", cs.New, percentSpaced, clock{" v ", ":", " UTC"}),
	"ru":      newFormat("ru", ru.New, percentSpaced, clock{" в ", ":", " UTC"}),
	"tr":      newFormat("tr", tr.New, percentBefore, clock{" ", ":", " UTC"}),
	"ar":      newFormat("ar", ar.New, percentArabic, clock{" في ", ":", " UTC"}),
	"ja":      newFormat("ja", ja.New, percentTight, clock{" ", ":", " UTC"}),
	"ko":      newFormat("ko", ko.New, percentTight, clock{" ", ":", " UTC"}),
	"zh-Hans": newFormat("zh-Hans", zh_Hans.New, percentTight, clock{" UTC ", ":", ""}),
	"zh-Hant": newFormat("zh-Hant", zh_Hant.New, percentTight, clock{" ", ":", " [UTC]"}),
}

// newFormat puts off what takes time until the locale is first used.
func newFormat(cldr string, days func() locales.Translator, percent affixes, c clock) *format {
	return &format{
		days:    sync.OnceValue(days),
		amounts: sync.OnceValue(func() *amounts { return newAmounts(currency.NewLocale(cldr)) }),
		percent: percent,
		clock:   c,
	}
}

// format returns the formats of l.Tag, English ones for a tag that is not in Locales.
func (l Locale) format() *format {
	if f, ok := formats[l.Tag]; ok {
		return f
	}
	return formats[English.Tag]
}

package i18n_test

import (
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bojanz/currency"

	"foyer/internal/foyer"
	"foyer/internal/i18n"
)

// cldr is what ICU writes, by what it was given; testdata/cldr.mjs made it.
type cldr struct {
	Number, Decimal, Percent, Date, DateTime, List map[string]string
	Money                                          map[string]map[string]string
}

// TestFormatsAreThoseOfCLDR compares every format of every locale with ICU. One difference remains: bojanz/currency shows
// the English symbol where CLDR has none for the locale and ICU shows the code (JPY in French: "¥", ICU "JPY").
func TestFormatsAreThoseOfCLDR(t *testing.T) {
	data, err := os.ReadFile("testdata/cldr.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct{ Locales map[string]cldr }
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	for _, tag := range i18n.Locales {
		l, w := i18n.Locale{Tag: tag}, want.Locales[tag]
		if len(w.Number) == 0 || len(w.Date) == 0 || len(w.Money) == 0 || len(w.List) == 0 {
			t.Errorf("%s: nothing to compare with; run cldr.mjs", tag)
		}
		compare(t, tag+" number", w.Number, func(s string) string { return l.Number(integer(t, s)) })
		compare(t, tag+" decimal", w.Decimal, func(s string) string { return l.Decimal(foyer.Rate(s)) })
		compare(t, tag+" percent", w.Percent, func(s string) string { return l.Percent(foyer.Rate(s)) })
		compare(t, tag+" date", w.Date, func(s string) string { return l.Date(instant(t, s+"T12:00:00Z")) })
		compare(t, tag+" time", w.DateTime, func(s string) string { return l.DateTime(instant(t, s)) })
		compare(t, tag+" list", w.List, func(s string) string { return l.List(strings.Split(s, "|")) })
		for code, amounts := range w.Money {
			symbol, _ := currency.GetSymbol(code, currency.NewLocale("en"))
			for amount, icu := range amounts {
				got := l.Money(foyer.Money{Amount: integer(t, amount), Currency: foyer.Currency(code)})
				if got != icu && strings.Replace(got, symbol, code, 1) != icu {
					t.Errorf("%s %s %s: %q, ICU %q", tag, amount, code, got, icu)
				}
			}
		}
	}
}

func compare(t *testing.T, what string, want map[string]string, format func(string) string) {
	t.Helper()
	for given, icu := range want {
		if got := format(given); got != icu {
			t.Errorf("%s %s: %q, ICU %q", what, given, got, icu)
		}
	}
}

func integer(t *testing.T, s string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func instant(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// TestFormats is the same for people: what each locale looks like.
func TestFormats(t *testing.T) {
	at := time.Date(2024, 4, 5, 0, 4, 0, 0, time.FixedZone("CEST", 2*3600)) // the evening before in UTC
	for _, c := range []struct{ tag, number, negative, percent, date, dateTime string }{
		{"en", "1,234,567", "-0.5", "8.875%", "April 4, 2024", "April 4, 2024 at 22:04 UTC"},
		{"fr", "1\u202f234\u202f567", "-0,5", "8,875\u00a0%", "4 avril 2024", "4 avril 2024 à 22:04 UTC"},
		{"de", "1.234.567", "-0,5", "8,875\u00a0%", "4. April 2024", "4. April 2024 um 22:04 UTC"},
		{"es", "1.234.567", "-0,5", "8,875\u00a0%", "4 de abril de 2024", "4 de abril de 2024 a las 22:04 UTC"},
		{"it", "1.234.567", "-0,5", "8,875%", "4 aprile 2024", "4 aprile 2024 alle ore 22:04 UTC"},
		{"pt", "1\u00a0234\u00a0567", "-0,5", "8,875%", "4 de abril de 2024", "4 de abril de 2024 às 22:04 UTC"},
		{"pt-BR", "1.234.567", "-0,5", "8,875%", "4 de abril de 2024", "4 de abril de 2024 às 22:04 UTC"},
		{"nl", "1.234.567", "-0,5", "8,875%", "4 april 2024", "4 april 2024 om 22:04 UTC"},
		{"da", "1.234.567", "-0,5", "8,875\u00a0%", "4. april 2024", "4. april 2024 kl. 22.04 UTC"},
		{"sv", "1\u00a0234\u00a0567", "\u22120,5", "8,875\u00a0%", "4 april 2024", "4 april 2024 kl. 22:04 UTC"},
		{"no", "1\u00a0234\u00a0567", "\u22120,5", "8,875\u00a0%", "4. april 2024", "4. april 2024 kl. 22:04 UTC"},
		{"fi", "1\u00a0234\u00a0567", "\u22120,5", "8,875\u00a0%", "4. huhtikuuta 2024", "4. huhtikuuta 2024 klo 22.04 UTC"},
		{"pl", "1\u00a0234\u00a0567", "-0,5", "8,875%", "4 kwietnia 2024", "4 kwietnia 2024 22:04 UTC"},
		{"cs", "1\u00a0234\u00a0567", "-0,5", "8,875\u00a0%", "4. dubna 2024", "4. dubna 2024 v 22:04 UTC"},
		{"ru", "1\u00a0234\u00a0567", "-0,5", "8,875\u00a0%", "4 апреля 2024 г.", "4 апреля 2024 г. в 22:04 UTC"},
		{"tr", "1.234.567", "-0,5", "%8,875", "4 Nisan 2024", "4 Nisan 2024 22:04 UTC"},
		{"ar", "1,234,567", "\u200e-0.5", "8.875\u200e%\u200e", "4 أبريل 2024", "4 أبريل 2024 في 22:04 UTC"},
		{"ja", "1,234,567", "-0.5", "8.875%", "2024年4月4日", "2024年4月4日 22:04 UTC"},
		{"ko", "1,234,567", "-0.5", "8.875%", "2024년 4월 4일", "2024년 4월 4일 22:04 UTC"},
		{"zh-Hans", "1,234,567", "-0.5", "8.875%", "2024年4月4日", "2024年4月4日 UTC 22:04"},
		{"zh-Hant", "1,234,567", "-0.5", "8.875%", "2024年4月4日", "2024年4月4日 22:04 [UTC]"},
	} {
		l := i18n.Locale{Tag: c.tag}
		for _, check := range []struct{ got, want string }{
			{l.Number(1234567), c.number},
			{l.Decimal("-0.50"), c.negative},
			{l.Percent("0.08875"), c.percent},
			{l.Date(at), c.date},
			{l.DateTime(at), c.dateTime},
		} {
			if check.got != check.want {
				t.Errorf("%s: %q, want %q", c.tag, check.got, check.want)
			}
		}
	}
}

func TestLists(t *testing.T) {
	for _, c := range []struct {
		entries    string
		list, more string
	}{
		{"", "", ""}, {"A", "A", "A"}, {"A|B", "A and B", "A, B"}, {"A|B|C", "A, B, and C", "A, B, C"},
	} {
		var entries []string
		if c.entries != "" {
			entries = strings.Split(c.entries, "|")
		}
		for _, l := range []i18n.Locale{i18n.English, {}} {
			if list, more := l.List(entries), l.Enumerate(entries); list != c.list || more != c.more {
				t.Errorf("%q: %q and %q, want %q and %q", c.entries, list, more, c.list, c.more)
			}
		}
	}
}

func TestPercentAndDecimalAreExact(t *testing.T) {
	for _, c := range []struct {
		rate             foyer.Rate
		percent, decimal string
	}{
		{"0.19", "19%", "0.19"},
		{"0.190", "19%", "0.19"},
		{"0.00", "0%", "0"},
		{"-0.00", "0%", "0"},
		{"1", "100%", "1"},
		{"1.", "100%", "1"},
		{".5", "50%", "0.5"},
		{"007", "700%", "7"},
		{"0.000000000000000001", "0.0000000000000001%", "0.000000000000000001"},
		{"1234.56789", "123,456.789%", "1,234.56789"},
		{"-0.055", "-5.5%", "-0.055"},
		// What is no plain decimal is shown as it came.
		{"", "", ""},
		{".", ".", "."},
		{"-", "-", "-"},
		{"1.2.3", "1.2.3", "1.2.3"},
		{"--1", "--1", "--1"},
		{"1e3", "1e3", "1e3"},
		{"19 %", "19 %", "19 %"},
		{"1/3", "1/3", "1/3"},
	} {
		if got := i18n.English.Percent(c.rate); got != c.percent {
			t.Errorf("Percent(%q) = %q, want %q", c.rate, got, c.percent)
		}
		if got := i18n.English.Decimal(c.rate); got != c.decimal {
			t.Errorf("Decimal(%q) = %q, want %q", c.rate, got, c.decimal)
		}
	}
}

func BenchmarkFormats(b *testing.B) {
	l, at := i18n.Locale{Tag: "de"}, time.Date(2024, 4, 5, 15, 4, 0, 0, time.UTC)
	for name, format := range map[string]func(){
		"number":   func() { l.Number(1234567) },
		"percent":  func() { l.Percent("0.08875") },
		"date":     func() { l.Date(at) },
		"dateTime": func() { l.DateTime(at) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				format()
			}
		})
	}
}

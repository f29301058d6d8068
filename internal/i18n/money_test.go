package i18n_test

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/bojanz/currency"

	"foyer/internal/foyer"
	"foyer/internal/i18n"
)

// currencies are those of paddle.md §5, and three that show other numbers of decimals.
var currencies = strings.Fields("USD EUR GBP JPY AUD CAD CHF HKD SGD SEK ARS BRL CNY COP CZK DKK HUF ILS INR KRW MXN NOK NZD PLN " +
	"RUB THB TRY TWD UAH VND ZAR CLP PEN BHD KWD ISK")

var quantities = []int64{
	0, 1, 9, 10, 99, 100, 999, 1000, 9999, 10000, 99999, 100000, 123456, 1234567, 12345678, 123456789, 123456789012,
	-1, -9, -10, -99, -100, -999, -1000, -9999, -10000, -123456, -1234567, -123456789012, math.MaxInt64, math.MinInt64,
}

// library returns the answer of bojanz/currency, asked for exactly the decimals of ISO 4217.
func library(t testing.TB, l i18n.Locale, m foyer.Money) string {
	t.Helper()
	tag := l.Tag
	if tag == "pt" {
		tag = "pt-PT"
	}
	decimals := m.Currency.Decimals()
	digits, negative := strings.CutPrefix(strconv.FormatInt(m.Amount, 10), "-")
	digits = strings.Repeat("0", max(0, decimals+1-len(digits))) + digits
	plain := digits[:len(digits)-decimals] + "." + digits[len(digits)-decimals:]
	if negative {
		plain = "-" + plain
	}
	amount, err := currency.NewAmount(strings.TrimSuffix(plain, "."), string(m.Currency))
	if err != nil {
		t.Fatal(err)
	}
	f := currency.NewFormatter(currency.NewLocale(tag))
	f.MinDigits, f.MaxDigits = uint8(decimals), uint8(decimals)
	return f.Format(amount)
}

func TestMoneyIsWhatTheLibraryAnswers(t *testing.T) {
	for _, tag := range i18n.Locales {
		l := i18n.Locale{Tag: tag}
		check := func(m foyer.Money) {
			if got, want := l.Money(m), library(t, l, m); got != want {
				t.Errorf("%s %d %s: %q, want %q", tag, m.Amount, m.Currency, got, want)
			}
		}
		for _, c := range currencies {
			for _, amount := range quantities {
				check(foyer.Money{Amount: amount, Currency: foyer.Currency(c)})
			}
		}
		for _, c := range currency.GetCurrencyCodes() {
			for _, amount := range []int64{0, 1234567, -1234567} {
				check(foyer.Money{Amount: amount, Currency: foyer.Currency(c)})
			}
		}
	}
}

func TestMoney(t *testing.T) {
	for _, c := range []struct {
		tag      string
		amount   int64
		currency foyer.Currency
		want     string
	}{
		{"en", 1999, "EUR", "€19.99"},
		{"en", -1999, "USD", "-$19.99"},
		{"en", 1000, "JPY", "¥1,000"},
		{"en", 1234, "BHD", "BHD\u00a01.234"},
		{"en", 5, "KWD", "KWD\u00a00.005"},
		{"en", 123456, "HUF", "HUF\u00a01,234.56"}, // two decimals in ISO 4217, none in daily use
		{"en", 123456, "TWD", "NT$1,234.56"},
		{"en", 123456, "ISK", "ISK\u00a0123,456"},
		{"de", 1999, "EUR", "19,99\u00a0€"},
		{"de", -123456, "EUR", "-1.234,56\u00a0€"},
		{"fr", 123456, "EUR", "1\u202f234,56\u00a0€"},
		{"es", 123456, "EUR", "1234,56\u00a0€"}, // groups from 10 000 on
		{"es", 1234567, "EUR", "12.345,67\u00a0€"},
		{"pt", 1234567, "EUR", "12\u00a0345,67\u00a0€"},
		{"pt-BR", 123456, "BRL", "R$\u00a01.234,56"},
		{"nl", -1999, "EUR", "€\u00a0-19,99"},
		{"sv", -123456, "SEK", "\u22121\u00a0234,56\u00a0kr"},
		{"no", 123456, "NOK", "1\u00a0234,56\u00a0kr"},
		{"tr", 123456, "TRY", "₺1.234,56"},
		{"cs", 123456, "CZK", "1\u00a0234,56\u00a0Kč"},
		{"ar", -1999, "USD", "\u200f\u200e-19.99\u00a0US$"},
		{"ja", 1000, "JPY", "￥1,000"},
		{"zh-Hans", 1999, "CNY", "¥19.99"},
		{"zh-Hant", 1999, "TWD", "$19.99"},
		{"en", 1999, "UYW", "UYW\u00a00.1999"}, // in ISO 4217 but not in CLDR
		{"de", 1999, "XQQ", "19,99\u00a0XQQ"},  // in neither
		{"de", 1999, "", "19,99"},
		{"tlh", 1999, "EUR", "€19.99"},
		{"", 1999, "EUR", "€19.99"},
	} {
		l := i18n.Locale{Tag: c.tag}
		if got := l.Money(foyer.Money{Amount: c.amount, Currency: c.currency}); got != c.want {
			t.Errorf("%s %d %s: %q, want %q", c.tag, c.amount, c.currency, got, c.want)
		}
	}
}

func BenchmarkMoney(b *testing.B) {
	for _, tag := range []string{"en", "de", "ar"} {
		b.Run(tag, func(b *testing.B) {
			l, m := i18n.Locale{Tag: tag}, foyer.Money{Amount: 1234567, Currency: "EUR"}
			b.ReportAllocs()
			for b.Loop() {
				l.Money(m)
			}
		})
	}
	b.Run("library", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			library(b, i18n.English, foyer.Money{Amount: 1234567, Currency: "EUR"})
		}
	})
}

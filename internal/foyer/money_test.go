package foyer_test

import (
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/foyer"
)

// edges are amounts around the ends of what 64 bits hold (threat #58).
var edges = []int64{
	0, 1, -1, 2, -2, 3, 7, 100, -100, 1<<31 - 1, 1 << 31, -1 << 31, 1<<53 + 1, 1 << 62, -1 << 62, math.MaxInt64 - 1, math.MaxInt64, math.MinInt64, math.MinInt64 + 1,
}

// Every sum, difference and product is either exact or refused.
func TestMoneyIsExactOrRefused(t *testing.T) {
	for _, a := range edges {
		for _, b := range edges {
			x, y := foyer.Money{Amount: a, Currency: "EUR"}, foyer.Money{Amount: b, Currency: "EUR"}
			bigA, bigB := big.NewInt(a), big.NewInt(b)
			for name, c := range map[string]struct {
				got  func() (foyer.Money, error)
				want *big.Int
			}{
				"+": {func() (foyer.Money, error) { return x.Plus(y) }, new(big.Int).Add(bigA, bigB)},
				"-": {func() (foyer.Money, error) { return x.Minus(y) }, new(big.Int).Sub(bigA, bigB)},
				"×": {func() (foyer.Money, error) { return x.Times(b) }, new(big.Int).Mul(bigA, bigB)},
			} {
				got, err := c.got()
				if !c.want.IsInt64() {
					require.ErrorIs(t, err, foyer.ErrOverflow, "%d %s %d", a, name, b)
					continue
				}
				require.NoError(t, err, "%d %s %d", a, name, b)
				assert.Equal(t, foyer.Money{Amount: c.want.Int64(), Currency: "EUR"}, got, "%d %s %d", a, name, b)
			}
		}
	}
}

func TestCurrenciesAreNotMixed(t *testing.T) {
	eur, usd := foyer.Money{Amount: 1, Currency: "EUR"}, foyer.Money{Amount: 1, Currency: "USD"}
	_, err := eur.Plus(usd)
	require.ErrorIs(t, err, foyer.ErrCurrencyMismatch)
	_, err = eur.Minus(usd)
	require.ErrorIs(t, err, foyer.ErrCurrencyMismatch)
}

func TestCurrenciesAndTheirDecimals(t *testing.T) {
	for currency, decimals := range map[foyer.Currency]int{
		"EUR": 2, "USD": 2, "JPY": 0, "KRW": 0, "CLP": 0, "VND": 0, "BHD": 3, "KWD": 3, "TND": 3, "HUF": 2, "TWD": 2, "COP": 2, "UAH": 2, "PEN": 2, "CLF": 4,
	} {
		assert.True(t, currency.Valid(), currency)
		assert.Equal(t, decimals, currency.Decimals(), currency)
	}
	for _, wrong := range []foyer.Currency{"", "EU", "EURO", "eur", "XXX", "ABC", " EU", "EUR ", "R U", "E\x00R"} {
		assert.False(t, wrong.Valid(), "%q", wrong)
	}
	for _, wrong := range []foyer.Country{"", "D", "DEU", "de", "XX", " D", "D ", "UK"} {
		assert.False(t, wrong.Valid(), "%q", wrong)
	}
}

func TestARateIsAPlainDecimal(t *testing.T) {
	for text, want := range map[foyer.Rate]string{"0.19": "19/100", "0": "0/1", "1": "1/1", "0.08875": "71/800", "12.5": "25/2", "-0.5": "-1/2"} {
		rat, ok := text.Rat()
		require.True(t, ok, text)
		assert.Equal(t, want, rat.String())
	}
	for _, wrong := range []foyer.Rate{"", "abc", "1e9", "1E9", "1/3", "0x10", "1_000", "+1", " 1", "1 ", "NaN", "Inf", "0.123456789012345678901", "1p4", "--1"} {
		assert.False(t, wrong.Valid(), "%q", wrong)
	}
}

func TestMoneyAsDecimal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		amount   int64
		currency foyer.Currency
		want     string
	}{
		{1999, "EUR", "19.99"},
		{5, "EUR", "0.05"},
		{-5, "EUR", "-0.05"},
		{0, "EUR", "0.00"},
		{1999, "JPY", "1999"},
		{1, "BHD", "0.001"},
		{math.MinInt64, "USD", "-92233720368547758.08"},
	} {
		if got := (foyer.Money{Amount: c.amount, Currency: c.currency}).Decimal(); got != c.want {
			t.Errorf("%d %s: %s, want %s", c.amount, c.currency, got, c.want)
		}
	}
}

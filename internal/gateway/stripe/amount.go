package stripe

import (
	"math"
	"strings"

	sdk "github.com/stripe/stripe-go/v85"

	"foyer/internal/foyer"
)

// decimals are the currencies whose amounts Stripe counts in another unit than ISO 4217 says (docs.stripe.com/currencies). ISK and UGX
// have no decimals and are sent with two, for old times' sake; MGA is sent without.
var decimals = map[foyer.Currency]int{"ISK": 2, "UGX": 2, "MGA": 0}

// decimalsOf is how many decimals Stripe's amounts of a currency have.
func decimalsOf(c foyer.Currency) int {
	if d, differs := decimals[c]; differs {
		return d
	}
	return c.Decimals()
}

// toStripe turns an amount into Stripe's unit; false when it can't be said in it. Of currencies with three decimals the last must
// be 0.
func toStripe(m foyer.Money) (int64, bool) {
	amount, d := m.Amount, decimalsOf(m.Currency)
	for have := m.Currency.Decimals(); have < d; have++ {
		if amount > math.MaxInt64/10 {
			return 0, false
		}
		amount *= 10
	}
	for have := m.Currency.Decimals(); have > d; have-- {
		if amount%10 != 0 {
			return 0, false
		}
		amount /= 10
	}
	return amount, amount > 0 && (d != 3 || amount%10 == 0)
}

// fromStripe turns Stripe's amount into ours; false for a currency nobody knows.
func fromStripe(amount int64, currency sdk.Currency) (foyer.Money, bool) {
	c := foyer.Currency(strings.ToUpper(string(currency)))
	if !c.Valid() {
		return foyer.Money{}, false
	}
	for d := decimalsOf(c); d < c.Decimals(); d++ {
		amount *= 10
	}
	for d := decimalsOf(c); d > c.Decimals(); d-- {
		amount /= 10
	}
	return foyer.Money{Amount: amount, Currency: c}, true
}

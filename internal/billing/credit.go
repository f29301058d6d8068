package billing

import "foyer/internal/foyer"

// Credit is what a customer has to their credit in one currency, in its minor units, or a change of it. It comes from
// changes that gave back more than they cost, and is used up by the next bills in that currency.
type Credit struct {
	Scope    foyer.Scope
	Currency foyer.Currency
	Amount   int64
}

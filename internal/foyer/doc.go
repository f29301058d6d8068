// Package foyer holds the words every other package shares: errors and their kinds, ids, money, periods,
// the scope of a tenant and who acts.
//
// It owns no behaviour of a feature, knows neither HTTP nor SQL nor JSON, and imports the standard library only.
package foyer

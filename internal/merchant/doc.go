// Package merchant owns the tenants: merchants, the one portal each has with its settings, and their API keys.
//
// It does not own the merchant's customers or catalog (billing), nor who is signed in (identity).
package merchant

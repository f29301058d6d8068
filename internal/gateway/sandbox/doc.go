// Package sandbox owns a payment gateway of our own for sandbox merchants: test cards and accounts, idempotent charges, a confirmation
// by the customer, refunds, a ledger, webhooks, and knobs that break it on purpose.
//
// It is deliberately apart from Foyer, as a real gateway is: tables of its own (sandbox_gateway_…, no foreign keys), no
// knowledge of subscriptions or payments, and its ledger is the second witness of what was charged. It runs in process
// (Local) or as a process of its own, which Local.Handler serves and Remote speaks to.
//
//	Books   rows and SQL; the same SQL for SQLite and PostgreSQL
//	bank    the rules; every decision is one row that the first of several callers writes
//	Local   billing.Gateway on the bank, and the HTTP routes
//	Remote  billing.Gateway by HTTP
//
// The cards, any expiry date that has not passed and any security code:
//
//	4242424242424242  succeeds
//	4000000000000002  can be stored; every charge is declined (declined)
//	4000000000009995  can be stored; every charge is declined (not_enough_balance)
//	4000000000000069  can be stored; every charge is declined (expired_card)
//	4000000000009979  can be stored; every charge is declined (blocked_card)
//	4000000000003220  the customer confirms storing it and every charge they are there for. A charge without them
//	                  succeeds once they confirmed anything with it; before that (tok_3220) it is declined
//	                  (authentication_failed)
//	4000000000000341  succeeds while the customer is there; every charge without them is declined (declined)
//	4000000000000259  succeeds; disputed a second later, until CloseDispute says who wins
//
// The accounts of SEPA direct debits, instead of a card ({"sepa_debit": {"iban": …}}):
//
//	DE89370400440532013000  succeeds
//	AT611904300234573201    succeeds
//	DE62370400440532013001  can be stored; every charge is declined (declined)
//
// Every other number is refused. The four declined cards can be stored so that what follows a declined renewal can be
// tried. A merchant's clock may be years ahead of ours, so an expiry date is checked when a card is stored and never
// when it is charged.
//
// POST /methods/{token}/replace gives a stored card another number and date, as card networks do by themselves; who it belongs to is
// told so.
//
// No card number is kept or logged: a row holds the brand, the last four digits, the expiry date, how the card behaves,
// and a keyed hash that is the same for the same card. Client secrets and tokens are not kept either, they are derived
// from the gateway's own key. Webhooks are kept in memory only and die with the process: who needs to know asks, as with
// any gateway.
package sandbox

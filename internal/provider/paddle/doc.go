// Package paddle is the edge to Paddle Billing: it reads payloads of Paddle's API and webhooks and turns them into
// domain types of package billing.
//
// It owns the shapes Paddle sends (lists, single entities, events, notifications), the names and states Paddle uses, and
// the exact message when a value can't be read: file, line and field. A file is read whole or not at all; nothing of a
// broken file comes out.
//
// It does not own what happens to the records (billing.Import: what is newer, what belongs together, what is skipped),
// nor documents (invoice), nor persistence (store). It calls nobody: no network, no database, no clock.
//
// How a file is walked:
//
//	bytes ─ document.go ─→ tree of nodes with offsets ─ parse.go ─→ one entity at a time, told apart by its id's prefix
//	  ctm_ add_ biz_  customer.go        sub_  subscription.go       adj_  adjustment.go
//	  pro_ pri_ dsc_  catalog.go         txn_  transaction.go        evt_ ntf_  what is inside them
//
// What is never read: fees, earnings and payout totals (they are between the merchant and Paddle), the cardholder's name,
// custom data, and texts Paddle calls internal when they would end up before a customer (a price's description on a
// line, an adjustment's reason).
package paddle

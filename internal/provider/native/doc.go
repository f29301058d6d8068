// Package native is Foyer's own billing engine: it owns subscriptions, bills them, and collects the bills through the
// merchant's gateway.
//
// Everything happens in three steps, and a process may die between any two lines of them:
//
//	plan   one transaction: what falls due or was asked for is decided by billing's rules; the bill, and an attempt to collect
//	       it, are written down. The attempt's id is the key of the charge.
//	charge the gateway is asked, with that key. Nothing is written.
//	book   one transaction: the attempt is finished by a guarded update, and only who finished it draws the consequences:
//	       payment, subscription, number, invoice, events, mails.
//
// An attempt that was planned and not booked has a lease; when it has run out, anybody asks the gateway what became of that
// key, and only when the gateway never heard of it charges again, with the same key. So money moves once.
//
// What happens to a payment after its charge, disputes and refunds that come back, is read from the gateway when it gives a reason to
// look, and booked under the payment's lock (follow.go).
//
// Locks are taken in one order: customer (commands only), subscriptions by id, payments by id, attempts, credits, numbers.
//
// It does not own the rules (package billing), documents (invoice), mails (notify) or money (the gateways).
package native

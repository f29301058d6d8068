// Package retention owns the way out: a customer's cancellation of a subscription from the first click to its end. (The
// survey, offers and receipts join it later.)
//
// It does not own the subscription: what canceling does to it, and whether it can be done now, is billing's. A cancellation
// only says what the customer decided and what came of it, and nothing in it can keep anybody from canceling.
//
// States of a cancellation:
//
//	open ──→ scheduled ──→ canceled     scheduled: the subscription ends with what is paid
//	  │  └──────┼─────────────↑         canceled: it has ended
//	  │         └──→ undone             the customer kept it after all
//	  └──→ abandoned                    never mind
//
// The row is written before the subscription is canceled and once more after it. A process that dies between the two
// leaves an open cancellation of a subscription that has ended: reading tells it as it is, and confirming it again ends it.
package retention

// Package billing owns customers, the catalog (products, prices, discounts), subscriptions, payments with their
// attempts and refunds, and payment methods: what was sold, what was paid, what comes next.
//
// Everything a document shows is a snapshot: a payment's lines keep the product's name and price as they were when it
// was billed; the catalog may change later. Three amounts of a payment are never mixed up: Total is the price of what was
// bought with tax; GrandTotal is what is left after credit; Balance is what is still to be paid of that.
//
// It does not own documents (package invoice), cancelling with its survey and offers (retention), nor sign-in (identity).
//
// States of a subscription:
//
//	trialing ──→ active ──→ canceled          paused ⇄ active
//	    │          │  ↑                        a scheduled change (cancel, pause, resume) does not change
//	    │          ↓  │                        the state until it takes effect
//	    └────→ past_due ──→ canceled | paused
//
// States of a payment:
//
//	draft → ready → billed → paid → completed
//	                  └→ past_due → completed | canceled
package billing

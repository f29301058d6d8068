// Package stripe is the gateway of live merchants at Stripe: it owns how Foyer's charges, refunds, setups and stored methods are said
// in Stripe's API, and how Stripe's answers are read.
//
// Money moves once because a payment intent is paid once. Three steps, and a process may die between any two:
//
//	create   an intent is made, unconfirmed: nobody can be charged by it
//	keep     its id is committed beside the attempt's (billing.GatewayReferences); of several callers the first decides
//	confirm  the kept intent, and no other, is confirmed
//
// So an attempt without a kept intent has moved nothing, and one with it has exactly one place to look. Nothing depends on how long
// Stripe remembers an idempotency key (24 hours), or on its search, which lags behind. An intent that was declined is canceled before
// it is said to be: its client secret, which a customer's device may have, then pays for nothing any more.
//
// Webhooks are a reason to look and nothing else: only an id is read of them.
//
// It does not own attempts, dunning or what a dispute means for a payment (packages billing and native), nor any card data: that goes
// from the customer's device to Stripe.
package stripe

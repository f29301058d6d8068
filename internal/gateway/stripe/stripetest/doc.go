// Package stripetest is a Stripe for tests: a stateful fake of the part of its API, version 2026-03-25.dahlia, that our gateway uses.
// Nothing but tests may import it.
//
// It owns what Stripe owns: intents and their states, idempotency keys, stored methods, refunds, disputes, events signed and posted,
// and a ledger of the captures that really happened, the second witness in every test about money. It keeps everything in memory and
// holds one lock while it decides, so an intent is captured once whoever asks. A parameter a call does not have is refused, so that a
// typo shows.
//
// The customer's device, which speaks to Stripe by Stripe.js, is played by methods (ConfirmSetup, AuthenticateCharge …) and by the
// routes of our own sandbox gateway under /sandbox-gateway, so that tests written for the one run on the other. Knobs break it on
// purpose. Mirror sends every request of the API to stripe-mock too, which knows Stripe's own specification.
//
// Cards and what they do are in cards.go. Where Stripe refuses to store a card that declines every charge, the fake stores it, so that
// what follows a declined renewal can be tried; DeclineSetups makes it as strict as Stripe.
package stripetest

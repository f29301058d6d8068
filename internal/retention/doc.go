// Package retention owns the way out: a customer's cancellation of a subscription from the first click to its end, what is asked and
// offered on it, the law of the customer's place, and what somebody can declare without signing in. README.md says what it means.
//
// It does not own the subscription: what canceling, a discount or a pause does to it, and whether it can be done now, is billing's. A
// cancellation only says what the customer decided and what came of it, and nothing in it can keep anybody from canceling.
//
// States of a cancellation:
//
//	open ⇄ offered ──→ saved         open: asked, or waiting for the confirmation; offered: an offer is on the table
//	  │        │                     saved: an offer was accepted
//	  ├────────┼─────→ scheduled ──→ canceled   scheduled: the subscription ends with what is paid; canceled: it has ended
//	  │        │           └───────→ undone     the customer kept it after all
//	  ├────────┼─────→ abandoned     never mind
//	  └────────┴─────→ expired ────→ scheduled, canceled   nobody went on; a confirmation is taken even then
//
// States of a notice, which is what somebody declared without signing in:
//
//	received ──→ matched      it was found whose contract it is, and dealt with
//	   ├──────→ unmatched ─┐  nobody's, or it came too late or can't be done
//	   ├──────→ ambiguous ─┤  it could be several
//	   └───────────────────┴─→ resolved, dismissed   the merchant said whose, or that nothing comes of it; it need not wait
//
// open leads to canceled at once where nothing is paid to keep, or the customer wishes so. Every change of a cancellation, of its
// subscription, and what is told of it, is one transaction.
//
// A withdrawal is something else: it undoes the contract, within the time the law gives, and what was paid goes back. States of one:
//
//	open ──→ confirmed ──→ completed   open: shown what happens, or declared by notice; confirmed: declared, the refunds are under
//	  │          │   ↑                 way; completed: everything was given back
//	  │          └─→ failed            a refund was refused: the merchant has it tried again
//	  ├────────→ expired               it was only looked at; what a notice declared stays open
//	  └────────→ dismissed             the merchant turned down what a notice declared
//
// What is declared is committed before money moves, and each refund has a key that follows from the withdrawal and the payment:
// whoever comes next after a crash goes on, and nothing is given back twice.
package retention

package notify

import (
	"time"
)

// welcome confirms a subscription that has just begun, with all it takes to remember what it costs and how to end it: of a trial, that it
// is a subscription, when it began, how long it lasts, what is charged then and later (card schemes and the laws on renewals want that).
func (b *billingMail) welcome() {
	b.knowTerms()
	s := b.sub
	if s == nil || s.Trial == nil || s.Trial.End.Before(b.order.At) {
		b.subject("subject")
		b.say("intro")
		b.sayIf("price", "Price")
		b.sayIf("next", "Date", "Amount")
		b.say("stop")
		b.sayHowToCancel()
		b.row("plan", planOf(b))
		b.rowOf("began", "Began")
		b.rowOf("price", "Price")
		b.rowOf("next_payment", "Date")
		b.rowOf("amount", "Amount")
		b.button("subscription", b.links.subscription)
		return
	}
	b.params["Count"] = int((s.Trial.End.Sub(s.Trial.Start) + 12*time.Hour).Hours() / 24)
	b.params["Length"] = b.shared("days")
	b.set("TrialEnd", &s.Trial.End)
	b.subject("trial_subject")
	b.say("trial_intro")
	if b.byInvoice() {
		b.sayIf("trial_invoice", "Date", "Amount")
	} else {
		b.sayIf("trial_charge", "Date", "Amount")
	}
	b.sayIf("price", "Price")
	b.say("trial_stop")
	b.sayHowToCancel()
	b.row("plan", planOf(b))
	b.rowOf("trial_since", "Began")
	b.rowOf("trial_length", "Length")
	b.rowOf("trial_end", "TrialEnd")
	b.rowOf("first_payment", "Amount")
	b.rowOf("price", "Price")
	b.button("subscription", b.links.subscription)
}

// discountEnding tells what the next bills come to once a discount does not lower them any more.
func (b *billingMail) discountEnding() {
	b.knowTerms()
	b.subject("subject")
	b.say("intro")
	b.charge()
	b.say("stop")
	b.sayHowToCancel()
	b.row("plan", planOf(b))
	b.rowOf("discount_ends", "Date")
	b.rowOf("amount", "Amount")
	b.rowOf("price", "Price")
	b.button("subscription", b.links.subscription)
}

// yearlyReminder says once a year what is subscribed to, what is charged and how often, and how to end it (Cal. Bus. & Prof. Code §17602).
func (b *billingMail) yearlyReminder() {
	b.knowTerms()
	b.subject("subject")
	b.say("intro")
	b.sayIf("price", "Price")
	if b.byInvoice() {
		b.sayIf("invoice", "Date", "Amount")
	} else {
		b.sayIf("charge", "Date", "Amount")
	}
	b.say("stop")
	b.sayHowToCancel()
	if b.sub != nil {
		b.items(b.sub.Items)
	}
	b.rowOf("began", "Began")
	b.rowOf("price", "Price")
	b.rowOf("next_payment", "Date")
	b.rowOf("amount", "Amount")
	b.button("subscription", b.links.subscription)
}

// knowTerms makes known since when the subscription runs and what it costs for good.
func (b *billingMail) knowTerms() {
	if b.sub == nil {
		return
	}
	b.knowPrice(b.sub.RecurringTotal, b.sub.Cycle)
	b.set("Began", b.sub.StartedAt)
}

// sayHowToCancel names the ways, where there is something to cancel.
func (b *billingMail) sayHowToCancel() {
	if b.links.cancel != "" {
		b.sayShared("how_to_cancel")
	}
}

// credited tells of credit, and what becomes of it.
func (b *billingMail) credited() {
	b.subject("subject")
	b.say("intro")
	b.say("use")
	b.row("plan", planOf(b))
	b.rowOf("credit_added", "Amount")
	b.row("date", b.date(b.order.At))
	b.button("payment", b.links.payment)
}

// invoiceCanceled says that an invoice is not owed any more.
func (b *billingMail) invoiceCanceled() {
	b.params["Number"] = oneLine(b.order.Facts.Number, 60)
	b.subject("subject")
	b.say("intro")
	b.say("paid_already")
	if len(b.attachments) > 0 {
		b.say("attached")
	}
	b.rowOf("invoice", "Number")
	b.rowOf("amount", "Amount")
	b.row("plan", planOf(b))
	b.button("payment", b.links.payment)
}

// methodRemoved lets somebody notice who did not do it.
func (b *billingMail) methodRemoved() {
	b.subject("subject")
	if b.has("Card") {
		b.say("intro_card")
	} else {
		b.say("intro")
	}
	b.say("nothing_else")
	b.say("not_you")
	b.charged()
	b.row("date", b.date(b.order.At))
	b.button("portal", b.links.home)
}

// tone is which of the series of mails about a payment that was not collected this one is: first, second, again from the third on, final
// before the last try, last after it.
func (b *billingMail) tone() string {
	facts := b.order.Facts
	switch {
	case facts.Last && b.byInvoice():
		return "unpaid"
	case facts.Last:
		return "last"
	case facts.Attempt <= 1:
		return "first"
	case facts.Final:
		return "final"
	case facts.Attempt == 2:
		return "second"
	}
	return "again"
}

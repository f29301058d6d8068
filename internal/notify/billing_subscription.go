package notify

import (
	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// items adds a row for each item, with what it costs a period where that is known.
func (b *billingMail) items(items []billing.SubscriptionItem) {
	for _, item := range items {
		name := item.ProductName
		if item.PriceName != "" && item.PriceName != name {
			name += " (" + item.PriceName + ")"
		}
		value := ""
		total, err := foyer.Money{Amount: item.UnitPrice}.Times(item.Quantity)
		if err == nil && !b.sub.AmountsUnknown {
			value = b.money(total.Amount)
		}
		b.letter.Rows = append(b.letter.Rows, fact{Label: times(name, item.Quantity), Value: value})
	}
}

// knowPrice makes known what a period costs: "€19.99 a month".
func (b *billingMail) knowPrice(amount int64, cycle foyer.Cycle) {
	if !b.sub.AmountsUnknown {
		b.params["Price"] = b.price(amount, cycle)
	}
}

// knowNextPayment makes known when and how much will be charged next, if anything will.
func (b *billingMail) knowNextPayment() {
	if b.sub == nil {
		return
	}
	next := b.sub.NextPayment()
	if next == nil {
		return
	}
	b.params["NextAt"] = b.date(next.At)
	if next.Total != nil {
		b.params["NextTotal"] = b.money(*next.Total)
	}
}

// charge says how the amount will be collected.
func (b *billingMail) charge() {
	if b.byInvoice() {
		b.sayIf("invoice", "Amount")
	} else {
		b.sayIf("charge", "Amount")
	}
}

// trialEnding repeats what somebody who forgot the trial must know to decide (card schemes demand it).
func (b *billingMail) trialEnding() {
	b.subject("subject")
	b.say("intro")
	b.charge()
	b.say("stop")
	b.sayHowToCancel()
	b.row("plan", planOf(b))
	if s := b.sub; s != nil {
		if s.Trial != nil {
			b.row("trial_since", b.date(s.Trial.Start))
		}
		b.rowOf("trial_end", "Date")
		b.rowOf("first_payment", "Amount")
		b.knowPrice(s.RecurringTotal, s.Cycle)
		b.rowOf("price", "Price")
	}
	b.button("subscription", b.links.subscription)
}

// renewalComing says what the law of many places wants: that it renews unless it is canceled, when, for how much, for how long, and how
// to cancel.
func (b *billingMail) renewalComing() {
	b.knowTerms()
	b.subject("subject")
	b.say("intro")
	b.charge()
	b.sayIf("afterwards", "Price")
	b.say("stop")
	b.sayHowToCancel()
	b.row("plan", planOf(b))
	b.rowOf("renewal", "Date")
	b.rowOf("amount", "Amount")
	b.rowOf("price", "Price")
	b.button("subscription", b.links.subscription)
}

func (b *billingMail) kept() {
	b.knowNextPayment()
	b.subject("subject")
	b.say("intro")
	b.row("plan", planOf(b))
	b.rowOf("next_payment", "NextAt")
	b.rowOf("amount", "NextTotal")
	b.button("subscription", b.links.subscription)
}

// resumption says when a pause ends and what is due then, or how to end it.
func (b *billingMail) resumption() {
	if !b.has("ResumeAt") {
		b.say("resume_open")
		return
	}
	b.say("resume_at")
	if due := b.dueOnResume(); due != nil {
		b.params["ResumeTotal"] = b.money(*due)
		b.say("resume_total")
	}
}

// dueOnResume is what the bill on the day a pause ends comes to, with the discount there is then; nil when that is not known: of a
// subscription that is not to be paused any more, and where the discount ends with a day and not with a bill.
func (b *billingMail) dueOnResume() *int64 {
	s := b.sub
	if s == nil || s.AmountsUnknown || s.Status == billing.SubscriptionCanceled || s.Discount != nil && s.Discount.EndsAt != nil {
		return nil
	}
	if s.NextTotal != nil {
		return s.NextTotal
	}
	return &s.RecurringTotal
}

func (b *billingMail) paused() {
	b.subject("subject")
	b.say("intro")
	b.resumption()
	b.row("plan", planOf(b))
	b.rowOf("paused_since", "At")
	b.rowOf("resumes_on", "ResumeAt")
	b.button("resume", b.links.subscription)
}

func (b *billingMail) pauseScheduled() {
	b.subject("subject")
	b.say("intro")
	b.resumption()
	b.say("undo")
	b.row("plan", planOf(b))
	b.rowOf("pauses_on", "Date")
	b.rowOf("resumes_on", "ResumeAt")
	b.button("subscription", b.links.subscription)
}

func (b *billingMail) resumed() {
	b.knowNextPayment()
	b.subject("subject")
	b.say("intro")
	b.row("plan", planOf(b))
	b.rowOf("next_payment", "NextAt")
	b.rowOf("amount", "NextTotal")
	b.button("subscription", b.links.subscription)
}

func (b *billingMail) planChanged() {
	b.knowNextPayment()
	if s := b.sub; s != nil {
		b.knowPrice(s.RecurringTotal, s.Cycle)
		b.items(s.Items)
	}
	b.subject("subject")
	b.say("intro")
	b.sayIf("price", "Price")
	b.rowOf("price", "Price")
	b.rowOf("next_payment", "NextAt")
	b.button("subscription", b.links.subscription)
}

// planChangeScheduled tells what will be, which stands in the subscription beside what is. The price is the one for good; what a discount
// that ends makes of the next payment is told beside it.
func (b *billingMail) planChangeScheduled() {
	discounted := false
	if s := b.sub; s != nil {
		items, cycle, total := s.Items, s.Cycle, s.PendingTotal()
		if s.Pending != nil {
			items, cycle = s.Pending.Items, s.Pending.Cycle
			b.params["Plan"] = plan(b.locale, items, b.letter.Merchant)
		}
		b.knowPrice(total, cycle)
		b.items(items)
		if s.ScheduledChange != nil && !b.has("Date") {
			b.set("Date", &s.ScheduledChange.EffectiveAt)
		}
		next := s.NextPayment()
		discounted = s.Discount != nil && next != nil && next.Total != nil && *next.Total != total
	}
	b.subject("subject")
	b.say("intro")
	b.sayIf("price", "Price")
	if discounted {
		b.knowNextPayment()
		b.say("discounted")
	}
	b.say("until")
	b.rowOf("price", "Price")
	b.rowOf("starts_on", "Date")
	b.rowOf("next_payment", "NextAt")
	b.rowOf("amount", "NextTotal")
	b.button("subscription", b.links.subscription)
}

// discountApplied repeats the terms somebody accepted to stay: what the next payments come to, how many they are, and what it is then.
func (b *billingMail) discountApplied() {
	b.knowNextPayment()
	b.params["Count"] = b.order.Facts.Periods
	b.subject("subject")
	b.say("intro")
	switch {
	case b.order.Facts.Periods > 0:
		b.sayIf("terms", "NextTotal", "Amount", "Date")
	default:
		b.sayIf("terms_forever", "NextTotal", "Amount")
	}
	b.row("plan", planOf(b))
	b.rowOf("next_payment", "NextAt")
	b.rowOf("amount", "NextTotal")
	if b.order.Facts.Periods > 0 {
		b.rowOf("until", "Date")
		b.rowOf("afterwards", "Amount")
	}
	b.button("subscription", b.links.subscription)
}

// trialExtended says when the trial ends now and what is charged then.
func (b *billingMail) trialExtended() {
	b.knowNextPayment()
	b.subject("subject")
	b.say("intro")
	b.sayIf("charge", "NextTotal")
	b.row("plan", planOf(b))
	b.rowOf("trial_end", "Date")
	b.rowOf("first_payment", "NextTotal")
	b.button("subscription", b.links.subscription)
}

package notify

import (
	"time"

	"foyer/internal/billing"
)

// receipt: what was bought, what it came to and how it was paid.
func (b *billingMail) receipt() {
	if p := b.payment; p != nil {
		if !b.has("Amount") {
			b.params["Amount"] = b.money(p.Totals.GrandTotal)
		}
		for _, line := range p.Lines {
			b.letter.Rows = append(b.letter.Rows, fact{Label: times(line.Name, line.Quantity), Value: b.money(line.Totals.Subtotal)})
		}
		b.totals(p.Totals)
		b.row("paid_with", b.paidWith(*p))
	}
	b.subject("subject")
	b.say("intro")
	if len(b.attachments) > 0 {
		b.say("attached")
	}
	b.row("date", b.date(b.order.At))
	b.button("payment", b.links.payment)
}

// totals adds the sums that say something.
func (b *billingMail) totals(t billing.Totals) {
	if t.Discount != 0 || t.Tax != 0 {
		b.row("subtotal", b.money(t.Subtotal))
	}
	if t.Discount != 0 {
		b.row("discount", b.money(-t.Discount))
	}
	if t.Tax != 0 {
		b.row("tax", b.money(t.Tax))
	}
	if t.Credit != 0 {
		b.row("credit", b.money(-t.Credit))
	}
	b.row("total", b.money(t.GrandTotal))
	b.letter.Rows[len(b.letter.Rows)-1].Strong = true
}

// paidWith is what the payment was collected with, as the customer recognises it.
func (b *billingMail) paidWith(p billing.Payment) string {
	for _, a := range p.Attempts {
		if a.Status != billing.AttemptCaptured {
			continue
		}
		if name := b.method(a.MethodName()); name != "" {
			return name
		}
	}
	return b.card(b.order.Facts.MethodName())
}

// owed makes known what is left to pay, when it was not written down with the order.
func (b *billingMail) owed() {
	if p := b.payment; p != nil && !b.has("Amount") {
		amount := p.Totals.Balance
		if amount == 0 {
			amount = p.Totals.GrandTotal
		}
		b.params["Amount"] = b.money(amount)
	}
}

// paymentFailed is a series: kind at first, then a reminder, and the last one says what happens now. What is paid by
// invoice has reminders of its own (invoiceDue) and comes here with the last one.
func (b *billingMail) paymentFailed() {
	b.owed()
	facts := b.order.Facts
	tone := b.tone()
	b.subject(tone + "_subject")
	b.say(tone + "_intro")
	if facts.ErrorCode != "" {
		code := facts.ErrorCode
		if !b.locale.HasText("attempt_error." + string(code)) {
			code = billing.ErrorUnknown
		}
		b.letter.Paragraphs = append(b.letter.Paragraphs, b.locale.Text("attempt_error."+string(code), nil))
	}
	if facts.Last {
		b.consequence()
	} else {
		b.sayIf("next", "Date")
		if facts.Final {
			b.consequence()
		}
	}
	b.row("plan", planOf(b))
	b.rowOf("amount", "Amount")
	b.charged()
	if !facts.Last {
		b.rowOf("next_try", "Date")
	}
	switch {
	case b.payment != nil && b.payment.Status == billing.PaymentCanceled:
		b.button("subscription", b.links.subscription) // not collected any more: nothing to mend
	case b.links.paymentMethod != "":
		b.say("mend")
		b.button("payment_method", b.links.paymentMethod)
	default:
		b.button("payment", b.links.payment)
	}
}

// byInvoice tells whether the customer pays invoices rather than being charged.
func (b *billingMail) byInvoice() bool {
	if b.payment != nil {
		return b.payment.CollectionMode == billing.CollectManual
	}
	return b.sub != nil && b.sub.CollectionMode == billing.CollectManual
}

// consequence says what becomes of a subscription nobody paid for.
func (b *billingMail) consequence() {
	key := b.order.Facts.Then
	if b.sub == nil || key != "cancel" && key != "pause" {
		return
	}
	switch {
	case b.sub.Status == billing.SubscriptionCanceled:
		b.say("now_cancel")
	case b.sub.Status == billing.SubscriptionPaused:
		b.say("now_pause")
	case b.has("Date"):
		b.say("then_" + key + "_on")
	default:
		b.say("then_" + key)
	}
}

// planOf names the subscription, empty when the mail is about none.
func planOf(b *billingMail) string {
	if b.sub == nil {
		return ""
	}
	return plan(b.locale, b.sub.Items, "")
}

// invoiceDue asks for what is paid by invoice and, from the first Attempt on, reminds of it; EffectiveAt of a reminder is
// when the next one comes, so that the payment says since when it is late.
func (b *billingMail) invoiceDue() {
	b.owed()
	if b.payment != nil && (b.order.Facts.Attempt > 0 || !b.has("Date")) {
		delete(b.params, "Date")
		b.set("Date", b.payment.DueAt())
	}
	key, since := "intro", "intro_by"
	if b.order.Facts.Attempt > 0 {
		key, since = "overdue_intro", "overdue_intro_since"
		b.subject("overdue_subject")
	} else {
		b.subject("subject")
	}
	if b.has("Date") {
		key = since
	}
	b.say(key)
	if b.order.Facts.Attempt > 0 {
		b.say("overdue_thanks")
	}
	if len(b.attachments) > 0 {
		b.say("attached")
	}
	if b.payment != nil && b.payment.InvoiceNumber != "" {
		b.row("invoice", oneLine(b.payment.InvoiceNumber, 60))
	}
	b.row("plan", planOf(b))
	b.rowOf("due", "Date")
	b.rowOf("amount", "Amount")
	b.button("payment", b.links.payment)
}

// refunded tells of money on its way back.
func (b *billingMail) refunded() {
	if p := b.payment; p != nil && !b.has("Amount") {
		b.params["Amount"] = b.money(p.Totals.Refunded)
	}
	b.subject("subject")
	if p := b.payment; p != nil {
		b.params["Paid"] = b.money(p.Totals.GrandTotal)
		switch amount := b.order.Facts.Amount; {
		case !b.order.Facts.Full:
			b.say("intro_part")
		case amount == nil || *amount == p.Totals.GrandTotal:
			b.say("intro_full")
		default:
			b.say("intro_rest")
		}
	} else {
		b.say("intro")
	}
	b.say("patience")
	if len(b.attachments) > 0 {
		b.say("attached")
	}
	b.rowOf("refund", "Amount")
	b.row("date", b.date(b.order.At))
	b.button("payment", b.links.payment)
}

// invoiceCopy brings a document the customer has had before.
func (b *billingMail) invoiceCopy() {
	kind := b.order.Facts.Document
	if kind != "credit_note" {
		kind = "invoice"
	}
	b.params["Number"] = oneLine(b.order.Facts.Number, 60)
	b.subject(kind + "_subject")
	b.say(kind + "_intro")
	if len(b.attachments) > 0 {
		b.say("attached")
	}
	b.rowOf(kind, "Number")
	b.rowOf("amount", "Amount")
	b.button("payment", b.links.payment)
}

// cardExpiring tells in time. EffectiveAt is the moment the card stops being good: the end of the month printed on it.
func (b *billingMail) cardExpiring() {
	if !b.has("Card") {
		b.params["Card"] = b.locale.Text("payment_method.brand.unknown", nil)
	}
	b.subject("subject")
	if at := b.order.Facts.EffectiveAt; at != nil {
		b.params["Expiry"] = at.UTC().Add(-time.Second).Format("01/2006")
		b.say("intro_at")
	} else {
		b.say("intro")
	}
	b.say("mend")
	b.row("plan", planOf(b))
	b.rowOf("card", "Card")
	b.rowOf("expiry", "Expiry")
	if b.links.paymentMethod == "" {
		b.button("portal", b.links.home)
		return
	}
	b.button("payment_method", b.links.paymentMethod)
}

// methodChanged lets somebody notice who did not do it.
func (b *billingMail) methodChanged() {
	b.subject("subject")
	if b.has("Card") {
		b.say("intro_card")
	} else {
		b.say("intro")
	}
	b.say("not_you")
	b.row("plan", planOf(b))
	b.charged()
	b.row("date", b.date(b.order.At))
	b.button("subscription", b.links.subscription)
}

package notify

// cancellationScheduled confirms what was canceled, from when, and that it can be taken back.
func (b *billingMail) cancellationScheduled() {
	if b.sub != nil && !b.has("Date") && b.sub.ScheduledChange != nil {
		b.set("Date", &b.sub.ScheduledChange.EffectiveAt)
	}
	b.knowNextPayment()
	if b.endsWithCharge() {
		b.subject("charge_subject")
		b.say("charge_intro")
		b.say("charge")
		b.sayReceipt()
		b.sayDeclared()
		b.say("charge_undo")
	} else {
		b.subject("subject")
		b.say("intro")
		b.untilTheEnd()
		b.sayReceipt()
		b.sayDeclared()
		b.say("undo")
	}
	b.row("plan", planOf(b))
	b.row("canceled_on", b.date(b.order.At))
	if !b.endsWithCharge() {
		b.rowOf("ends_on", "Date")
	}
	b.button("keep", b.links.keep)
}

// sayDeclared says that it was declared without signing in, and what becomes of a cause that was given.
func (b *billingMail) sayDeclared() {
	if b.order.Facts.Declared {
		b.say("declared")
	}
	if b.order.Facts.Examined {
		b.sayIf("examined", "Date")
	}
}

// endsWithCharge tells whether the end depends on a charge under way. An end declared for a moment of its own does not, and an invoice
// that was not paid by card is still an invoice.
func (b *billingMail) endsWithCharge() bool {
	firm := b.sub != nil && b.sub.ScheduledChange != nil && b.sub.ScheduledChange.Firm
	return b.order.Facts.WithCharge && !firm && !b.byInvoice()
}

// untilTheEnd says what is still charged: nothing, unless a later end was named, a payment is overdue or one is under way.
func (b *billingMail) untilTheEnd() {
	renews := b.has("NextAt", "NextTotal")
	switch {
	case b.byInvoice() && renews:
		b.say("renews")
		b.sayShared("invoices_stay")
	case b.byInvoice():
		b.noMoreInvoices()
	case b.order.Facts.WithCharge && renews:
		b.say("charge_until")
		b.say("renews")
	case b.order.Facts.WithCharge:
		b.say("charge_until")
		b.say("nothing_else")
	case b.sub != nil && b.sub.Debt != "":
		b.say("debt")
	case renews:
		b.say("renews")
	default:
		b.say("nothing_more")
	}
}

// noMoreInvoices says that there will be no other invoice, and that those there are count.
func (b *billingMail) noMoreInvoices() {
	b.sayShared("no_more_invoices")
	b.sayShared("invoices_stay")
}

// sayReceipt says that the receipt is attached, when it is.
func (b *billingMail) sayReceipt() {
	if b.order.Facts.Receipt != "" && len(b.attachments) > 0 {
		b.sayShared("receipt_attached")
	}
}

func (b *billingMail) canceled() {
	switch {
	case b.has("Date"):
	case b.sub != nil && b.sub.CanceledAt != nil:
		b.set("Date", b.sub.CanceledAt)
	default:
		b.params["Date"] = b.params["At"]
	}
	b.subject("subject")
	b.say("intro")
	if b.byInvoice() {
		b.noMoreInvoices()
	} else {
		b.say("nothing_more")
	}
	b.sayReceipt()
	b.say("remains")
	b.row("plan", planOf(b))
	b.rowOf("ended_on", "Date")
	b.button("portal", b.links.home)
}

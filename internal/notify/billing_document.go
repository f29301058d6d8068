package notify

// invoiceRevised brings the document that took the place of one whose details were corrected.
func (b *billingMail) invoiceRevised() {
	b.params["Number"], b.params["Replaced"] = oneLine(b.order.Facts.Number, 60), oneLine(b.order.Facts.Replaced, 60)
	b.subject("subject")
	if b.order.Facts.Number == b.order.Facts.Replaced {
		b.say("revised")
	} else {
		b.say("reissued")
	}
	b.say("unchanged")
	if len(b.attachments) > 0 {
		b.say("attached")
	}
	b.rowOf("invoice", "Number")
	b.rowOf("amount", "Amount")
	b.row("date", b.date(b.order.At))
	b.say("not_you")
	b.button("payment", b.links.payment)
}

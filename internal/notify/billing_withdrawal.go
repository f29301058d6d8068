package notify

// withdrawalReceived acknowledges a withdrawal on a durable medium (Directive 2011/83/EU Art. 11a(4)): the receipt is attached.
func (b *billingMail) withdrawalReceived() {
	b.subject("subject")
	b.say("intro")
	if b.order.Facts.WithCharge {
		b.say("with_charge")
	} else {
		b.say("ended")
	}
	b.givenBack()
	if len(b.attachments) > 0 {
		b.say("attached")
	}
	b.row("plan", planOf(b))
	b.row("withdrawn_on", b.date(b.order.At))
	b.rowOf("refund", "Amount")
	b.button("portal", b.links.home)
}

// withdrawalDeclared asks whether a withdrawal somebody declared without signing in is the customer's own: nothing is paid back before
// they say so.
func (b *billingMail) withdrawalDeclared() {
	b.subject("subject")
	b.say("intro")
	if b.order.Facts.InTime {
		b.say("in_time")
	}
	b.say("confirm")
	b.givenBack()
	b.say("who")
	b.say("nothing_yet")
	b.sayIf("ends", "Date")
	b.row("plan", planOf(b))
	b.row("withdrawn_on", b.date(b.order.At))
	b.button("withdraw", b.links.withdraw)
}

// givenBack says what goes back, and why it is less than was paid.
func (b *billingMail) givenBack() {
	b.sayIf("refund", "Amount")
	if credit := b.order.Facts.Credit; credit > 0 {
		b.params["Credit"] = b.money(credit)
		b.say("credit")
	}
	if b.order.Facts.ProRata {
		b.say("pro_rata")
	}
}

// withdrawalDismissed says that the seller did not accept a withdrawal declared without signing in.
func (b *billingMail) withdrawalDismissed() {
	b.subject("subject")
	b.say("intro")
	b.say("contact")
	b.sayIf("ends", "Date")
	b.row("plan", planOf(b))
	b.button("subscription", b.links.subscription)
}

// noticeNoted says when a subscription ends that was declared to end without signing in, and that ends or has ended anyway.
func (b *billingMail) noticeNoted() {
	b.subject("subject")
	b.say("intro")
	b.sayIf("ends", "Date")
	b.say("nothing_more")
	b.row("plan", planOf(b))
	b.rowOf("ends_on", "Date")
	b.button("portal", b.links.home)
}

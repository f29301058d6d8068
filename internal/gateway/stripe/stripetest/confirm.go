package stripetest

import "net/http"

// confirm is the one place where money moves. It runs with the lock held, so that of several callers one moves it.
func (f *Fake) confirm(i *intent, p params) (object, *apiError) {
	offSession, err := p.flag("off_session")
	if err != nil {
		return nil, err
	}
	useSDK, err := p.flag("use_stripe_sdk")
	if err != nil {
		return nil, err
	}
	switch i.status {
	case "requires_payment_method", "requires_confirmation", "requires_action":
	default:
		return nil, i.unexpected(f, "You cannot confirm this PaymentIntent because it has a status of "+i.status+". Only a PaymentIntent with "+
			"one of the following statuses may be confirmed: requires_confirmation, requires_action.")
	}
	id := i.method
	if given := p.text("payment_method"); given != "" {
		id = given
	}
	if id == "" {
		return nil, i.unexpected(f, "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the "+
			"PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a payment method.")
	}
	m, err := f.usable(id, i.customer)
	if err != nil {
		return nil, err
	}
	if err := i.takes(m); err != nil {
		return nil, err
	}
	if url := p.text("return_url"); url != "" {
		i.returnURL = url
	}
	if i.types == nil && i.returnURL == "" {
		return nil, refused("", "", "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of these "+
			"payment methods might redirect your customer off of your page, you must provide a `return_url`.")
	}
	i.useSDK = useSDK
	return f.pay(i, m, offSession)
}

// pay tries to move an intent's money from a method.
func (f *Fake) pay(i *intent, m *method, offSession bool) (object, *apiError) {
	i.method, i.failed = m.id, nil
	v := m.decide(offSession)
	switch {
	case v.declined != nil:
		return nil, f.decline(i, m, *v.declined)
	case v.asks:
		i.status = "requires_action"
		f.tell("payment_intent.requires_action", i)
	case v.slow:
		i.status = "processing"
		f.newCharge(i, m)
		f.tell("payment_intent.processing", i)
	default:
		f.newCharge(i, m)
		f.capture(i)
	}
	return i.show(f), nil
}

// capture ends an intent whose money has moved.
func (f *Fake) capture(i *intent) {
	m, c := f.methods[i.method], f.charges[i.charge]
	i.status, i.received, i.failed = "succeeded", i.amount, nil
	c.status, c.captured = "succeeded", f.o.Now()
	f.ledger = append(f.ledger, c)
	if i.futureUsage != "" && i.customer != "" && m.customer == "" {
		f.attachTo(m, i.customer)
	}
	f.tell("payment_intent.succeeded", i)
	if m.does == disputed && m.kind == "card" {
		f.post.after(f.o.DisputeAfter, func() { _ = f.Dispute(i.id, "fraudulent") })
	}
}

// decline notes a charge that failed and returns Stripe's answer.
func (f *Fake) decline(i *intent, m *method, d decline) *apiError {
	c := f.newCharge(i, m)
	c.status, c.failure = "failed", &d
	why := object{"payment_method": m.show(f), "charge": c.id}
	i.status, i.method = "requires_payment_method", ""
	i.failed = &apiError{kind: cardError, code: d.code, decline: d.decline, message: d.message, more: why}
	f.tell("payment_intent.payment_failed", i)
	return &apiError{
		status: http.StatusPaymentRequired, kind: cardError, code: d.code, decline: d.decline, message: d.message, executed: true,
		more: object{"payment_method": why["payment_method"], "charge": c.id, "payment_intent": i.show(f)},
	}
}

// authenticate takes the customer's answer to the bank's question.
func (f *Fake) authenticate(i *intent, succeed bool) {
	m := f.methods[i.method]
	if succeed {
		m.authenticated = true
		f.newCharge(i, m)
		f.capture(i)
		return
	}
	i.status, i.method = "requires_payment_method", ""
	i.failed = &apiError{
		kind: invalidRequest, code: "payment_intent_authentication_failure", more: object{"payment_method": m.show(f)},
		message: "The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new PaymentMethod to attempt " +
			"to fulfill this PaymentIntent again.",
	}
	f.tell("payment_intent.payment_failed", i)
}

// Settle ends a payment that is processing, as a debit's bank does days later; id is the intent's or our attempt's. False when there is
// none.
func (f *Fake) Settle(id string, ok bool) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := f.find(id, func(i *intent) bool { return i.status == "processing" })
	if i == nil {
		return false
	}
	if ok {
		f.capture(i)
		return true
	}
	c, m := f.charges[i.charge], f.methods[i.method]
	d := decline{"insufficient_funds", "", "The customer's account has insufficient funds to cover this payment."}
	c.status, c.failure = "failed", &d
	i.status, i.method = "requires_payment_method", ""
	i.failed = &apiError{kind: invalidRequest, code: d.code, message: d.message, more: object{"payment_method": m.show(f), "charge": c.id}}
	f.tell("payment_intent.payment_failed", i)
	return true
}

// find returns the intent of an id, Stripe's or our attempt's; of several the first that fits.
func (f *Fake) find(id string, fits func(*intent) bool) *intent {
	for _, known := range f.order["intent"] {
		if i := f.intents[known]; (i.id == id || i.metadata[metaAttempt] == id) && fits(i) {
			return i
		}
	}
	return nil
}

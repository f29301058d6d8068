package stripetest

import (
	"fmt"
	"net/http"
	"slices"
)

type refund struct {
	id, charge, intent, currency, status, reason, failure string
	amount, created                                       int64
	metadata                                              map[string]string
}

func (f *Fake) addRefunds() {
	f.route("POST /v1/refunds", f.createRefund, "payment_intent", "charge", "amount", "reason", "metadata[*]")
	f.route("GET /v1/refunds", f.listRefunds, append(listParams, "payment_intent", "charge", "created[gte]")...)
	f.route("GET /v1/refunds/{id}", func(c call) (object, *apiError) {
		r := f.refunds[c.id]
		if r == nil {
			return nil, notFound("refund", c.id, "id")
		}
		return r.show(f), nil
	})
}

// paidBy finds the charge a call means by its intent or its own id.
func (f *Fake) paidBy(p params) (*charge, *apiError) {
	if id := p.text("payment_intent"); id != "" {
		i := f.intents[id]
		if i == nil {
			return nil, missing(http.StatusNotFound, "payment_intent", id, "payment_intent")
		}
		c := f.charges[i.charge]
		if c == nil || c.captured.IsZero() {
			return nil, executed(refused("", "", "This PaymentIntent ("+id+") does not have a successful charge to refund."))
		}
		return c, nil
	}
	if err := p.need("charge"); err != nil {
		return nil, refused("parameter_missing", "payment_intent", "One of the following params should be provided for this request: "+
			"payment_intent or charge.")
	}
	c := f.charges[p.text("charge")]
	if c == nil {
		return nil, missing(http.StatusNotFound, "charge", p.text("charge"), "charge")
	}
	return c, nil
}

func (f *Fake) createRefund(c call) (object, *apiError) {
	if reason := c.text("reason"); !slices.Contains([]string{"", "duplicate", "fraudulent", "requested_by_customer"}, reason) {
		return nil, refused("", "reason", "Invalid reason: must be one of duplicate, fraudulent, or requested_by_customer")
	}
	metadata, err := c.metadata(nil)
	if err != nil {
		return nil, err
	}
	paid, err := f.paidBy(c.params)
	if err != nil {
		return nil, err
	}
	left := paid.amount - paid.refunded
	amount := left
	if c.has("amount") {
		if amount, err = c.integer("amount"); err != nil {
			return nil, err
		}
	}
	switch {
	case paid.disputed(f):
		return nil, executed(refused("charge_disputed", "", "Charge "+paid.id+" has been charged back; cannot issue a refund."))
	case left == 0:
		return nil, executed(refused("charge_already_refunded", "", "Charge "+paid.id+" has already been refunded."))
	case amount < 1:
		return nil, refused("parameter_invalid_integer", "amount", "This value must be greater than or equal to 1.")
	case amount > left:
		return nil, executed(refused("", "amount", fmt.Sprintf("Refund amount (%s) is greater than unrefunded amount on charge (%s)",
			dollars(amount), dollars(left))))
	}
	r := &refund{
		id: newID("re"), charge: paid.id, intent: paid.intent, currency: f.intents[paid.intent].currency, status: "succeeded",
		reason: c.text("reason"), amount: amount, created: f.now(), metadata: metadata,
	}
	if paid.kind == "sepa_debit" || paid.kind == "us_bank_account" {
		r.status = "pending"
	}
	paid.refunded += amount
	f.refunds[r.id] = r
	f.created("refund", r.id)
	f.tell("refund.created", r)
	return r.show(f), nil
}

func dollars(amount int64) string { return fmt.Sprintf("$%d.%02d", amount/100, amount%100) }

func (f *Fake) listRefunds(c call) (object, *apiError) {
	var all []object
	for _, id := range slices.Backward(f.order["refund"]) {
		r := f.refunds[id]
		in, err := c.created(r.created)
		if err != nil {
			return nil, err
		}
		if in && (!c.has("payment_intent") || r.intent == c.text("payment_intent")) && (!c.has("charge") || r.charge == c.text("charge")) {
			all = append(all, r.show(f))
		}
	}
	return c.page("/v1/refunds", all)
}

// FailRefund is the customer's bank that sends a refund back; key is Stripe's id of it or any value in its metadata. False when there is
// none.
func (f *Fake) FailRefund(key string) bool {
	return f.changeRefund(key, func(r *refund) {
		r.status, r.failure = "failed", "expired_or_canceled_card"
		f.charges[r.charge].refunded -= r.amount
		f.tell("refund.updated", r)
		f.tell("refund.failed", r)
	})
}

// SettleRefund ends a refund that is pending, as a debit's bank does days later.
func (f *Fake) SettleRefund(key string) bool {
	return f.changeRefund(key, func(r *refund) {
		r.status = "succeeded"
		f.tell("refund.updated", r)
	})
}

func (f *Fake) changeRefund(key string, change func(r *refund)) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range f.order["refund"] {
		r := f.refunds[id]
		named := r.id == key
		for _, value := range r.metadata {
			named = named || value == key
		}
		if named && r.status != "failed" {
			change(r)
			return true
		}
	}
	return false
}

func (r *refund) show(f *Fake) object {
	o := object{
		"id": r.id, "object": "refund", "amount": r.amount, "charge": link(r.charge), "created": r.created, "currency": r.currency,
		"metadata": r.metadata, "payment_intent": link(r.intent), "reason": orNull(r.reason), "status": r.status, "receipt_number": nil,
		"balance_transaction": nil, "destination_details": object{"type": f.charges[r.charge].kind},
	}
	switch r.status {
	case "failed":
		o["failure_reason"] = r.failure
	case "pending":
		o["pending_reason"] = "processing"
	}
	return o
}

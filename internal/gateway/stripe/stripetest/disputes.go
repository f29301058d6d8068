package stripetest

import (
	"errors"
	"slices"
	"strings"
)

// ErrNoCharge says that there is nothing of that name to dispute.
var ErrNoCharge = errors.New("stripetest: no captured charge, or no dispute, of this id")

type dispute struct {
	id, charge, intent, currency, status, reason string
	amount, created, dueBy                       int64
}

// disputeDays is how long a merchant may answer a dispute.
const disputeDays = 20

func (f *Fake) addDisputes() {
	f.route("GET /v1/disputes", f.listDisputes, append(listParams, "payment_intent", "charge", "created[gte]")...)
	f.route("GET /v1/disputes/{id}", func(c call) (object, *apiError) {
		d := f.disputes[c.id]
		if d == nil {
			return nil, notFound("dispute", c.id, "dispute")
		}
		return d.show(f), nil
	})
}

func (f *Fake) listDisputes(c call) (object, *apiError) {
	var all []object
	for _, id := range slices.Backward(f.order["dispute"]) {
		d := f.disputes[id]
		in, err := c.created(d.created)
		if err != nil {
			return nil, err
		}
		if in && (!c.has("payment_intent") || d.intent == c.text("payment_intent")) && (!c.has("charge") || d.charge == c.text("charge")) {
			all = append(all, d.show(f))
		}
	}
	return c.page("/v1/disputes", all)
}

// inquiry tells whether the bank only asks.
func (d *dispute) inquiry() bool { return strings.HasPrefix(d.status, "warning_") }

// holds tells whether the money is with the customer.
func (d *dispute) holds() bool { return !d.inquiry() && d.status != "won" }

// Dispute takes a captured charge back, as the customer's bank does, or makes a dispute of an inquiry. key is our attempt's id or
// Stripe's of the intent; reason is Stripe's word: "fraudulent", "product_not_received".
func (f *Fake) Dispute(key, reason string) error { return f.accuse(key, reason, "needs_response") }

// Inquire is the bank that asks first; no money moves.
func (f *Fake) Inquire(key, reason string) error {
	return f.accuse(key, reason, "warning_needs_response")
}

func (f *Fake) accuse(key, reason, status string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := f.find(key, func(i *intent) bool { return i.status == "succeeded" })
	if i == nil {
		return ErrNoCharge
	}
	c := f.charges[i.charge]
	d := f.disputes[c.dispute]
	switch {
	case d == nil:
		d = &dispute{
			id: newID("du"), charge: c.id, intent: i.id, currency: i.currency, reason: reason, amount: c.amount, created: f.now(),
			dueBy: f.o.Now().AddDate(0, 0, disputeDays).Unix(), status: status,
		}
		f.disputes[d.id], c.dispute = d, d.id
		f.created("dispute", d.id)
		f.tell("charge.dispute.created", d)
	case d.inquiry() && status == "needs_response":
		d.status, d.reason = status, reason
		f.tell("charge.dispute.updated", d)
	default:
		return nil // it is disputed already
	}
	if d.holds() {
		f.tell("charge.dispute.funds_withdrawn", d)
	}
	return nil
}

// AnswerDispute is the merchant who sends evidence at Stripe's Dashboard: the bank decides next.
func (f *Fake) AnswerDispute(key string) error {
	return f.changeDispute(key, func(d *dispute) {
		d.dueBy = 0
		d.status = strings.Replace(d.status, "needs_response", "under_review", 1)
		f.tell("charge.dispute.updated", d)
	})
}

// CloseDispute is the bank that decides. An inquiry is closed either way.
func (f *Fake) CloseDispute(key string, won bool) error {
	return f.changeDispute(key, func(d *dispute) {
		d.dueBy = 0
		switch {
		case d.inquiry():
			d.status = "warning_closed"
		case won:
			d.status = "won"
			f.tell("charge.dispute.funds_reinstated", d)
		default:
			d.status = "lost"
		}
		f.tell("charge.dispute.closed", d)
	})
}

// changeDispute changes an open dispute, by our attempt's id or Stripe's of the intent or the dispute.
func (f *Fake) changeDispute(key string, change func(d *dispute)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range f.order["dispute"] {
		d := f.disputes[id]
		if d.id != key && d.intent != key && f.intents[d.intent].metadata[metaAttempt] != key {
			continue
		}
		switch d.status {
		case "won", "lost", "warning_closed":
		default:
			change(d)
			return nil
		}
	}
	return ErrNoCharge
}

func (d *dispute) show(f *Fake) object {
	evidence := object{"due_by": nil, "has_evidence": d.dueBy == 0, "past_due": false, "submission_count": 0}
	if d.dueBy != 0 {
		evidence["due_by"] = d.dueBy
	}
	return object{
		"id": d.id, "object": "dispute", "amount": d.amount, "charge": link(d.charge), "created": d.created, "currency": d.currency,
		"evidence": object{}, "evidence_details": evidence, "is_charge_refundable": !d.holds(), "livemode": f.live(), "metadata": object{},
		"payment_intent": link(d.intent), "reason": d.reason, "status": d.status, "balance_transactions": []object{},
	}
}

package stripetest

import (
	"strings"
	"time"
)

// charge is one try to move an intent's money.
type charge struct {
	id, intent, method, status string
	kind                       string
	created                    int64
	captured                   time.Time
	amount, refunded           int64
	failure                    *decline
	dispute                    string
	details                    object
}

func (f *Fake) newCharge(i *intent, m *method) *charge {
	prefix := "ch"
	if m.kind != "card" {
		prefix = "py"
	}
	c := &charge{
		id: newID(prefix), intent: i.id, method: m.id, kind: m.kind, status: "pending", created: f.now(), amount: i.amount, details: m.details(),
	}
	f.charges[c.id] = c
	i.charge = c.id
	return c
}

// open tells whether a dispute holds the charge's money.
func (c *charge) disputed(f *Fake) bool {
	d := f.disputes[c.dispute]
	return d != nil && d.holds()
}

func (c *charge) show(f *Fake) object {
	i := f.intents[c.intent]
	o := object{
		"id": c.id, "object": "charge", "amount": c.amount, "amount_captured": 0, "amount_refunded": c.refunded, "captured": false,
		"created": c.created, "currency": i.currency, "customer": link(i.customer), "description": orNull(i.description),
		"disputed": c.dispute != "", "failure_code": nil, "failure_message": nil, "livemode": f.live(), "metadata": i.metadata, "paid": false,
		"payment_intent": link(c.intent), "payment_method": c.method, "payment_method_details": object{"type": c.kind, c.kind: c.details},
		"refunded": c.refunded >= c.amount, "status": c.status,
		"billing_details": object{"name": nil, "email": nil, "phone": nil, "address": object{"country": nil}},
		"outcome": object{
			"type": "authorized", "network_status": "approved_by_network", "reason": nil, "risk_level": "normal",
			"seller_message": "Payment complete.", "network_decline_code": nil, "advice_code": nil,
		},
	}
	switch {
	case c.failure != nil:
		reason := c.failure.decline
		if reason == "" {
			reason = c.failure.code
		}
		o["failure_code"], o["failure_message"] = c.failure.code, c.failure.message
		o["outcome"] = object{
			"type": "issuer_declined", "network_status": "declined_by_network", "reason": reason, "risk_level": "normal",
			"seller_message": "The bank did not return any further details with this decline.", "network_decline_code": nil, "advice_code": nil,
		}
	case c.status == "succeeded":
		o["captured"], o["paid"], o["amount_captured"] = true, true, c.amount
	}
	return o
}

// Entry is one capture that really happened, in the shape of our sandbox gateway's ledger.
type Entry struct {
	// Key is our attempt's id; Stripe's own id of the intent when it has none.
	Key string `json:"key"`
	// Amount is what was charged, in Stripe's units; what went back later does not lower it.
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
	// Reference is the payment it was for.
	Reference string `json:"reference"`
	Status    string `json:"status"`
	CreatedAt string `json:"created_at"`
}

// Ledger returns every capture that really happened, in order.
func (f *Fake) Ledger() []Entry {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]Entry, 0, len(f.ledger))
	for _, c := range f.ledger {
		i := f.intents[c.intent]
		e := Entry{
			Key: i.metadata[metaAttempt], Amount: c.amount, Currency: strings.ToUpper(i.currency), Reference: i.metadata[metaPayment],
			Status: "captured", CreatedAt: c.captured.UTC().Format(time.RFC3339Nano),
		}
		if e.Key == "" {
			e.Key = i.id
		}
		switch {
		case c.disputed(f):
			e.Status = "disputed"
		case c.refunded >= c.amount:
			e.Status = "refunded"
		case c.refunded > 0:
			e.Status = "partially_refunded"
		}
		out = append(out, e)
	}
	return out
}

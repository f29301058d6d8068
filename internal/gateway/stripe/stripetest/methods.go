package stripetest

import (
	"net/http"
	"strings"
)

type method struct {
	id, kind, customer, name string
	created                  int64
	metadata                 map[string]string
	does                     behavior
	// authenticated says that the customer confirmed anything with it.
	authenticated bool
	// used says that it was attached once: detached, it can't be used again.
	used bool

	brand, country, last4, fingerprint, wallet string
	month, year                                int
	bankCode, email                            string
}

func (f *Fake) addMethods() {
	f.route("GET /v1/payment_methods/{id}", func(c call) (object, *apiError) {
		m := f.method(c.id)
		if m == nil {
			return nil, notFound("PaymentMethod", c.id, "payment_method")
		}
		return m.show(f), nil
	})
	f.route("POST /v1/payment_methods/{id}/attach", f.attach, "customer")
	f.route("POST /v1/payment_methods/{id}/detach", f.detach)
}

// method finds a stored method, or makes one of a test id, as Stripe does.
func (f *Fake) method(id string) *method {
	if m := f.methods[id]; m != nil {
		return m
	}
	if number, ok := numberOf(id); ok {
		return f.newCard(number, 12, f.o.Now().Year()+3, "")
	}
	return nil
}

func (f *Fake) newCard(number string, month, year int, wallet string) *method {
	c := cards[number]
	return f.newMethod(&method{
		kind: "card", does: c.does, brand: c.brand, country: c.country, last4: number[len(number)-4:], month: month, year: year,
		fingerprint: fingerprint(number), wallet: wallet,
	})
}

func (f *Fake) newMethod(m *method) *method {
	m.id, m.created = newID("pm"), f.now()
	f.methods[m.id] = m
	return m
}

func (f *Fake) attach(c call) (object, *apiError) {
	if err := c.need("customer"); err != nil {
		return nil, err
	}
	if err := f.knownCustomer(c.params); err != nil {
		return nil, err
	}
	m := f.method(c.id)
	switch to := c.text("customer"); {
	case m == nil:
		return nil, notFound("PaymentMethod", c.id, "payment_method")
	case m.customer == to:
	case m.customer != "":
		return nil, executed(refused("", "", "The payment method you provided has already been attached to a customer."))
	case m.used:
		return nil, executed(refused("", "", "This PaymentMethod was previously used without being attached to a Customer or was detached "+
			"from a Customer, and may not be used again."))
	default:
		f.attachTo(m, to)
	}
	return m.show(f), nil
}

func (f *Fake) attachTo(m *method, customer string) {
	m.customer, m.used = customer, true
	f.tell("payment_method.attached", m)
}

func (f *Fake) detach(c call) (object, *apiError) {
	m := f.methods[c.id]
	if m == nil {
		return nil, notFound("PaymentMethod", c.id, "payment_method")
	}
	if m.customer == "" {
		return nil, executed(refused("", "", "The payment method you provided is not attached to a customer so detachment is impossible."))
	}
	f.detachFrom(m)
	return m.show(f), nil
}

// detachFrom makes a method nobody's. Whose it was stands in the event only in what was different before.
func (f *Fake) detachFrom(m *method) {
	was := m.customer
	m.customer = ""
	f.tellChange("payment_method.detached", m, object{"customer": was})
}

// usable finds the method a call pays with: one of another customer, or one that was detached, is as good as none.
func (f *Fake) usable(id, customer string) (*method, *apiError) {
	m := f.method(id)
	if m == nil || m.customer == "" && m.used || m.customer != "" && m.customer != customer {
		return nil, missing(http.StatusBadRequest, "PaymentMethod", id, "payment_method")
	}
	return m, nil
}

func executed(e *apiError) *apiError {
	e.executed = true
	return e
}

// DetachMethod is the customer, or whoever works at the Dashboard, who removes a stored method.
func (f *Fake) DetachMethod(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if m := f.methods[id]; m != nil && m.customer != "" {
		f.detachFrom(m)
	}
}

// ReplaceCard is the card network that gives a stored card a new number and a new date.
func (f *Fake) ReplaceCard(id, last4 string, month, year int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.methods[id]
	if m == nil {
		return
	}
	if m.last4 != last4 {
		m.last4, m.fingerprint = last4, fingerprint("replaced "+last4)
	}
	m.month, m.year = month, year
	f.tell("payment_method.automatically_updated", m)
}

// Behave makes a stored card charge from now on as another test card does, because networks replace cards that decline, too.
func (f *Fake) Behave(id, number string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if m := f.methods[id]; m != nil {
		m.does = cards[number].does
	}
}

func (m *method) show(f *Fake) object {
	o := object{
		"id": m.id, "object": "payment_method", "type": m.kind, "created": m.created, "livemode": f.live(), "customer": link(m.customer),
		"metadata": orEmpty(m.metadata), "allow_redisplay": "unspecified",
		"billing_details": object{"name": orNull(m.name), "email": nil, "phone": nil, "address": object{"country": nil}},
	}
	o[m.kind] = m.details()
	return o
}

func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

// details is the part of the object that is named like the method's type.
func (m *method) details() object {
	switch m.kind {
	case "card":
		return object{
			"brand": m.brand, "display_brand": m.brand, "last4": m.last4, "exp_month": m.month, "exp_year": m.year, "country": m.country,
			"fingerprint": m.fingerprint, "funding": "credit", "wallet": m.walletObject(),
			"checks":   object{"cvc_check": "pass", "address_line1_check": nil, "address_postal_code_check": nil},
			"networks": object{"available": []string{m.brand}, "preferred": nil}, "three_d_secure_usage": object{"supported": true},
		}
	case "sepa_debit":
		return object{
			"last4": m.last4, "bank_code": m.bankCode, "branch_code": "", "country": m.country, "fingerprint": m.fingerprint,
			"generated_from": object{"charge": nil, "setup_attempt": nil},
		}
	case "us_bank_account":
		return object{
			"last4": m.last4, "routing_number": m.bankCode, "bank_name": "STRIPE TEST BANK", "account_type": "checking",
			"account_holder_type": "individual", "fingerprint": m.fingerprint,
		}
	case "paypal":
		return object{"payer_email": m.email, "payer_id": strings.ToUpper(fingerprint(m.email)), "country": "DE"}
	case "link":
		return object{"email": m.email}
	}
	return object{}
}

func (m *method) walletObject() any {
	if m.wallet == "" {
		return nil
	}
	return object{"type": m.wallet, m.wallet: object{}, "dynamic_last4": "0000"}
}

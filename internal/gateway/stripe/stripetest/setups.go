package stripetest

import "net/http"

type setup struct {
	id, secret, customer, usage, status, reason string
	created                                     int64
	metadata                                    map[string]string
	types                                       []string
	automatic                                   bool
	method                                      string
	failed                                      *apiError
}

func (f *Fake) addSetups() {
	f.route("POST /v1/setup_intents", f.createSetup, "customer", "usage", "automatic_payment_methods[enabled]",
		"automatic_payment_methods[allow_redirects]", "payment_method_types[]", "description", "metadata[*]")
	f.route("GET /v1/setup_intents/{id}", func(c call) (object, *apiError) {
		s := f.setups[c.id]
		if s == nil || c.has("client_secret") && !same(s.secret, c.text("client_secret")) {
			return nil, notFound("setupintent", c.id, "intent")
		}
		return s.show(f), nil
	}, "client_secret")
	f.route("POST /v1/setup_intents/{id}/cancel", f.cancelSetup, "cancellation_reason")
}

func (f *Fake) createSetup(c call) (object, *apiError) {
	if err := f.knownCustomer(c.params); err != nil {
		return nil, err
	}
	automatic, err := automaticMethods(c.params)
	if err != nil {
		return nil, err
	}
	metadata, err := c.metadata(nil)
	if err != nil {
		return nil, err
	}
	s := &setup{
		id: newID("seti"), customer: c.text("customer"), usage: c.text("usage"), status: "requires_payment_method", created: f.now(),
		metadata: metadata, types: c.params["payment_method_types[]"], automatic: automatic,
	}
	switch s.usage {
	case "":
		s.usage = "off_session"
	case "off_session", "on_session":
	default:
		return nil, refused("", "usage", "Invalid usage: must be one of off_session or on_session")
	}
	s.secret = newID(s.id + "_secret")
	f.setups[s.id] = s
	f.created("setup", s.id)
	return s.show(f), nil
}

// automaticMethods tells whether an intent takes what the Dashboard allows, which it does when it names no types.
func automaticMethods(p params) (bool, *apiError) {
	enabled, err := p.flag("automatic_payment_methods[enabled]")
	if err != nil {
		return false, err
	}
	types := p.has("payment_method_types[]")
	if enabled && types {
		return false, refused("", "", "You may only specify one of these parameters: automatic_payment_methods, payment_method_types.")
	}
	if redirects := p.text("automatic_payment_methods[allow_redirects]"); redirects != "" && redirects != "never" && redirects != "always" {
		return false, refused("", "automatic_payment_methods[allow_redirects]", "Invalid allow_redirects: must be one of always or never")
	}
	return !types, nil
}

func (f *Fake) cancelSetup(c call) (object, *apiError) {
	s := f.setups[c.id]
	if s == nil {
		return nil, notFound("setupintent", c.id, "intent")
	}
	switch s.status {
	case "requires_payment_method", "requires_confirmation", "requires_action":
	default:
		return nil, s.unexpected(f, "cancel")
	}
	s.status, s.reason = "canceled", c.text("cancellation_reason")
	return s.show(f), nil
}

func (s *setup) unexpected(f *Fake, verb string) *apiError {
	return &apiError{
		status: http.StatusBadRequest, kind: invalidRequest, code: "setup_intent_unexpected_state", executed: true,
		message: "You cannot " + verb + " this SetupIntent because it has a status of " + s.status + ".",
		more:    object{"setup_intent": s.show(f)},
	}
}

// confirm gives a setup the customer's method, or says how it stands when it has one.
func (s *setup) confirm(f *Fake, m *method) {
	s.failed = nil
	if f.strict && m.kind == "card" {
		if d, ok := declines[m.does]; ok && m.does != failsLater {
			s.fail(&apiError{kind: cardError, code: d.code, decline: d.decline, message: d.message, more: object{"payment_method": m.show(f)}})
			return
		}
	}
	s.method = m.id
	switch {
	case m.does == threeDSecure || m.does == alwaysAsks:
		s.status = "requires_action"
		f.tell("setup_intent.requires_action", s)
	case f.slow && m.decide(true).slow:
		s.status = "processing"
	default:
		s.succeed(f)
	}
}

func (s *setup) succeed(f *Fake) {
	m := f.methods[s.method]
	s.status = "succeeded"
	m.authenticated = true
	if s.customer != "" && m.customer == "" {
		f.attachTo(m, s.customer)
	}
	f.tell("setup_intent.succeeded", s)
}

func (s *setup) fail(why *apiError) {
	s.status, s.method, s.failed = "requires_payment_method", "", why
}

// authenticate takes the customer's answer to the bank's question.
func (s *setup) authenticate(f *Fake, succeed bool) {
	if succeed {
		s.succeed(f)
		return
	}
	s.fail(&apiError{
		kind: invalidRequest, code: "setup_intent_authentication_failure", more: object{"payment_method": f.shown(s.method)},
		message: "The latest attempt to set up the payment method has failed because authentication failed.",
	})
	f.tell("setup_intent.setup_failed", s)
}

// DeclineSetups makes setups of cards that decline every charge fail, as Stripe's do.
func (f *Fake) DeclineSetups(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.strict = on
}

// SlowSetups makes setups of debits stay in processing until SettleSetup.
func (f *Fake) SlowSetups(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.slow = on
}

// SettleSetup ends a setup that is processing; id is Stripe's or ours.
func (f *Fake) SettleSetup(id string, ok bool) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.setups {
		if (s.id != id && s.metadata[metaSetup] != id) || s.status != "processing" {
			continue
		}
		if ok {
			s.succeed(f)
		} else {
			s.fail(&apiError{kind: invalidRequest, code: "account_closed", message: "The customer's bank account has been closed."})
			f.tell("setup_intent.setup_failed", s)
		}
		return true
	}
	return false
}

func (s *setup) show(f *Fake) object {
	o := object{
		"id": s.id, "object": "setup_intent", "client_secret": s.secret, "created": s.created, "customer": link(s.customer),
		"livemode": f.live(), "metadata": s.metadata, "status": s.status, "usage": s.usage, "payment_method": link(s.method),
		"payment_method_types": typesOf(s.types), "last_setup_error": s.failed.orNull(), "next_action": nil, "latest_attempt": nil,
		"cancellation_reason": orNull(s.reason), "description": nil, "mandate": nil, "automatic_payment_methods": nil,
	}
	if s.automatic {
		o["automatic_payment_methods"] = object{"enabled": true, "allow_redirects": "always"}
	}
	if s.status == "requires_action" {
		o["next_action"] = sdkAction()
	}
	return o
}

func typesOf(types []string) []string {
	if types == nil {
		return []string{"card", "link", "paypal", "sepa_debit", "us_bank_account"}
	}
	return types
}

func sdkAction() object {
	return object{"type": "use_stripe_sdk", "use_stripe_sdk": object{"type": "three_d_secure_redirect", "source": newID("src")}}
}

// orNull is an error as intents keep it.
func (e *apiError) orNull() any {
	if e == nil {
		return nil
	}
	return e.object()
}

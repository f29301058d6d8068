package stripetest

import (
	"net/http"
	"slices"
	"strings"
)

type intent struct {
	id, secret, customer, currency, status, method, reason string
	amount, received, created, canceledAt                  int64
	metadata                                               map[string]string
	types                                                  []string
	futureUsage, description, suffix, returnURL            string
	useSDK                                                 bool
	failed                                                 *apiError
	charge                                                 string
}

func (f *Fake) addIntents() {
	f.route("POST /v1/payment_intents", f.createIntent, "amount", "currency", "customer", "payment_method", "payment_method_types[]", "confirm",
		"off_session", "setup_future_usage", "description", "metadata[*]", "statement_descriptor_suffix", "use_stripe_sdk", "return_url",
		"automatic_payment_methods[enabled]", "automatic_payment_methods[allow_redirects]")
	f.route("GET /v1/payment_intents", f.listIntents, append(listParams, "customer", "created", "created[gte]", "created[gt]", "created[lte]", "created[lt]")...)
	f.route("GET /v1/payment_intents/{id}", func(c call) (object, *apiError) {
		i, err := f.intent(c)
		if err != nil {
			return nil, err
		}
		return i.show(f), nil
	}, "client_secret")
	f.route("POST /v1/payment_intents/{id}/confirm", f.confirmIntent, "off_session", "use_stripe_sdk", "return_url", "payment_method")
	f.route("POST /v1/payment_intents/{id}/cancel", f.cancelIntent, "cancellation_reason")
}

func (f *Fake) intent(c call) (*intent, *apiError) {
	if i := f.intents[c.id]; i != nil {
		return i, nil
	}
	return nil, notFound("payment_intent", c.id, "intent")
}

func (f *Fake) createIntent(c call) (object, *apiError) {
	i, err := f.readIntent(c.params)
	if err != nil {
		return nil, err
	}
	confirm, err := c.flag("confirm")
	if err != nil {
		return nil, err
	}
	if !confirm {
		for _, name := range []string{"off_session", "return_url"} {
			if c.has(name) {
				return nil, refused("", name, "The parameter `"+name+"` can only be used when `confirm` is true.")
			}
		}
	}
	if id := c.text("payment_method"); id != "" {
		m, err := f.usable(id, i.customer)
		if err != nil {
			return nil, err
		}
		if err := i.takes(m); err != nil {
			return nil, err
		}
		i.method, i.status = m.id, "requires_confirmation"
	}
	i.secret = newID(i.id + "_secret")
	f.intents[i.id] = i
	f.created("intent", i.id)
	if !confirm {
		return i.show(f), nil
	}
	o, err := f.confirm(i, c.params)
	if err != nil && !err.executed { // what can't be read makes no intent
		delete(f.intents, i.id)
		f.order["intent"] = f.order["intent"][:len(f.order["intent"])-1]
	}
	return o, err
}

var cancelReasons = []string{"", "duplicate", "fraudulent", "requested_by_customer", "abandoned"}

func (f *Fake) readIntent(p params) (*intent, *apiError) {
	if err := p.need("amount", "currency"); err != nil {
		return nil, err
	}
	amount, err := p.integer("amount")
	if err != nil {
		return nil, err
	}
	currency := strings.ToLower(p.text("currency"))
	if err := checkAmount(amount, currency); err != nil {
		return nil, err
	}
	if err := f.knownCustomer(p); err != nil {
		return nil, err
	}
	if _, err := automaticMethods(p); err != nil {
		return nil, err
	}
	metadata, err := p.metadata(nil)
	if err != nil {
		return nil, err
	}
	if usage := p.text("setup_future_usage"); usage != "" && usage != "off_session" && usage != "on_session" {
		return nil, refused("", "setup_future_usage", "Invalid setup_future_usage: must be one of off_session or on_session")
	}
	suffix := p.text("statement_descriptor_suffix")
	if len(suffix) > 22 || strings.ContainsAny(suffix, `<>\'"*`) {
		return nil, refused("", "statement_descriptor_suffix", "The statement descriptor suffix must be at most 22 characters, without <>\\'\"*.")
	}
	i := &intent{
		id: newID("pi"), customer: p.text("customer"), currency: currency, status: "requires_payment_method", amount: amount, created: f.now(),
		metadata: metadata, types: p["payment_method_types[]"], futureUsage: p.text("setup_future_usage"),
		description: p.text("description"), suffix: suffix,
	}
	if p.text("automatic_payment_methods[enabled]") == "false" && i.types == nil {
		i.types = []string{"card"}
	}
	if p.text("automatic_payment_methods[allow_redirects]") == "never" {
		i.returnURL = "never" // it needs none
	}
	return i, nil
}

// threeDecimals are the currencies whose last digit must be 0, inHundreds those whose two last ones must.
var threeDecimals, inHundreds = []string{"bhd", "jod", "kwd", "omr", "tnd"}, []string{"isk", "ugx"}

func checkAmount(amount int64, currency string) *apiError {
	smallest := int64(50)
	three := slices.Contains(threeDecimals, currency)
	if three {
		smallest = 500
	}
	switch {
	case len(currency) != 3 || strings.Trim(currency, "abcdefghijklmnopqrstuvwxyz") != "":
		return refused("", "currency", "Invalid currency: "+currency+".")
	case amount < 1:
		return refused("parameter_invalid_integer", "amount", "This value must be greater than or equal to 1.")
	case amount < smallest:
		return refused("amount_too_small", "amount", "Amount must be at least 50 cents")
	case amount > 99_999_999:
		return refused("amount_too_large", "amount", "Amount must be no more than 999,999.99")
	case three && amount%10 != 0:
		return refused("", "amount", "Amounts in this currency must be evenly divisible by 10.")
	case slices.Contains(inHundreds, currency) && amount%100 != 0:
		return refused("", "amount", "Amounts in this currency must be evenly divisible by 100.")
	}
	return nil
}

// takes refuses a method of a type the intent does not allow.
func (i *intent) takes(m *method) *apiError {
	if i.types == nil || slices.Contains(i.types, m.kind) {
		return nil
	}
	return refused("", "payment_method", "The PaymentMethod provided ("+m.kind+") is not allowed for this PaymentIntent. Please attach one of "+
		"the following types: "+strings.Join(i.types, ", ")+".")
}

func (f *Fake) listIntents(c call) (object, *apiError) {
	var all []object
	for _, id := range slices.Backward(f.order["intent"]) {
		i := f.intents[id]
		in, err := c.created(i.created)
		if err != nil {
			return nil, err
		}
		if in && (!c.has("customer") || i.customer == c.text("customer")) {
			all = append(all, i.show(f))
		}
	}
	return c.page("/v1/payment_intents", all)
}

func (f *Fake) confirmIntent(c call) (object, *apiError) {
	i, err := f.intent(c)
	if err != nil {
		return nil, err
	}
	return f.confirm(i, c.params)
}

func (f *Fake) cancelIntent(c call) (object, *apiError) {
	i, err := f.intent(c)
	if err != nil {
		return nil, err
	}
	reason := c.text("cancellation_reason")
	if !slices.Contains(cancelReasons, reason) {
		return nil, refused("", "cancellation_reason", "Invalid cancellation_reason: must be one of duplicate, fraudulent, "+
			"requested_by_customer, or abandoned")
	}
	switch i.status {
	case "requires_payment_method", "requires_confirmation", "requires_action":
	default:
		return nil, i.unexpected(f, "You cannot cancel this PaymentIntent because it has a status of "+i.status+". Only a PaymentIntent with "+
			"one of the following statuses may be canceled: requires_payment_method, requires_capture, requires_confirmation, requires_action, "+
			"processing.")
	}
	i.status, i.reason, i.canceledAt = "canceled", reason, f.now()
	f.tell("payment_intent.canceled", i)
	return i.show(f), nil
}

func (i *intent) unexpected(f *Fake, message string) *apiError {
	return &apiError{
		status: http.StatusBadRequest, kind: invalidRequest, code: "payment_intent_unexpected_state", executed: true, message: message,
		more: object{"payment_intent": i.show(f)},
	}
}

func (i *intent) show(f *Fake) object {
	o := object{
		"id": i.id, "object": "payment_intent", "amount": i.amount, "amount_received": i.received, "amount_capturable": 0,
		"automatic_payment_methods": nil, "canceled_at": nil, "cancellation_reason": orNull(i.reason), "capture_method": "automatic_async",
		"client_secret": i.secret, "confirmation_method": "automatic", "created": i.created, "currency": i.currency, "customer": link(i.customer),
		"description": orNull(i.description), "last_payment_error": i.failed.orNull(), "latest_charge": link(i.charge), "livemode": f.live(),
		"metadata": i.metadata, "next_action": nil, "payment_method": link(i.method), "payment_method_types": typesOf(i.types),
		"processing": nil, "receipt_email": nil, "setup_future_usage": orNull(i.futureUsage), "statement_descriptor": nil,
		"statement_descriptor_suffix": orNull(i.suffix), "status": i.status,
	}
	if i.types == nil {
		o["automatic_payment_methods"] = object{"enabled": true}
	}
	if i.canceledAt != 0 {
		o["canceled_at"] = i.canceledAt
	}
	if i.status == "requires_action" {
		o["next_action"] = sdkAction()
		if !i.useSDK && strings.HasPrefix(i.returnURL, "http") {
			o["next_action"] = object{
				"type": "redirect_to_url", "redirect_to_url": object{"url": "https://hooks.stripe.test/" + i.id, "return_url": i.returnURL},
			}
		}
	}
	return o
}

package main

import (
	"context"
	"fmt"
	"strings"
)

// testCard is one of the sandbox gateway's cards, as a customer types it.
func testCard(number string) map[string]any {
	return map[string]any{"number": number, "expiry_month": 11, "expiry_year": 2040, "cvc": "123"}
}

// setUp begins to store a card with us and enters it at the gateway, as the gateway's own form would; status is what the
// gateway must answer. It returns the setup.
func (w *walk) setUp(ctx context.Context, number, status string) answer {
	s := w.call(ctx, 201, "POST", "/v1/payment-methods/setups", nil, func(a answer) string { return a.text("setup_id") + " at the " + a.text("gateway") + " gateway" })
	w.must(s.text("client_secret") != "", "a client secret")
	entered := w.call(ctx, 200, "POST", gatewayPath+"/setups/"+s.text("setup_id")+"/confirm", map[string]any{"client_secret": s.text("client_secret"), "card": testCard(number)},
		func(a answer) string {
			return "card …" + number[12:] + " entered at the gateway, not here: " + a.text("status")
		})
	w.must(entered.text("status") == status, "the setup %s", status)
	return s
}

// authenticate answers the bank's question at the gateway.
func (w *walk) authenticate(ctx context.Context, of, id, secret string) {
	a := w.call(ctx, 200, "POST", gatewayPath+"/"+of+"/"+id+"/authenticate", map[string]any{"client_secret": secret, "outcome": "succeed"},
		func(a answer) string { return "the customer confirms with their bank: " + a.text("status") })
	w.must(a.text("status") == "succeeded", "%s %s to succeed", of, id)
}

// methods lists the payment methods.
func (w *walk) methods(ctx context.Context) answer {
	return w.call(ctx, 200, "GET", "/v1/payment-methods", nil, func(a answer) string {
		var all []string
		for i := range a.count("data") {
			m := a.under(fmt.Sprintf("data.%d", i))
			all = append(all, fmt.Sprintf("%s …%s %s, used by %d", m.text("card.brand"), m.text("card.last4"), m.text("status"), m.count("used_by")))
		}
		return strings.Join(all, "; ")
	})
}

func (w *walk) cards(ctx context.Context) {
	w.say("── A new card: begun here, entered at the gateway, stored here")
	before := w.methods(ctx)
	w.must(before.count("data") == 2, "2 payment methods")
	old := before.find("card.last4", "4242")
	s := w.call(ctx, 201, "POST", "/v1/payment-methods/setups", nil, nil)
	w.call(ctx, 422, "POST", gatewayPath+"/setups/"+s.text("setup_id")+"/confirm", map[string]any{"client_secret": s.text("client_secret"), "card": testCard("4111111111111111")},
		func(answer) string { return "the sandbox takes test cards only" })
	w.call(ctx, 409, "POST", "/v1/payment-methods", map[string]any{"setup_id": s.text("setup_id")}, func(a answer) string { return a.text("code") })
	s = w.setUp(ctx, "4242424242424242", "succeeded")
	w.key = "the-walk's-new-card"
	body := map[string]any{"setup_id": s.text("setup_id")}
	added := w.call(ctx, 201, "POST", "/v1/payment-methods", body, func(a answer) string {
		return fmt.Sprintf("the same card with a later date takes the old one's place: %d subscriptions", a.count("used_by"))
	})
	w.must(added.count("used_by") == old.count("used_by") && added.yes("default"), "what the old card was for")
	again := w.call(ctx, 201, "POST", "/v1/payment-methods", body, func(a answer) string {
		return "the same call again, Idempotency-Replayed: " + a.header.Get("Idempotency-Replayed")
	})
	w.must(again.header.Get("Idempotency-Replayed") == "true" && string(again.body) == string(added.body), "the stored answer")
	w.call(ctx, 422, "POST", "/v1/payment-methods", map[string]any{"setup_id": "pms_another"}, func(a answer) string { return "same key, other call: " + a.text("code") })
	w.key = ""
	id := added.text("id")
	w.call(ctx, 422, "PATCH", "/v1/payment-methods/"+id, map[string]any{"billing_name": "4242 4242 4242 4242"}, func(a answer) string { return a.text("errors.0.detail") })
	w.call(ctx, 409, "DELETE", "/v1/payment-methods/"+id, nil, func(a answer) string { return fmt.Sprintf("%s: %s", a.text("code"), a.text("detail")) })
}

func (w *walk) strongCard(ctx context.Context) {
	w.say("── A card whose bank asks for the customer (3-D Secure)")
	s := w.setUp(ctx, "4000000000003220", "requires_action")
	w.call(ctx, 409, "POST", "/v1/payment-methods", map[string]any{"setup_id": s.text("setup_id")}, func(a answer) string { return a.text("code") })
	w.authenticate(ctx, "setups", s.text("setup_id"), s.text("client_secret"))
	a := w.call(ctx, 201, "POST", "/v1/payment-methods", map[string]any{"setup_id": s.text("setup_id")}, func(a answer) string {
		return a.text("card.brand") + " …" + a.text("card.last4") + " stored"
	})
	w.must(a.text("card.last4") == "3220" && a.count("used_by") == 0, "a stored card nothing uses yet")
}

func (w *walk) debts(ctx context.Context) {
	w.say("── A debt, and an open invoice, paid")
	stored := w.methods(ctx)
	strong, weak, visa := stored.find("card.last4", "3220"), stored.find("card.last4", "0341"), stored.find("card.last4", "4242")
	debt := w.call(ctx, 200, "GET", "/v1/payments?status=past_due", nil, func(a answer) string {
		return a.text("data.0.description") + ", " + a.text("data.0.totals.balance.display")
	}).under("data.0")
	path, sub := "/v1/payments/"+debt.text("id"), "/v1/subscriptions/"+debt.text("subscription_id")
	waits := w.call(ctx, 202, "POST", path+"/pay", map[string]any{"payment_method_id": strong.text("id")}, func(a answer) string {
		return "the bank asks: " + a.text("next_action.type")
	})
	charge, secret := waits.text("next_action.charge_id"), waits.text("next_action.client_secret")
	w.must(waits.text("status") == "past_due" && charge != "" && secret != "", "a debt that waits for the bank")
	a := w.call(ctx, 200, "POST", gatewayPath+"/charges/"+charge+"/confirm", map[string]any{"client_secret": secret}, func(a answer) string { return a.text("status") })
	w.must(a.text("status") == "requires_action", "the bank's question")
	w.authenticate(ctx, "charges", charge, secret)
	w.until(ctx, path, "the debt paid", is("status", "completed"), func(a answer) string {
		return a.text("status") + ", invoice " + a.text("invoice.number") + ", tried " + fmt.Sprint(a.count("attempts")) + " times"
	})
	a = w.call(ctx, 200, "GET", sub, nil, func(a answer) string { return a.text("items.0.product.name") + " is " + a.text("status") + " again" })
	w.must(a.text("status") == "active" && a.text("payment_method_id") == strong.text("id"), "an active subscription charged with what paid the debt")
	w.call(ctx, 204, "DELETE", "/v1/payment-methods/"+weak.text("id"), nil, func(answer) string { return "the declined card: nothing uses it any more" })

	bill := w.call(ctx, 200, "GET", "/v1/payments?status=billed", nil, func(a answer) string {
		return fmt.Sprintf("%s, %s by invoice, due on %.10s", a.text("data.0.description"), a.text("data.0.totals.balance.display"), a.text("data.0.due_at"))
	}).under("data.0")
	w.call(ctx, 409, "POST", "/v1/payments/"+bill.text("id")+"/pay", nil, func(a answer) string { return "it has no card: " + a.text("code") })
	a = w.call(ctx, 200, "POST", "/v1/payments/"+bill.text("id")+"/pay", map[string]any{"payment_method_id": visa.text("id")}, func(a answer) string {
		return "paid by card: " + a.text("status")
	})
	w.must(a.text("status") == "completed" && a.number("totals.balance.amount") == 0, "a paid invoice")
	w.call(ctx, 409, "POST", "/v1/payments/"+bill.text("id")+"/pay", map[string]any{"payment_method_id": visa.text("id")}, func(a answer) string {
		return "nobody pays twice: " + a.text("code")
	})
}

// is tells whether an answer has a value at a path.
func is(path, value string) func(answer) bool {
	return func(a answer) bool { return a.text(path) == value }
}

func (w *walk) german(ctx context.Context) {
	w.say("── Another customer, on another device: the typed code, in German; a declined card updated in one act")
	token := w.token
	w.token = ""
	a := w.call(ctx, 202, "POST", "/v1/portals/"+string(w.data.merchant.Portal.ID)+"/sign-ins", map[string]any{"email": demoGermanEmail}, nil)
	code := first(codeInMail, w.signInMail(ctx, demoGermanEmail))
	w.must(code != "", "a code in the mail")
	id := a.text("sign_in_id")
	w.call(ctx, 401, "POST", "/v1/sign-ins/verify", map[string]any{"sign_in_id": id, "code": "AAAA-AAAA"}, func(answer) string { return "a guess" })
	a = w.call(ctx, 200, "POST", "/v1/sign-ins/verify", map[string]any{"sign_in_id": id, "code": strings.ToLower(code)}, nil)
	w.token = a.text("access_token")
	a = w.call(ctx, 200, "GET", "/v1/payments", nil, func(a answer) string {
		return a.text("data.0.totals.total.display") + ", " + a.text("data.0.status_text")
	})
	w.must(a.header.Get("Content-Language") == "de", "an answer in German")
	debt := a.under("data.0")
	w.must(debt.text("status") == "past_due", "a debt")
	declined := w.methods(ctx).under("data.0")
	s := w.setUp(ctx, "4242424242424242", "succeeded")
	a = w.call(ctx, 201, "POST", "/v1/payment-methods", map[string]any{"setup_id": s.text("setup_id"), "replaces": declined.text("id")}, func(a answer) string {
		return fmt.Sprintf("takes over %d subscriptions and pays the debt: %s", a.count("used_by"), a.text("collections.0.status"))
	})
	w.must(a.text("collections.0.payment_id") == debt.text("id") && a.text("collections.0.status") == "completed", "the debt collected")
	w.must(a.count("used_by") == declined.count("used_by") && a.yes("default"), "what the old card was for")
	w.call(ctx, 200, "GET", "/v1/payments/"+debt.text("id"), nil, func(a answer) string { return a.text("status_text") + ", " + a.text("invoice.number") })
	a = w.call(ctx, 200, "GET", "/v1/subscriptions/"+debt.text("subscription_id"), nil, func(a answer) string { return a.text("items.0.product.name") + ": " + a.text("status_text") })
	w.must(a.text("status") == "active", "an active subscription")
	w.call(ctx, 404, "GET", "/v1/payment-methods/"+declined.text("id"), nil, func(answer) string { return "the declined card is gone" })
	w.call(ctx, 204, "DELETE", "/v1/sessions/current", nil, func(answer) string { return "signed out" })
	w.call(ctx, 401, "GET", "/v1/payments", nil, func(a answer) string { return a.text("detail") })
	w.token = token
}

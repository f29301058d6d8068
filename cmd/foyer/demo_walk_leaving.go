package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// cancellations leads a customer out in one call and back, into an offer that is accepted, and past one that is declined.
func (w *walk) cancellations(ctx context.Context) {
	w.say("── Cancel in one call, and change one's mind")
	terrain := "/v1/subscriptions/" + w.subscriptionTo(ctx, "Aurora Terrain").text("id")
	a := w.call(ctx, 201, "POST", terrain+"/cancellations", object{"confirm": true}, func(a answer) string {
		return fmt.Sprintf("one call: %s, ends on %.10s", a.text("state"), a.text("effective_at"))
	})
	w.must(a.text("state") == "scheduled" && a.text("step") == "done", "a scheduled cancellation")
	first := "/v1/cancellations/" + a.text("id")
	a = w.call(ctx, 200, "GET", terrain, nil, func(answer) string { return "no next payment is shown" })
	w.must(a.at("next_payment") == nil && a.text("scheduled_change.action") == "cancel", "no next payment")
	a = w.call(ctx, 200, "DELETE", terrain+"/scheduled-change", nil, func(a answer) string {
		return "kept: next " + a.text("next_payment.total.display") + fmt.Sprintf(" on %.10s", a.text("next_payment.at"))
	})
	w.must(a.at("scheduled_change") == nil && a.text("next_payment.at") != "", "a subscription that goes on")
	a = w.call(ctx, 200, "GET", first, nil, func(a answer) string { return a.text("state_text") })
	w.must(a.text("state") == "undone", "the cancellation undone")

	w.offers(ctx)
	w.stay(ctx, "/v1/subscriptions/"+w.subscriptionTo(ctx, "Aurora Team").text("id"))
	w.part(ctx, "/v1/subscriptions/"+w.subscriptionTo(ctx, "Aurora Traffic").text("id"))
}

// offers is the merchant saying what customers who want to leave are told and offered.
func (w *walk) offers(ctx context.Context) {
	w.say("── The merchant says what somebody who wants to leave is offered")
	b := w.data.backend
	rules := object{
		"value_proposition": object{"headline": object{"en": "All your maps in one place", "de": "Alle Ihre Karten an einem Ort"}},
		"offers": []object{
			{"key": "stay-30", "type": "discount", "discount": object{"type": "percent", "percent": "30", "periods": 3}, "when": object{"reasons": []string{"too_expensive"}}, "limits": object{"per_customer": 1}},
			{"key": "break", "type": "pause", "priority": -1, "pause": object{"periods": 2}},
		},
	}
	b.call(ctx, 200, "PUT", "/v1/merchant/retention", rules, func(a answer) string { return fmt.Sprintf("%d offers", a.count("offers")) })
	rules["offers"] = []object{{"key": "wrong", "type": "discount", "discount": object{"type": "percent", "percent": "130"}, "when": object{"reasons": []string{"moon"}}}}
	b.call(ctx, 422, "PUT", "/v1/merchant/retention", rules, func(a answer) string {
		return fmt.Sprintf("refused as a whole: %s, %s", a.text("errors.0.pointer"), a.text("errors.1.pointer"))
	})
	ask := object{"subscription_id": w.subscriptionTo(ctx, "Aurora Team").text("id"), "answers": object{"reason": "too_expensive"}}
	a := b.call(ctx, 200, "POST", "/v1/merchant/retention/explain", ask, func(a answer) string {
		return fmt.Sprintf("would offer %q: %s, then %s", a.text("chosen"), a.text("terms.price_now.display"), a.text("terms.price_later.display"))
	})
	w.must(a.text("chosen") == "stay-30", "the discount")
}

// stay is a flow that ends with an accepted offer.
func (w *walk) stay(ctx context.Context, sub string) {
	w.say("── A customer wants to leave, and accepts an offer")
	a := w.call(ctx, 201, "POST", sub+"/cancellations", nil, func(a answer) string {
		return fmt.Sprintf("%q, %d questions, none required", a.text("survey.headline"), a.count("survey.questions"))
	})
	w.must(a.text("step") == "survey" && a.text("actions.cancel_now.path") != "", "a survey that can be skipped")
	path := "/v1/cancellations/" + a.text("id")
	a = w.call(ctx, 200, "POST", path+"/answers", object{"reason": "too_expensive"}, func(a answer) string {
		return fmt.Sprintf("offer: %s; from %.10s on %s again", a.text("offer.headline"), a.text("offer.terms.until"), a.text("offer.terms.price_later.display"))
	})
	w.must(a.text("state") == "offered" && a.text("actions.cancel_now.path") != "", "an offer, and the way out beside it")
	now := a.number("offer.terms.price_now.amount")
	a = w.call(ctx, 200, "POST", path+"/offer/accept", object{"offer_id": a.text("offer.id")}, func(a answer) string { return a.text("state") + ": " + a.text("headline") })
	w.must(a.text("state") == "saved", "a saved subscription")
	a = w.call(ctx, 200, "GET", sub, nil, func(a answer) string { return "the next payment: " + a.text("next_payment.total.display") })
	w.must(a.number("next_payment.total.amount") == now, "the price of the offer")
	w.mail(ctx, demoEmail, "the terms that were accepted", func(m answer) bool { return m.text("subject") == "Your discount on Aurora Team" })
}

// part is a flow past an offer to the end, with its receipt.
func (w *walk) part(ctx context.Context, sub string) {
	w.say("── A customer wants to leave, and does")
	a := w.call(ctx, 201, "POST", sub+"/cancellations", nil, func(a answer) string { return a.text("keeps.text") })
	path := "/v1/cancellations/" + a.text("id")
	a = w.call(ctx, 200, "POST", path+"/answers", object{"reason": "not_using", "comment": "I moved to the sea."}, func(a answer) string {
		return "offer: " + a.text("offer.headline")
	})
	w.must(a.text("offer.type") == "pause", "a pause to be offered")
	a = w.call(ctx, 200, "POST", path+"/offer/decline", nil, func(a answer) string { return a.text("headline") })
	w.must(a.text("state") == "open" && a.text("step") == "confirm", "the confirmation")
	now := a.under("actions.cancel_now")
	done := w.call(ctx, 200, now.text("method"), now.text("path"), now.at("body"), func(a answer) string {
		return fmt.Sprintf("%s, ends on %.10s", a.text("state"), a.text("effective_at"))
	})
	w.must(done.text("state") == "scheduled", "a scheduled cancellation")
	w.call(ctx, 409, "POST", now.text("path"), nil, func(a answer) string { return a.text("code") })
	pdf := w.call(ctx, 200, "GET", path+"/receipt", nil, func(a answer) string { return fmt.Sprintf("the receipt, %d KiB", len(a.body)>>10) })
	w.must(bytes.HasPrefix(pdf.body, []byte("%PDF-")), "a PDF")
	file := filepath.Join(w.dir, "cancellation.pdf")
	if err := os.WriteFile(file, pdf.body, 0o600); err != nil {
		w.must(false, "to keep the receipt: %v", err)
	}
	mail := w.mail(ctx, demoEmail, "the receipt", func(m answer) bool {
		return m.count("attachments") == 1 && strings.HasPrefix(m.text("subject"), "Your subscription to Aurora Traffic ends on ")
	})
	w.say("         with %s; the same lies in %s", mail.text("attachments.0"), file)
	w.data.backend.call(ctx, 200, "GET", "/v1/merchant"+path[len("/v1"):], nil, func(a answer) string {
		return fmt.Sprintf("why: %s, %q; %d entries of evidence", a.text("answers.reason"), a.text("answers.comment"), a.count("evidence"))
	})
}

// exits is somebody leaving without signing in, as German law has it, and the numbers of all of it.
func (w *walk) exits(ctx context.Context) {
	w.say("── Somebody in Germany cancels without signing in")
	token, portal := w.token, "/v1/portals/"+string(w.data.merchant.Portal.ID)
	w.token = ""
	a := w.call(ctx, 200, "GET", portal+"?country=DE", nil, func(a answer) string {
		return fmt.Sprintf("the buttons: “%s”, “%s”", a.text("exits.statutory.cancel"), a.text("exits.statutory.confirm_cancel"))
	})
	notice := object{"name": "Jonas Weiss", "email": demoGermanEmail, "contract": "Aurora Traffic"}
	a = w.call(ctx, 201, "POST", a.text("exits.cancellation_notices"), notice, func(_ answer) string { return "received, with a receipt to download at once" })
	w.must(a.text("receipt_url") != "", "a receipt at once")
	strange := w.call(ctx, 201, "POST", portal+"/cancellation-notices", object{"name": "Nobody", "email": "nobody@customer.example", "contract": "Moon"}, func(answer) string {
		return "the same answer for somebody nobody knows"
	})
	w.must(strange.text("receipt_url") != "", "the same answer")
	w.token = token
	b := w.data.backend
	path := "/v1/merchant/notices/" + a.text("id")
	for deadline := time.Now().Add(patience); w.failed == nil && time.Now().Before(deadline); time.Sleep(30 * time.Millisecond) {
		if found, _, err := b.send(ctx, "GET", path, nil); err == nil && found.text("state") != "received" {
			break
		}
	}
	found := b.call(ctx, 200, "GET", path, nil, func(a answer) string { return a.text("state") + ": the name was spelled another way" })
	w.must(found.text("state") == "matched", "a matched notice")
	w.mail(ctx, demoGermanEmail, "the mail to the address on file", func(m answer) bool {
		return m.count("attachments") == 1 && strings.Contains(m.text("subject"), "Aurora Traffic") && strings.Contains(m.text("text"), "ticket=")
	})
	b.call(ctx, 200, "GET", "/v1/merchant/retention/insights", nil, func(a answer) string {
		return fmt.Sprintf("%d began to leave, %d stayed for an offer, %d left; kept %s a month", a.number("total.started"), a.number("total.saved"),
			a.number("total.canceled"), a.text("total.revenue_kept.0.display"))
	})
}

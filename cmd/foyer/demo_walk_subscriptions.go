package main

import (
	"context"
	"fmt"
	"time"
)

// subscriptionTo finds the customer's subscription to a product.
func (w *walk) subscriptionTo(ctx context.Context, product string) answer {
	a, _, err := w.send(ctx, "GET", "/v1/subscriptions", nil)
	found := a.find("items.0.product.name", product)
	w.must(err == nil && found.json != nil, "a subscription to %s", product)
	return found
}

// newest is the newest payment of a subscription.
func (w *walk) newest(ctx context.Context, sub string) answer {
	a, _, err := w.send(ctx, "GET", "/v1/payments?limit=1&subscription_id="+sub, nil)
	w.must(err == nil && a.count("data") == 1, "a payment of %s", sub)
	return a.under("data.0")
}

// plan is a price for one and three seats.
func (w *walk) plan(price string) map[string]any {
	seat := w.data.catalog.seat
	return map[string]any{"items": []any{map[string]any{"price_id": price, "quantity": 1}, map[string]any{"price_id": seat, "quantity": 3}}}
}

func (w *walk) plans(ctx context.Context) {
	w.say("── Another plan: up now, down at the end of the period")
	sub := w.subscriptionTo(ctx, "Aurora Basic").text("id")
	path := "/v1/subscriptions/" + sub
	up, down := w.plan(w.data.catalog.pro), w.plan(w.data.catalog.basic)
	preview := w.call(ctx, 200, "POST", path+"/change/preview", up, func(a answer) string {
		return "Aurora Pro: " + a.text("immediate_payment.totals.grand_total.display") + " now for the rest of the period, then " + a.text("recurring_total.display")
	})
	amount := preview.number("immediate_payment.totals.grand_total.amount")
	w.must(amount > 0, "something to pay now")
	a := w.call(ctx, 200, "POST", path+"/change", up, func(a answer) string { return a.text("items.0.product.name") + ", " + a.text("status") })
	w.must(a.text("items.0.product.name") == "Aurora Pro" && a.number("recurring_total.amount") == preview.number("recurring_total.amount"), "Aurora Pro at the price of the preview")
	paid := w.newest(ctx, sub)
	w.must(paid.text("status") == "completed" && paid.number("totals.grand_total.amount") == amount, "a charge of what the preview said, %d", amount)
	w.call(ctx, 200, "GET", "/v1/payments/"+paid.text("id"), nil, func(a answer) string {
		return fmt.Sprintf("charged %s as previewed: %d prorated lines, invoice %s", a.text("totals.grand_total.display"), a.count("lines"), a.text("invoice.number"))
	})
	w.call(ctx, 422, "POST", path+"/change", up, func(a answer) string { return a.text("code") })
	preview = w.call(ctx, 200, "POST", path+"/change/preview", down, func(a answer) string {
		return fmt.Sprintf("back to Aurora Basic: nothing now, %s from %.10s", a.text("recurring_total.display"), a.text("effective_at"))
	})
	w.must(preview.at("immediate_payment") == nil, "nothing to pay for less")
	a = w.call(ctx, 200, "POST", path+"/change", down, func(a answer) string {
		return fmt.Sprintf("%s until %.10s, then %s", a.text("items.0.product.name"), a.text("scheduled_change.effective_at"), a.text("scheduled_change.items.0.product.name"))
	})
	w.must(a.text("scheduled_change.action") == "change" && a.number("next_payment.total.amount") == preview.number("recurring_total.amount"), "a downgrade at the end of the period")
}

func (w *walk) pauses(ctx context.Context) {
	w.say("── Pause and resume")
	sub := w.subscriptionTo(ctx, "Aurora Offline").text("id")
	path := "/v1/subscriptions/" + sub
	status := func(a answer) string { return a.text("items.0.product.name") + " is " + a.text("status") }
	a := w.call(ctx, 200, "POST", path+"/resume", map[string]any{"billing": "new_period"}, func(a answer) string {
		return status(a) + fmt.Sprintf(" in a new period until %.10s", a.text("current_period.ends_at"))
	})
	w.must(a.text("status") == "active", "an active subscription")
	paid := w.newest(ctx, sub)
	w.must(paid.text("status") == "completed" && paid.number("totals.total.amount") == a.number("recurring_total.amount"), "the new period charged")
	a = w.call(ctx, 200, "POST", path+"/pause", map[string]any{"effective": "immediately"}, status)
	w.must(a.text("status") == "paused" && a.at("next_payment") == nil, "a paused subscription")
	w.call(ctx, 409, "POST", path+"/pause", map[string]any{"effective": "immediately"}, func(a answer) string { return a.text("code") })
	a = w.call(ctx, 200, "POST", path+"/resume", map[string]any{"billing": "continue_period"}, func(a answer) string { return status(a) + " in the period paid before, without a charge" })
	w.must(a.text("status") == "active" && w.newest(ctx, sub).text("id") == paid.text("id"), "no other charge")
	back := w.data.clock(ctx).AddDate(0, 0, 10).Truncate(time.Hour)
	a = w.call(ctx, 200, "POST", path+"/pause", map[string]any{"effective": "immediately", "resume_at": back.Format(time.RFC3339)}, func(a answer) string {
		return status(a) + fmt.Sprintf(" until %.10s", a.text("scheduled_change.effective_at"))
	})
	w.must(a.text("scheduled_change.action") == "resume", "a resume by itself")
}

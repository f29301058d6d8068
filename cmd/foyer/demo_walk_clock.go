package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"foyer/internal/billing"
)

// aMonthLater moves the merchant's clock and looks at what the engine did by itself.
func (w *walk) aMonthLater(ctx context.Context) {
	plan := w.subscriptionTo(ctx, "Aurora Pro")
	before := w.newest(ctx, plan.text("id"))
	from, started := w.data.clock(ctx), time.Now()
	w.data.until(ctx, 5, 18)
	w.say("── The sandbox merchant's clock moves from %s to %s, in %d ms", from.Format(time.DateOnly), w.data.clock(ctx).Format(time.DateOnly), time.Since(started).Milliseconds())
	path := "/v1/payments?limit=1&subscription_id=" + plan.text("id")
	renewed := w.until(ctx, path, "the renewal", func(a answer) bool {
		return a.text("data.0.id") != before.text("id") && a.text("data.0.status") == "completed"
	}, func(a answer) string {
		return fmt.Sprintf("renewed on %.10s: %s, invoice %s", a.text("data.0.billed_at"), a.text("data.0.totals.total.display"), a.text("data.0.invoice.number"))
	}).under("data.0")
	w.must(renewed.text("origin") == string(billing.OriginRenewal) && renewed.number("totals.total.amount") == plan.number("next_payment.total.amount"), "the payment that was announced")
	w.must(renewed.text("description") == "Aurora Basic, Extra seat", "the plan changed at the end of the period")
	number := renewed.text("invoice.number")
	receipt := w.mail(ctx, demoEmail, "the receipt of "+number, func(m answer) bool { return strings.Contains(m.text("attachments.0"), number) })
	w.say("         with %s", receipt.text("attachments.0"))
	a := w.call(ctx, 200, "GET", "/v1/subscriptions", nil, func(answer) string { return "what time alone did:" })
	for i := range a.count("data") {
		w.subscription(a.under(fmt.Sprintf("data.%d", i)))
	}
	for product, status := range map[string]string{
		"Aurora Terrain": "active", "Aurora Offline": "active", "Aurora Weather": "canceled", "Aurora Traffic": "canceled", "Aurora Basic": "active",
	} {
		w.must(a.find("items.0.product.name", product).text("status") == status, "%s to be %s", product, status)
	}
}

// books compares what is booked with what the gateway says really happened, charge by charge.
func (w *walk) books(ctx context.Context) {
	w.say("── The gateway's ledger and the books")
	var booked map[string]answer
	a := w.until(ctx, gatewayPath+"/ledger", "as many charges as completed payments", func(a answer) bool {
		booked = w.completed(ctx)
		return a.count("data") == len(booked)
	}, func(a answer) string {
		return fmt.Sprintf("%d charges, %d completed payments", a.count("data"), len(booked))
	})
	sums, refunded := map[string]int64{}, 0
	for i := range a.count("data") {
		entry := a.under(fmt.Sprintf("data.%d", i))
		p, known := booked[entry.text("reference")]
		same := known && entry.number("amount") == p.number("totals.grand_total.amount") && entry.text("currency") == p.text("currency")
		w.must(same, "the charge %s of %d %s in the books, once", entry.text("key"), entry.number("amount"), entry.text("currency"))
		delete(booked, entry.text("reference"))
		sums[entry.text("currency")] += entry.number("amount")
		if entry.text("status") == "partially_refunded" {
			refunded++
		}
	}
	w.must(len(booked) == 0 && refunded == 1, "every payment in the ledger, one refunded in part")
	var shown []string
	for currency, sum := range sums {
		shown = append(shown, fmt.Sprintf("%d %s", sum, currency))
	}
	slices.Sort(shown)
	w.say("         every charge is booked once, to the cent; sums in minor units: %s", strings.Join(shown, ", "))
	findings, err := w.data.app.Check(ctx)
	w.must(err == nil && len(findings) > 0, "foyer check to run: %v", err)
	for _, f := range findings {
		w.must(f.Broken == 0, "%s: 0, not %d", f.Rule, f.Broken)
	}
	w.say("         foyer check: all %d rules hold", len(findings))
}

// completed are all payments of the merchant's that money came in with.
func (w *walk) completed(ctx context.Context) map[string]answer {
	w.data.backend.quiet = true
	defer func() { w.data.backend.quiet = false }()
	booked := map[string]answer{}
	for _, customer := range w.data.customers {
		for _, p := range w.data.payments(ctx, customer) {
			if p.text("status") == "completed" && p.number("totals.grand_total.amount") > 0 {
				booked[p.text("id")] = p
			}
		}
	}
	return booked
}

package main

import (
	"context"
	"time"
)

// live goes through four months and eighteen days. At their end Mia has a subscription in every state, a history with a
// discount, a refund and declined charges, a debt, and a bill that is not due yet; Jonas, too, has a debt.
func (d *demoData) live(ctx context.Context) {
	mia, jonas, c := d.customers[demoEmail], d.customers[demoGermanEmail], d.catalog
	yuki, omar := d.customers[demoJapaneseEmail], d.customers[demoArabicEmail]

	visa := d.card(ctx, mia, "tok_4242", true)
	d.subscribe(ctx, mia, object{"items": []object{item(c.basic, 1), item(c.seat, 3)}, "payment_method_id": visa, "discount_id": c.welcome})
	d.backend.say("         and so on: what follows, for four and a half months of the merchant's clock, is calls like these")
	d.backend.quiet = true
	d.subscribe(ctx, yuki, one(c.yen, d.card(ctx, yuki, "tok_4242", true)))
	d.subscribe(ctx, omar, one(c.dinar, d.card(ctx, omar, "tok_4242", true)))
	d.until(ctx, 0, 1)
	classic := d.subscribe(ctx, mia, one(c.classic, visa))
	d.until(ctx, 0, 2)
	failing := d.card(ctx, jonas, "tok_0341", true)
	d.subscribe(ctx, jonas, one(c.yearly, failing))
	d.until(ctx, 0, 3)
	offline := d.subscribe(ctx, mia, one(c.offline, visa))

	d.until(ctx, 1, 2)
	d.refundOneSeat(ctx, mia)
	d.until(ctx, 1, 5)
	weather := d.subscribe(ctx, mia, one(c.weather, visa))

	d.until(ctx, 2, 8)
	weak := d.card(ctx, mia, "tok_0341", false)
	traffic := d.subscribe(ctx, mia, one(c.traffic, weak))
	d.act(ctx, classic, "cancel", nil)

	d.until(ctx, 3, 0)
	d.act(ctx, offline, "pause", object{"effective": "immediately"})
	d.until(ctx, 3, 12)
	d.subscribe(ctx, jonas, one(c.traffic, failing))
	d.until(ctx, 3, 14)
	d.collect(ctx, mia, traffic) // declined since day 8 (11 after short months); asked for now, the same card works

	d.until(ctx, 4, 6)
	d.subscribe(ctx, mia, object{
		"items": []object{item(c.team, 1)}, "collection_mode": "manual",
		"billing_details": object{"payment_terms": object{"interval": "day", "frequency": 14}, "purchase_order_number": "PO-2207"},
	})
	d.until(ctx, 4, 10)
	d.act(ctx, weather, "cancel", nil)
	d.until(ctx, 4, 12)
	d.subscribe(ctx, mia, one(c.terrain, visa))
	d.until(ctx, 4, 18)
	d.moveTo(ctx, d.began.AddDate(0, 4, 18).Add(6*time.Hour)) // the hour at which everything here falls due is over: nothing is under way
	if payments := d.payments(ctx, jonas); len(payments) > 0 {
		d.foreign = payments[0].text("id")
	}
}

func item(price string, quantity int) object { return object{"price_id": price, "quantity": quantity} }

func one(price, method string) object {
	return object{"items": []object{item(price, 1)}, "payment_method_id": method}
}

// card stores a card the merchant's server has a token of from the gateway.
func (d *demoData) card(ctx context.Context, of, token string, isDefault bool) string {
	return d.post(ctx, "/customers/"+of+"/payment-methods", object{"gateway_token": token, "default": isDefault}, func(a answer) string {
		return a.text("card.brand") + " " + a.text("card.last4")
	})
}

func (d *demoData) subscribe(ctx context.Context, of string, body object) string {
	body["customer_id"] = of
	return d.post(ctx, "/subscriptions", body, func(a answer) string {
		return a.text("status") + ", " + a.text("recurring_total.display") + " a month, next " + a.text("next_payment.total.display")
	})
}

func (d *demoData) act(ctx context.Context, subscription, what string, body object) {
	var sent any
	if body != nil {
		sent = body
	}
	d.backend.call(ctx, 200, "POST", "/v1/merchant/subscriptions/"+subscription+"/"+what, sent, nil)
}

// collect tries a debt again.
func (d *demoData) collect(ctx context.Context, of, subscription string) {
	debt := d.get(ctx, "/payments?status=past_due&customer_id="+of+"&subscription_id="+subscription).text("data.0.id")
	d.backend.call(ctx, 200, "POST", "/v1/merchant/payments/"+debt+"/collect", nil, nil)
}

// refundOneSeat gives one seat of the customer's newest payment back.
func (d *demoData) refundOneSeat(ctx context.Context, of string) {
	for _, listed := range d.payments(ctx, of) {
		p := d.get(ctx, "/payments/"+listed.text("id"))
		if p.count("lines") != 2 {
			continue
		}
		seats := p.under("lines.1")
		d.post(ctx, "/payments/"+p.text("id")+"/refunds", object{
			"lines": []object{{"line_id": seats.text("id"), "amount": seats.number("totals.total.amount") / seats.number("quantity")}}, "reason": "Seat removed",
		}, nil)
		return
	}
}

package main

import (
	"context"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/provider/native"
)

// live goes through four months and eighteen days. At their end Mia has a subscription in every state, a history with a
// discount, a refund and declined charges, a debt, and a bill that is not due yet; Jonas, too, has a debt.
func (d *demoData) live(ctx context.Context) {
	mia, jonas, c := d.customers[demoEmail], d.customers[demoGermanEmail], d.catalog
	yuki, omar := d.customers["yuki@customer.example"], d.customers["omar@customer.example"]

	visa := d.card(ctx, mia, "tok_4242", true)
	d.subscribe(ctx, mia, native.CreateInput{
		Items: []billing.ItemInput{{Price: c.basic, Quantity: 1}, {Price: c.seat, Quantity: 3}}, PaymentMethod: visa, Discount: c.welcome,
	})
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
	d.cancel(ctx, mia, classic)

	d.until(ctx, 3, 0)
	d.pause(ctx, mia, offline)
	d.until(ctx, 3, 12)
	d.subscribe(ctx, jonas, one(c.traffic, failing))
	d.until(ctx, 3, 14)
	d.payDebt(ctx, mia, traffic) // declined since day 8 (11 after short months); she is there, so the same card works

	d.until(ctx, 4, 6)
	d.subscribe(ctx, mia, native.CreateInput{
		Items: []billing.ItemInput{{Price: c.team, Quantity: 1}}, CollectionMode: billing.CollectManual,
		BillingDetails: &billing.Terms{PaymentTerms: &foyer.Cycle{Interval: foyer.Day, Frequency: 14}, PurchaseOrderNumber: "PO-2207"},
	})
	d.until(ctx, 4, 10)
	d.cancel(ctx, mia, weather)
	d.until(ctx, 4, 12)
	d.subscribe(ctx, mia, one(c.terrain, visa))
	d.until(ctx, 4, 18)
	if payments := d.payments(ctx, jonas); len(payments) > 0 {
		d.foreign = payments[0].ID
	}
}

func one(price billing.PriceID, method billing.PaymentMethodID) native.CreateInput {
	return native.CreateInput{Items: []billing.ItemInput{{Price: price, Quantity: 1}}, PaymentMethod: method}
}

// actor is the customer at their device.
func actor(scope foyer.Scope) foyer.Actor {
	return foyer.Actor{Kind: foyer.ActorCustomer, Scope: scope}
}

// present says that the customer is there when the card is charged, as in a shop: a command has a name.
func (d *demoData) present(ctx context.Context) context.Context {
	return foyer.WithCommand(ctx, "demo/"+d.app.IDs(foyer.PrefixAttempt))
}

func (d *demoData) card(ctx context.Context, of foyer.Scope, token string, isDefault bool) billing.PaymentMethodID {
	if d.err != nil {
		return ""
	}
	m, err := d.app.Billing.AddMethodByToken(ctx, actor(of), token, isDefault)
	d.note("card "+token, err)
	return m.ID
}

func (d *demoData) subscribe(ctx context.Context, of foyer.Scope, in native.CreateInput) billing.SubscriptionID {
	if d.err != nil {
		return ""
	}
	sub, _, err := d.app.Engine.CreateSubscription(d.present(ctx), actor(of), in)
	d.note("subscription", err)
	return sub.ID
}

func (d *demoData) cancel(ctx context.Context, of foyer.Scope, id billing.SubscriptionID) {
	if d.err != nil {
		return
	}
	_, err := d.app.Billing.Cancel(ctx, actor(of), id, billing.AtPeriodEnd)
	d.note("cancel", err)
}

func (d *demoData) pause(ctx context.Context, of foyer.Scope, id billing.SubscriptionID) {
	if d.err != nil {
		return
	}
	_, err := d.app.Billing.Pause(ctx, actor(of), id, billing.PauseInput{Effective: billing.Immediately})
	d.note("pause", err)
}

func (d *demoData) payDebt(ctx context.Context, of foyer.Scope, id billing.SubscriptionID) {
	if d.err != nil {
		return
	}
	sub, err := d.app.Billing.Subscription(ctx, of, id)
	d.note("debt", err)
	_, _, err = d.app.Billing.Pay(d.present(ctx), actor(of), sub.Debt, "")
	d.note("debt", err)
}

// refundOneSeat gives one seat of the customer's newest payment back.
func (d *demoData) refundOneSeat(ctx context.Context, of foyer.Scope) {
	if d.err != nil {
		return
	}
	for _, listed := range d.payments(ctx, of) {
		p, err := d.app.Billing.Payment(ctx, of, listed.ID)
		d.note("refund", err)
		if len(p.Lines) != 2 {
			continue
		}
		_, _, err = d.app.Engine.Refund(ctx, foyer.Actor{Kind: foyer.ActorMerchant, Scope: of}, p.ID, billing.RefundInput{
			Lines: []billing.RefundLine{{LineID: string(p.Lines[1].ID), Amount: p.Lines[1].Totals.Total / p.Lines[1].Quantity}}, Reason: "Seat removed",
		})
		d.note("refund", err)
		return
	}
}

// payments are all of a customer's, newest first.
func (d *demoData) payments(ctx context.Context, of foyer.Scope) []billing.Payment {
	list, err := d.app.Billing.Payments(ctx, of, billing.PaymentFilter{IncludeZero: true}, foyer.PageRequest{Limit: 1000})
	d.note("payments", err)
	return list
}

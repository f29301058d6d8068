package main

import (
	"context"
	"fmt"
	"time"

	"foyer/internal/app"
	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/invoice"
	"foyer/internal/merchant"
)

// The customers of the demo whose mailboxes the walk reads.
const (
	demoEmail       = "mia@customer.example"
	demoGermanEmail = "jonas@customer.example"
)

// demoData makes a sandbox merchant with customers, a year of history and a subscription in every state.
type demoData struct {
	app      *app.App
	now      time.Time
	merchant merchant.Merchant
	secret   string
	batch    billing.ImportBatch
	methods  []billing.PaymentMethod
	invoices []invoice.Invoice
	// foreign is a payment of another customer, which the walk must not see.
	foreign billing.PaymentID
}

func newDemoData(ctx context.Context, a *app.App, frontend string, origins []string) (*demoData, error) {
	d := &demoData{app: a, now: foyer.Micro(a.Now())}
	var err error
	d.merchant, d.secret, err = a.Merchants.Create(ctx, merchant.Sandbox, merchant.Settings{
		Name: "Aurora Maps", FrontendURL: frontend, AllowedOrigins: origins, Branding: merchant.Branding{Color: "#1f6f54"},
		Seller: merchant.Seller{
			LegalName: "Aurora Maps GmbH", TaxID: "DE311222333", RegistrationNumber: "HRB 204711 B", Email: "billing@aurora-maps.example",
			Address: merchant.Address{Line1: "Kartenweg 12", City: "Berlin", PostalCode: "10115", Country: "DE"},
		},
		Legal: merchant.LegalLinks{TermsURL: "https://aurora-maps.example/terms", PrivacyURL: "https://aurora-maps.example/privacy"},
	})
	if err != nil {
		return nil, err
	}
	d.mia()
	d.jonas()
	d.abroad()
	return d, d.save(ctx)
}

func (d *demoData) save(ctx context.Context) error {
	if err := d.app.Store.Importing(invoice.Party{}).Save(ctx, d.merchant.ID, d.batch); err != nil {
		return err
	}
	for _, m := range d.methods {
		if err := d.app.Store.CreatePaymentMethod(ctx, m); err != nil {
			return err
		}
	}
	for _, in := range d.invoices {
		if err := d.app.Store.CreateInvoice(ctx, in); err != nil {
			return err
		}
	}
	return nil
}

func (d *demoData) customer(email, name, locale string, address billing.Address) billing.Customer {
	c := billing.Customer{
		ID: foyer.CustomerID(d.app.IDs(foyer.PrefixCustomer)), Merchant: d.merchant.ID, Email: email, Name: name, Locale: locale, Address: address,
		CreatedAt: d.now.AddDate(-1, -2, 0), UpdatedAt: d.now.AddDate(-1, -2, 0), Version: 1,
	}
	d.batch.Customers = append(d.batch.Customers, billing.ImportedCustomer{Customer: c})
	return c
}

func (d *demoData) method(c billing.Customer, brand, last4 string, expires time.Time, isDefault bool) billing.PaymentMethod {
	m := billing.PaymentMethod{
		ID: billing.PaymentMethodID(d.app.IDs(foyer.PrefixPaymentMethod)), Merchant: d.merchant.ID, Customer: c.ID, Gateway: "sandbox", Type: "card",
		Card:        &billing.Card{Brand: brand, Last4: last4, ExpiryMonth: int(expires.Month()), ExpiryYear: expires.Year()},
		BillingName: c.Name, Default: isDefault, CreatedAt: d.now.AddDate(-1, 0, 0), UpdatedAt: d.now.AddDate(-1, 0, 0), Version: 1,
	}
	d.methods = append(d.methods, m)
	return m
}

func (d *demoData) subscription(c billing.Customer, status billing.SubscriptionStatus, name string, price int64, currency foyer.Currency, m billing.PaymentMethodID) *billing.Subscription {
	started := d.now.AddDate(-1, 0, -len(d.batch.Subscriptions))
	period := foyer.Period{Start: d.now.AddDate(0, 0, -11), End: d.now.AddDate(0, 0, 19)}
	sub := billing.Subscription{
		ID: billing.SubscriptionID(d.app.IDs(foyer.PrefixSubscription)), Merchant: d.merchant.ID, Customer: c.ID, Status: status, Currency: currency,
		Items: []billing.SubscriptionItem{{
			ProductID: billing.ProductID(d.app.IDs(foyer.PrefixProduct)), PriceID: billing.PriceID(d.app.IDs(foyer.PrefixPrice)),
			ProductName: name, PriceName: "Monthly", Quantity: 1, UnitPrice: price, TaxRate: "0.19",
		}},
		RecurringTotal: price + tax(price), Cycle: foyer.Cycle{Interval: foyer.Month, Frequency: 1}, CollectionMode: billing.CollectAutomatic,
		CurrentPeriod: &period, NextBilledAt: &period.End, PaymentMethod: m, StartedAt: &started, CreatedAt: started, UpdatedAt: d.now, Version: 1,
	}
	d.batch.Subscriptions = append(d.batch.Subscriptions, billing.ImportedSubscription{Subscription: sub})
	return &d.batch.Subscriptions[len(d.batch.Subscriptions)-1].Subscription
}

// tax is 19 % of a price, rounded half up.
func tax(net int64) int64 { return (net*19 + 50) / 100 }

type demoLine struct {
	name     string
	quantity int64
	price    int64
	discount int64
}

// payment adds a bill; a completed one gets its invoice.
func (d *demoData) payment(c billing.Customer, sub *billing.Subscription, status billing.PaymentStatus, at time.Time, lines []demoLine, attempts ...billing.Attempt) *billing.Payment {
	p := billing.Payment{
		ID: billing.PaymentID(d.app.IDs(foyer.PrefixPayment)), Merchant: d.merchant.ID, Customer: c.ID, Status: status, Origin: billing.OriginRenewal,
		CollectionMode: billing.CollectAutomatic, Currency: sub.Currency, Description: lines[0].name, Subscription: sub.ID,
		BillingPeriod: &foyer.Period{Start: at, End: at.AddDate(0, 1, 0)}, CreatedAt: at, UpdatedAt: at, BilledAt: &at, Version: 1,
	}
	var sum billing.LineTotals
	for _, l := range lines {
		t := billing.LineTotals{Subtotal: l.quantity * l.price, Discount: l.discount}
		t.Tax = tax(t.Subtotal - t.Discount)
		t.Total = t.Subtotal - t.Discount + t.Tax
		sum.Subtotal, sum.Discount, sum.Tax, sum.Total = sum.Subtotal+t.Subtotal, sum.Discount+t.Discount, sum.Tax+t.Tax, sum.Total+t.Total
		p.Lines = append(p.Lines, billing.Line{
			ID: billing.LineID(d.app.IDs(foyer.PrefixPaymentLine)), Name: l.name, Description: "Monthly", Quantity: l.quantity, UnitPrice: l.price,
			TaxRate: "0.19", Totals: t,
		})
	}
	p.TaxRates = []billing.TaxRateTotals{{Rate: "0.19", Totals: sum}}
	p.Totals = billing.Totals{Subtotal: sum.Subtotal, Discount: sum.Discount, Tax: sum.Tax, Total: sum.Total, GrandTotal: sum.Total, Balance: sum.Total}
	for i := range attempts {
		attempts[i].ID, attempts[i].Amount, attempts[i].MethodType = billing.AttemptID(d.app.IDs(foyer.PrefixAttempt)), sum.Total, "card"
		if attempts[i].Status == billing.AttemptCaptured {
			p.Totals.Balance = 0
		}
	}
	p.Attempts = attempts
	if p.HasInvoice() {
		d.invoice(c, p)
	}
	d.batch.Payments = append(d.batch.Payments, billing.ImportedPayment{Payment: p})
	return &d.batch.Payments[len(d.batch.Payments)-1].Payment
}

// invoice issues the merchant's own document for a payment.
func (d *demoData) invoice(c billing.Customer, p billing.Payment) {
	in := invoice.Copied(billing.ImportedPayment{
		Payment: p, InvoiceNumber: fmt.Sprintf("AM-%d-%04d", p.BilledAt.Year(), len(d.invoices)+1),
		Buyer: billing.Buyer{Name: c.Name, Company: c.Company, TaxID: c.TaxID, Email: c.Email, Address: c.Address},
	}, invoice.SellerParty(d.merchant.Portal.Settings.Seller))
	in.ID, in.Copy = invoice.ID(d.app.IDs(foyer.PrefixInvoice)), false
	d.invoices = append(d.invoices, in)
}

func captured(at time.Time, card *billing.Card) billing.Attempt {
	return billing.Attempt{Status: billing.AttemptCaptured, Card: card, CreatedAt: at, CapturedAt: &at}
}

func failed(at time.Time, card *billing.Card, code billing.ErrorCode) billing.Attempt {
	return billing.Attempt{Status: billing.AttemptFailed, ErrorCode: code, Card: card, CreatedAt: at}
}

// mia has a subscription in every state, a declined and retried payment, a discount, a refund and a debt.
func (d *demoData) mia() {
	c := d.customer(demoEmail, "Mia Okafor", "en", billing.Address{Line1: "7 Harbour Lane", City: "Bristol", PostalCode: "BS1 5TY", Country: "GB"})
	visa := d.method(c, "visa", "4242", d.now.AddDate(2, 3, 0), true)
	d.method(c, "mastercard", "5100", d.now.AddDate(0, -4, 0), false)
	active := *d.subscription(c, billing.SubscriptionActive, "Aurora Pro", 2900, "EUR", visa.ID)
	trial := d.subscription(c, billing.SubscriptionTrialing, "Aurora Terrain", 900, "EUR", visa.ID)
	ends := d.now.AddDate(0, 0, 9)
	trial.Trial, trial.CurrentPeriod, trial.NextBilledAt = &foyer.Period{Start: d.now.AddDate(0, 0, -5), End: ends}, &foyer.Period{Start: d.now.AddDate(0, 0, -5), End: ends}, &ends
	debt := *d.subscription(c, billing.SubscriptionPastDue, "Aurora Traffic", 1500, "EUR", visa.ID)
	paused := d.subscription(c, billing.SubscriptionPaused, "Aurora Offline", 700, "EUR", visa.ID)
	since := d.now.AddDate(0, -1, 0)
	paused.PausedAt, paused.CurrentPeriod, paused.NextBilledAt = &since, nil, nil
	gone := d.subscription(c, billing.SubscriptionCanceled, "Aurora Classic", 500, "EUR", "")
	gone.CanceledAt, gone.CurrentPeriod, gone.NextBilledAt = &since, nil, nil
	leaving := d.subscription(c, billing.SubscriptionActive, "Aurora Weather", 400, "EUR", visa.ID)
	leaving.ScheduledChange = &billing.ScheduledChange{Action: billing.ScheduleCancel, EffectiveAt: leaving.CurrentPeriod.End}
	for month := 11; month >= 0; month-- {
		at := d.now.AddDate(0, -month, -11)
		lines := []demoLine{{name: "Aurora Pro", quantity: 1, price: 2900}, {name: "Extra seat", quantity: 3, price: 450}}
		attempts := []billing.Attempt{captured(at, visa.Card)}
		switch month {
		case 11:
			lines = append(lines, demoLine{name: "Set-up", quantity: 1, price: 4900, discount: 2450})
		case 4:
			attempts = []billing.Attempt{captured(at.AddDate(0, 0, 3), visa.Card), failed(at, visa.Card, "not_enough_balance")}
		}
		p := d.payment(c, &active, billing.PaymentCompleted, at, lines, attempts...)
		if month == 7 {
			d.refund(p, 1607, 257)
		}
	}
	at := d.now.AddDate(0, 0, -3)
	d.payment(c, &debt, billing.PaymentPastDue, at, []demoLine{{name: "Aurora Traffic", quantity: 1, price: 1500}}, failed(at, visa.Card, "authentication_failed"))
}

func (d *demoData) refund(p *billing.Payment, total, tax int64) {
	at := p.CreatedAt.AddDate(0, 0, 2)
	p.Totals.Refunded = total
	d.batch.Refunds = append(d.batch.Refunds, billing.ImportedRefund{Customer: p.Customer, Payment: p.ID, Refund: billing.Refund{
		ID: billing.RefundID(d.app.IDs(foyer.PrefixRefund)), Action: billing.ActionRefund, Status: billing.RefundApproved, Total: total, Tax: tax,
		Reason: "Seats removed", CreatedAt: at, UpdatedAt: at,
	}})
}

// jonas reads German.
func (d *demoData) jonas() {
	c := d.customer(demoGermanEmail, "Jonas Weiß", "de", billing.Address{Line1: "Lindenstraße 3", City: "Köln", PostalCode: "50674", Country: "DE"})
	card := d.method(c, "visa", "1881", d.now.AddDate(0, 0, 5), true)
	sub := *d.subscription(c, billing.SubscriptionActive, "Aurora Pro", 129900, "EUR", card.ID)
	at := d.now.AddDate(0, -1, 0)
	p := d.payment(c, &sub, billing.PaymentCompleted, at, []demoLine{{name: "Aurora Pro", quantity: 1, price: 129900}}, captured(at, card.Card))
	d.foreign = p.ID
}

// abroad has currencies without and with three decimals.
func (d *demoData) abroad() {
	yuki := d.customer("yuki@customer.example", "佐藤 由紀", "ja", billing.Address{City: "Tokyo", Country: "JP"})
	yen := *d.subscription(yuki, billing.SubscriptionActive, "Aurora Pro", 3200, "JPY", "")
	at := d.now.AddDate(0, 0, -20)
	d.payment(yuki, &yen, billing.PaymentCompleted, at, []demoLine{{name: "Aurora Pro", quantity: 1, price: 3200}}, captured(at, nil))
	omar := d.customer("omar@customer.example", "Omar Al Khalifa", "ar", billing.Address{City: "Manama", Country: "BH"})
	dinar := *d.subscription(omar, billing.SubscriptionActive, "Aurora Pro", 10500, "BHD", "")
	d.payment(omar, &dinar, billing.PaymentCompleted, at, []demoLine{{name: "Aurora Pro", quantity: 1, price: 10500}}, captured(at, nil))
}

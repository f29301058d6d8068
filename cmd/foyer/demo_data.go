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

// demoData makes a sandbox merchant with a catalog and customers, and lives four and a half months with them by the
// merchant's clock: what the walk finds was billed by the engine and charged at the sandbox gateway.
type demoData struct {
	app      *app.App
	merchant merchant.Merchant
	secret   string
	// began is when the merchant opened; the clock only goes forward from there.
	began     time.Time
	catalog   demoCatalog
	customers map[string]foyer.Scope
	// foreign is a payment of another customer, which the walk must not see.
	foreign billing.PaymentID
	// took is how long it took to live the months.
	took time.Duration
	err  error
}

// demoCatalog is what Aurora Maps sells.
type demoCatalog struct {
	basic, seat, pro, terrain, traffic, offline, weather, classic, team, yearly, yen, dinar billing.PriceID
	welcome                                                                                 billing.DiscountID
}

func newDemoData(ctx context.Context, a *app.App, frontend string, origins []string) (*demoData, error) {
	d := &demoData{app: a, customers: map[string]foyer.Scope{}}
	d.merchant, d.secret, d.err = a.Merchants.Create(ctx, merchant.Sandbox, merchant.Settings{
		Name: "Aurora Maps", FrontendURL: frontend, AllowedOrigins: origins, Branding: merchant.Branding{Color: "#1f6f54"},
		Seller: merchant.Seller{
			LegalName: "Aurora Maps GmbH", TaxID: "DE311222333", RegistrationNumber: "HRB 204711 B", Email: "billing@aurora-maps.example",
			Address: merchant.Address{Line1: "Kartenweg 12", City: "Berlin", PostalCode: "10115", Country: "DE"},
		},
		Legal: merchant.LegalLinks{TermsURL: "https://aurora-maps.example/terms", PrivacyURL: "https://aurora-maps.example/privacy"},
	})
	if d.err != nil {
		return nil, d.err
	}
	d.began = foyer.Micro(a.Now())
	d.sell(ctx)
	d.customer(ctx, demoEmail, "Mia Okafor", "en", billing.Address{Line1: "7 Harbour Lane", City: "Bristol", PostalCode: "BS1 5TY", Country: "GB"})
	d.customer(ctx, demoGermanEmail, "Jonas Weiß", "de", billing.Address{Line1: "Lindenstraße 3", City: "Köln", PostalCode: "50674", Country: "DE"})
	d.customer(ctx, "yuki@customer.example", "佐藤 由紀", "ja", billing.Address{City: "Tokyo", Country: "JP"})
	d.customer(ctx, "omar@customer.example", "Omar Al Khalifa", "ar", billing.Address{City: "Manama", Country: "BH"})
	started := time.Now()
	d.live(ctx)
	d.took = time.Since(started)
	return d, d.err
}

// note keeps the first thing that went wrong; what comes after it is not done.
func (d *demoData) note(what string, err error) {
	if d.err == nil && err != nil {
		d.err = fmt.Errorf("demo data, %s: %w", what, err)
	}
}

// sell makes the catalog: monthly plans, a yearly one, one with a trial, prices with and without tax in three currencies,
// and a discount.
func (d *demoData) sell(ctx context.Context) {
	monthly := foyer.Cycle{Interval: foyer.Month, Frequency: 1}
	euro := func(name string, amount int64, change ...func(*billing.Price)) billing.PriceID {
		p := billing.Price{Name: "Monthly", UnitPrice: foyer.Money{Amount: amount, Currency: "EUR"}, Cycle: &monthly, TaxRate: "0.19"}
		for _, c := range change {
			c(&p)
		}
		return d.price(ctx, name, p)
	}
	d.catalog = demoCatalog{
		basic: euro("Aurora Basic", 900), pro: euro("Aurora Pro", 2900), team: euro("Aurora Team", 9900),
		seat:    euro("Extra seat", 450, func(p *billing.Price) { p.QuantityMax = 50 }),
		terrain: euro("Aurora Terrain", 900, func(p *billing.Price) { p.Trial = &foyer.Cycle{Interval: foyer.Day, Frequency: 14} }),
		traffic: euro("Aurora Traffic", 1500), offline: euro("Aurora Offline", 700), weather: euro("Aurora Weather", 400),
		classic: euro("Aurora Classic", 595, func(p *billing.Price) { p.TaxBehavior = billing.TaxInclusive }),
		yearly: euro("Aurora Pro", 129900, func(p *billing.Price) {
			p.Name, p.Cycle = "Yearly", &foyer.Cycle{Interval: foyer.Year, Frequency: 1}
		}),
		yen:   d.price(ctx, "Aurora Pro", billing.Price{Name: "毎月", UnitPrice: foyer.Money{Amount: 3200, Currency: "JPY"}, Cycle: &monthly, TaxRate: "0.10"}),
		dinar: d.price(ctx, "Aurora Pro", billing.Price{Name: "Monthly", UnitPrice: foyer.Money{Amount: 10500, Currency: "BHD"}, Cycle: &monthly, TaxRate: "0.10"}),
	}
	periods := 3
	welcome, err := d.app.Catalog.CreateDiscount(ctx, d.by(), billing.Discount{
		Type: billing.DiscountPercent, Percent: "20", Periods: &periods, Description: "Welcome",
	})
	d.note("discount", err)
	d.catalog.welcome = welcome.ID
}

func (d *demoData) price(ctx context.Context, product string, p billing.Price) billing.PriceID {
	if d.err != nil {
		return ""
	}
	of, err := d.app.Catalog.CreateProduct(ctx, d.by(), billing.Product{Name: product})
	d.note(product, err)
	p.Product = of.ID
	p, err = d.app.Catalog.CreatePrice(ctx, d.by(), p)
	d.note("price of "+product, err)
	return p.ID
}

// by is the merchant who sells.
func (d *demoData) by() foyer.Actor {
	return foyer.Actor{Kind: foyer.ActorMerchant, Scope: foyer.Scope{Merchant: d.merchant.ID}}
}

// customer writes a customer down the way an import does: creating one is the merchant API's, which is not there yet.
func (d *demoData) customer(ctx context.Context, email, name, locale string, address billing.Address) {
	c := billing.Customer{
		ID: foyer.CustomerID(d.app.IDs(foyer.PrefixCustomer)), Merchant: d.merchant.ID, Email: email, Name: name, Locale: locale, Address: address,
		CreatedAt: d.began, UpdatedAt: d.began, Version: 1,
	}
	d.note(email, d.app.Store.Importing(invoice.Party{}).Save(ctx, d.merchant.ID, billing.ImportBatch{Customers: []billing.ImportedCustomer{{Customer: c}}}))
	d.customers[email] = foyer.Scope{Merchant: d.merchant.ID, Customer: c.ID}
}

// clock is what the merchant's clock shows.
func (d *demoData) clock(ctx context.Context) time.Time {
	now, err := d.app.Merchants.Clock(ctx, d.merchant.ID)
	d.note("clock", err)
	return now
}

// until moves the merchant's clock to a day after it opened; all that falls due on the way is billed.
func (d *demoData) until(ctx context.Context, months, days int) {
	if d.err != nil {
		return
	}
	_, done, err := d.app.Engine.Advance(ctx, d.app.Merchants, d.merchant.ID, d.began.AddDate(0, months, days))
	d.note("clock", err)
	if !done && d.err == nil {
		d.note("clock", ctx.Err())
	}
}

package main

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"foyer/internal/app"
	"foyer/internal/merchant"
)

// The customers of the demo whose mailboxes the walk reads, and two more.
const (
	demoEmail         = "mia@customer.example"
	demoGermanEmail   = "jonas@customer.example"
	demoJapaneseEmail = "yuki@customer.example"
	demoArabicEmail   = "omar@customer.example"
)

// demoData is a sandbox merchant whose own server made a catalog and customers through the merchant API, and lived four and a
// half months with them by the merchant's clock: what the walk finds was billed by the engine and charged at the sandbox
// gateway.
type demoData struct {
	app      *app.App
	merchant merchant.Merchant
	secret   string
	// backend is the merchant's server: a client with the secret key.
	backend  *walk
	receiver *receiver
	// began is when the merchant opened; the clock only goes forward from there.
	began   time.Time
	catalog demoCatalog
	// customers are the ids by address.
	customers map[string]string
	// foreign is a payment of another customer, which the walk must not see.
	foreign string
	// took is how long it took to live the months.
	took time.Duration
}

// demoCatalog is what Aurora Maps sells: ids of prices, and a discount.
type demoCatalog struct {
	basic, seat, pro, terrain, traffic, offline, weather, classic, team, yearly, yen, dinar string
	welcome                                                                                 string
}

type object = map[string]any

// newDemoMerchant makes the merchant, as `foyer merchant create` does; everything else is its server's.
func newDemoMerchant(ctx context.Context, a *app.App, frontend string, origins []string) (*demoData, error) {
	d := &demoData{app: a, customers: map[string]string{}}
	var err error
	d.merchant, d.secret, err = a.Merchants.Create(ctx, merchant.Sandbox, merchant.Settings{
		Name: "Aurora Maps", FrontendURL: frontend, AllowedOrigins: origins, Branding: merchant.Branding{Color: "#1f6f54"},
		Seller: merchant.Seller{
			LegalName: "Aurora Maps GmbH", TaxID: "DE311222333", RegistrationNumber: "HRB 204711 B", Email: "billing@aurora-maps.example",
			Address: merchant.Address{Line1: "Kartenweg 12", City: "Berlin", PostalCode: "10115", Country: "DE"},
		},
		Legal: merchant.LegalLinks{TermsURL: "https://aurora-maps.example/terms", PrivacyURL: "https://aurora-maps.example/privacy"},
	})
	return d, err
}

// open is the merchant's first hour: settings, a catalog, customers, and the months that follow. The first call of each kind is
// shown, the rest is done without a word.
func (d *demoData) open(ctx context.Context) {
	b := d.backend
	b.say("── The merchant's own server, with its secret key: settings, a catalog, customers")
	d.patch(ctx, "/portal", object{"return_urls": []string{demoReturnURL}}, func(a answer) string { return "links may lead back to " + a.text("return_urls.0") })
	d.receiveWebhooks(ctx)
	d.sell(ctx)
	d.customer(ctx, demoEmail, "Mia Okafor", "en", object{"line1": "7 Harbour Lane", "city": "Bristol", "postal_code": "BS1 5TY", "country": "GB"})
	d.customer(ctx, demoGermanEmail, "Jonas Weiß", "de", object{"line1": "Lindenstraße 3", "city": "Köln", "postal_code": "50674", "country": "DE"})
	d.customer(ctx, demoJapaneseEmail, "佐藤 由紀", "ja", object{"city": "Tokyo", "country": "JP"})
	d.customer(ctx, demoArabicEmail, "Omar Al Khalifa", "ar", object{"city": "Manama", "country": "BH"})
	d.began = d.clock(ctx)
	started := time.Now()
	d.live(ctx)
	d.took = time.Since(started)
	b.quiet = false
}

// post makes one call of the merchant's and returns the id of what it made.
func (d *demoData) post(ctx context.Context, path string, body object, note func(answer) string) string {
	return d.backend.call(ctx, 201, "POST", "/v1/merchant"+path, body, note).text("id")
}

func (d *demoData) patch(ctx context.Context, path string, body object, note func(answer) string) {
	d.backend.call(ctx, 200, "PATCH", "/v1/merchant"+path, body, note)
}

func (d *demoData) get(ctx context.Context, path string) answer {
	return d.backend.call(ctx, 200, "GET", "/v1/merchant"+path, nil, nil)
}

// sell makes the catalog: monthly plans, a yearly one, one with a trial, prices with and without tax in three currencies,
// and a discount.
func (d *demoData) sell(ctx context.Context) {
	euro := func(name string, amount int64, more object) string {
		return d.price(ctx, name, "Monthly", amount, "EUR", "0.19", more)
	}
	d.catalog.basic = euro("Aurora Basic", 900, nil)
	d.catalog.welcome = d.post(ctx, "/discounts", object{"type": "percent", "percent": "20", "periods": 3, "code": "WELCOME"}, func(a answer) string {
		return a.text("percent") + " % for three periods"
	})
	d.backend.quiet = true
	d.catalog.pro, d.catalog.team = euro("Aurora Pro", 2900, nil), euro("Aurora Team", 9900, nil)
	d.catalog.seat = euro("Extra seat", 450, object{"quantity": object{"max": 50}})
	d.catalog.terrain = euro("Aurora Terrain", 900, object{"trial": object{"interval": "day", "frequency": 14}})
	d.catalog.traffic, d.catalog.offline, d.catalog.weather = euro("Aurora Traffic", 1500, nil), euro("Aurora Offline", 700, nil), euro("Aurora Weather", 400, nil)
	d.catalog.classic = euro("Aurora Classic", 595, object{"tax_behavior": "inclusive"})
	d.catalog.yearly = d.price(ctx, "Aurora Pro", "Yearly", 129900, "EUR", "0.19", object{"billing_cycle": object{"interval": "year", "frequency": 1}})
	d.catalog.yen = d.price(ctx, "Aurora Pro", "毎月", 3200, "JPY", "0.10", nil)
	d.catalog.dinar = d.price(ctx, "Aurora Pro", "Monthly", 10500, "BHD", "0.10", nil)
	d.backend.quiet = false
	d.backend.say("         and 10 more products with their prices")
}

func (d *demoData) price(ctx context.Context, product, name string, amount int64, currency, tax string, more object) string {
	of := d.post(ctx, "/products", object{"name": product}, func(a answer) string { return a.text("name") })
	body := object{
		"product_id": of, "name": name, "unit_price": object{"amount": amount, "currency": currency}, "tax_rate": tax,
		"billing_cycle": object{"interval": "month", "frequency": 1},
	}
	for field, value := range more {
		body[field] = value
	}
	return d.post(ctx, "/prices", body, func(a answer) string { return a.text("unit_price.display") + " a month" })
}

func (d *demoData) customer(ctx context.Context, email, name, locale string, address object) {
	d.customers[email] = d.post(ctx, "/customers", object{"email": email, "name": name, "locale": locale, "address": address, "external_id": "user-" + email}, func(a answer) string {
		return a.text("name") + ", " + a.text("address.city")
	})
}

// clock is what the merchant's clock shows.
func (d *demoData) clock(ctx context.Context) time.Time {
	quiet := d.backend.quiet
	d.backend.quiet = true
	defer func() { d.backend.quiet = quiet }()
	now, err := time.Parse(time.RFC3339Nano, d.get(ctx, "/clock").text("now"))
	d.backend.must(err == nil, "the clock: %v", err)
	return now
}

// until moves the merchant's clock to a day after it opened.
func (d *demoData) until(ctx context.Context, months, days int) {
	d.moveTo(ctx, d.began.AddDate(0, months, days))
}

// moveTo moves the merchant's clock; all that falls due on the way is billed. A call that says it is still running is made
// again.
func (d *demoData) moveTo(ctx context.Context, moment time.Time) {
	to := object{"to": moment.Format(time.RFC3339Nano)}
	for d.backend.failed == nil {
		a, _, err := d.backend.send(ctx, "POST", "/v1/merchant/clock/advance", to)
		if err != nil || a.status != 202 {
			d.backend.must(err == nil && a.status == 200, "the clock to move: %v %s", err, a.body)
			return
		}
	}
}

// payments are all of a customer's, newest first.
func (d *demoData) payments(ctx context.Context, of string) (all []answer) {
	query := "?limit=100&include_zero=true&customer_id=" + of
	for after := ""; ; {
		page := d.get(ctx, "/payments"+query+after)
		for i := range page.count("data") {
			all = append(all, page.under(fmt.Sprintf("data.%d", i)))
		}
		if page.text("page.next") == "" {
			return all
		}
		after = "&after=" + url.QueryEscape(page.text("page.next"))
	}
}

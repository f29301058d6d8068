package foyertest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/invoice"
	"foyer/internal/merchant"
)

// Merchant makes a sandbox merchant; change may alter its settings first.
func (a *App) Merchant(t testing.TB, name string, change ...func(*merchant.Settings)) merchant.Merchant {
	t.Helper()
	settings := merchant.Settings{
		Name: name, AllowedOrigins: []string{"https://" + name + ".test"}, FrontendURL: "https://" + name + ".test/portal",
		Seller: merchant.Seller{LegalName: name + " GmbH", TaxID: "DE123456789", Address: merchant.Address{Line1: "Hauptstraße 1", City: "Berlin", PostalCode: "10115", Country: "DE"}},
	}
	for _, c := range change {
		c(&settings)
	}
	m, _, err := a.Merchants.Create(context.Background(), merchant.Sandbox, settings)
	require.NoError(t, err)
	return m
}

// Key is a client that speaks with a new API key of the merchant; without permissions it has them all.
func (a *App) Key(t testing.TB, m merchant.Merchant, permissions ...merchant.Permission) *Client {
	t.Helper()
	if len(permissions) == 0 {
		permissions = merchant.Permissions
	}
	name := "Test key"
	_, secret, err := a.Merchants.CreateKey(context.Background(), m.ID, merchant.KeyInput{Name: &name, Permissions: permissions})
	require.NoError(t, err)
	c := a.Client(t)
	c.Token = secret
	return c
}

// Customer makes a customer; change may alter it first.
func (a *App) Customer(t testing.TB, m merchant.Merchant, email string, change ...func(*billing.Customer)) billing.Customer {
	t.Helper()
	now := foyer.Micro(a.Clock.Now())
	c := billing.Customer{
		ID: foyer.CustomerID(a.IDs(foyer.PrefixCustomer)), Merchant: m.ID, Email: email, Name: "Test Customer",
		Address: billing.Address{Line1: "1 Test Street", City: "Dublin", PostalCode: "D01", Country: "IE"}, CreatedAt: now, UpdatedAt: now, Version: 1,
	}
	for _, f := range change {
		f(&c)
	}
	a.Save(t, m, billing.ImportBatch{Customers: []billing.ImportedCustomer{{Customer: c}}})
	return c
}

// Save stores records as they are.
func (a *App) Save(t testing.TB, m merchant.Merchant, batch billing.ImportBatch) {
	t.Helper()
	require.NoError(t, a.Store.Importing(invoice.Party{}).Save(context.Background(), m.ID, batch))
}

// Payment makes a completed payment of one line with 19 % tax, at a time; change may alter it first. A finished payment
// gets an invoice of the merchant's own when number is not empty.
func (a *App) Payment(t testing.TB, c billing.Customer, at time.Time, amount int64, currency foyer.Currency, number string, change ...func(*billing.Payment)) billing.Payment {
	t.Helper()
	at = foyer.Micro(at)
	tax := (amount*19 + 50) / 100
	line := billing.LineTotals{Subtotal: amount, Tax: tax, Total: amount + tax}
	p := billing.Payment{
		ID: billing.PaymentID(a.IDs(foyer.PrefixPayment)), Merchant: c.Merchant, Customer: c.ID, Status: billing.PaymentCompleted, Origin: billing.OriginWeb,
		CollectionMode: billing.CollectAutomatic, Currency: currency, Description: "Test product", CreatedAt: at, UpdatedAt: at, BilledAt: &at, Version: 1,
		Totals: billing.Totals{Subtotal: amount, Tax: tax, Total: line.Total, GrandTotal: line.Total},
		Lines: []billing.Line{{
			ID: billing.LineID(a.IDs(foyer.PrefixPaymentLine)), Name: "Test product", Quantity: 1, UnitPrice: amount, TaxRate: "0.19", Totals: line,
		}},
		TaxRates: []billing.TaxRateTotals{{Rate: "0.19", Totals: line}},
		Attempts: []billing.Attempt{{
			ID: billing.AttemptID(a.IDs(foyer.PrefixAttempt)), Status: billing.AttemptCaptured, Amount: line.Total, MethodType: "card",
			Card: &billing.Card{Brand: "visa", Last4: "4242", ExpiryMonth: 12, ExpiryYear: 2030}, CreatedAt: at, CapturedAt: &at,
		}},
	}
	for _, f := range change {
		f(&p)
	}
	m := merchant.Merchant{ID: c.Merchant}
	a.Save(t, m, billing.ImportBatch{Payments: []billing.ImportedPayment{{Payment: p}}})
	if number != "" {
		whole, err := a.Merchants.ByID(context.Background(), c.Merchant)
		require.NoError(t, err)
		in := invoice.Copied(billing.ImportedPayment{
			Payment: p, InvoiceNumber: number, Buyer: billing.Buyer{Name: c.Name, Email: c.Email, Address: c.Address},
		}, invoice.SellerParty(whole.Portal.Settings.Seller))
		in.ID, in.Copy = invoice.ID(a.IDs(foyer.PrefixInvoice)), false
		require.NoError(t, a.Store.CreateInvoice(context.Background(), in))
		p.InvoiceID, p.InvoiceNumber = string(in.ID), number
	}
	return p
}

// Subscription makes an active monthly subscription; change may alter it first.
func (a *App) Subscription(t testing.TB, c billing.Customer, change ...func(*billing.Subscription)) billing.Subscription {
	t.Helper()
	now := foyer.Micro(a.Clock.Now())
	period := foyer.Period{Start: now.AddDate(0, 0, -10), End: now.AddDate(0, 0, 20)}
	s := billing.Subscription{
		ID: billing.SubscriptionID(a.IDs(foyer.PrefixSubscription)), Merchant: c.Merchant, Customer: c.ID, Status: billing.SubscriptionActive, Currency: "EUR",
		Items:          []billing.SubscriptionItem{{ProductName: "Test plan", PriceName: "Monthly", Quantity: 2, UnitPrice: 1000, TaxRate: "0"}},
		RecurringTotal: 2000, Cycle: foyer.Cycle{Interval: foyer.Month, Frequency: 1}, CollectionMode: billing.CollectAutomatic,
		CurrentPeriod: &period, NextBilledAt: &period.End, StartedAt: &period.Start, CreatedAt: now, UpdatedAt: now, Version: 1,
	}
	for _, f := range change {
		f(&s)
	}
	a.Save(t, merchant.Merchant{ID: c.Merchant}, billing.ImportBatch{Subscriptions: []billing.ImportedSubscription{{Subscription: s}}})
	return s
}

// PaymentMethod makes a card; change may alter it first.
func (a *App) PaymentMethod(t testing.TB, c billing.Customer, change ...func(*billing.PaymentMethod)) billing.PaymentMethod {
	t.Helper()
	now := foyer.Micro(a.Clock.Now())
	m := billing.PaymentMethod{
		ID: billing.PaymentMethodID(a.IDs(foyer.PrefixPaymentMethod)), Merchant: c.Merchant, Customer: c.ID, Gateway: "sandbox", Type: "card",
		Card: &billing.Card{Brand: "visa", Last4: "4242", ExpiryMonth: 12, ExpiryYear: now.Year() + 2}, CreatedAt: now, UpdatedAt: now, Version: 1,
	}
	for _, f := range change {
		f(&m)
	}
	require.NoError(t, a.Store.CreatePaymentMethod(context.Background(), m))
	return m
}

// Email returns an address nobody else has.
func Email(n int) string { return fmt.Sprintf("customer%d@mailbox.test", n) }

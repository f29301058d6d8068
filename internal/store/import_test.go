package store_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/identity"
	"foyer/internal/invoice"
)

// everything is a batch with a full and a bare record of each kind, in the order of their external ids.
func (f *fixture) everything() billing.ImportBatch {
	m, c := f.merchant.ID, f.customer.ID
	full := f.payment(func(p *billing.Payment) {
		p.ExternalID, p.Subscription, p.ExternalSubscriptionID = "txn_1", "", "sub_not_there"
		p.BilledAt, p.Imported = ptr(start), true
	})
	return billing.ImportBatch{
		Customers: []billing.ImportedCustomer{
			{
				Customer: billing.Customer{
					ID: "ctm_i1", Merchant: m, ExternalID: "ctm_1", Email: "One@x.test", Name: "Öne", Locale: "pt-BR", Company: "C", TaxID: "T",
					Address:  billing.Address{Line1: "1", Line2: "2", City: "3", Region: "4", PostalCode: "5", Country: "BR"},
					Archived: true, CreatedAt: start.AddDate(-3, 0, 0), UpdatedAt: start.AddDate(-1, 0, 0), Version: 5,
				},
				EditedAt:   start.AddDate(0, -1, 0),
				Addresses:  []billing.ImportedAddress{{ExternalID: "add_1", ExternalCustomerID: "ctm_1", Address: billing.Address{City: "Ω"}, Archived: true, UpdatedAt: start}},
				Businesses: []billing.ImportedBusiness{{ExternalID: "biz_1", ExternalCustomerID: "ctm_1", Name: "B", TaxID: "T", RegistrationNumber: "R", Archived: true, UpdatedAt: start}},
			},
			{Customer: billing.Customer{ID: "ctm_i2", Merchant: m, ExternalID: "ctm_2", Email: "two@x.test", CreatedAt: start, UpdatedAt: start}},
		},
		Products: []billing.Product{
			{ID: "pro_1", Merchant: m, ExternalID: "pro_1", Name: "N", Description: "D", ImageURL: "https://x.test/i.png", Archived: true, CreatedAt: start.AddDate(-1, 0, 0), UpdatedAt: start},
			{ID: "pro_2", Merchant: m, ExternalID: "pro_2", CreatedAt: start, UpdatedAt: start},
		},
		Prices: []billing.Price{
			{
				ID: "pri_1", Merchant: m, ExternalID: "pri_1", ExternalProductID: "pro_not_there", Name: "N", Description: "D",
				UnitPrice: foyer.Money{Amount: -1, Currency: "BHD"}, Cycle: &foyer.Cycle{Interval: foyer.Month, Frequency: 3}, Trial: &foyer.Cycle{Interval: foyer.Day, Frequency: 14},
				TaxRate: "0.2", TaxBehavior: billing.TaxInclusive, QuantityMin: 1, QuantityMax: 100, Archived: true, CreatedAt: start.AddDate(-1, 0, 0), UpdatedAt: start,
			},
			{ID: "pri_2", Merchant: m, ExternalID: "pri_2", Product: "pro_1", ExternalProductID: "pro_1", CreatedAt: start, UpdatedAt: start},
		},
		Discounts: []billing.Discount{
			{
				ID: "dsc_1", Merchant: m, ExternalID: "dsc_1", Type: billing.DiscountFixed, Amount: &foyer.Money{Amount: 5, Currency: "EUR"}, Periods: ptr(3),
				Code: "SAVE", Description: "D", Archived: true, CreatedAt: start.AddDate(-1, 0, 0), UpdatedAt: start,
			},
			{ID: "dsc_2", Merchant: m, ExternalID: "dsc_2", Type: billing.DiscountPercent, Percent: "12.5", CreatedAt: start, UpdatedAt: start},
		},
		Subscriptions: []billing.ImportedSubscription{
			{Subscription: f.subscription(func(s *billing.Subscription) {
				s.ExternalID, s.Items[0].PriceID, s.Items[0].ExternalPriceID, s.PaymentMethod = "sub_1", "", "pri_not_there", ""
			})},
			{Subscription: billing.Subscription{ID: "sub_2", Merchant: m, Customer: c, ExternalID: "sub_2", Status: billing.SubscriptionTrialing, CreatedAt: start, UpdatedAt: start}},
		},
		Payments: []billing.ImportedPayment{
			{
				Payment: full, InvoiceExternalID: "x_inv", InvoiceNumber: "325-1", RevisedAt: ptr(start.Add(time.Hour)), ExternalAddressID: "add_not_there",
				ExternalBusinessID: "biz_not_there", Adjusted: -7,
				Buyer: billing.Buyer{Name: "N", Company: "C", TaxID: "T", RegistrationNumber: "R", Email: "e@x.test", Address: billing.Address{City: "Ω"}},
			},
			{Payment: billing.Payment{ID: "pay_2", Merchant: m, Customer: c, ExternalID: "txn_2", Status: billing.PaymentDraft, CreatedAt: start, UpdatedAt: start, Imported: true}},
		},
		Refunds: []billing.ImportedRefund{
			{Customer: c, Payment: full.ID, ExternalPaymentID: "txn_1", Refund: billing.Refund{
				ID: "ref_1", ExternalID: "adj_1", Action: billing.ActionChargeback, Status: billing.RefundReversed, Total: -3, Tax: -1, Reason: "why",
				Lines: []billing.RefundLine{{LineID: "lin_1", Amount: -3}}, CreatedAt: start.AddDate(-1, 0, 0), UpdatedAt: start,
			}},
			{Customer: c, ExternalPaymentID: "txn_not_there", Refund: billing.Refund{
				ID: "ref_2", ExternalID: "adj_2", Action: billing.ActionRefund, Status: billing.RefundPending, CreatedAt: start, UpdatedAt: start,
			}},
		},
	}
}

// load reads every record of the batch back.
func (f *fixture) load(t testing.TB, batch billing.ImportBatch) billing.ImportBatch {
	t.Helper()
	s := f.Importing(invoice.Party{})
	var out billing.ImportBatch
	get := func(kind billing.ImportKind, ids []string) billing.ImportBatch {
		got, err := s.Load(t.Context(), f.merchant.ID, kind, ids)
		require.NoError(t, err)
		return got
	}
	out.Customers = get(billing.ImportCustomer, externalIDs(batch.Customers, func(c billing.ImportedCustomer) string { return c.Customer.ExternalID })).Customers
	out.Products = get(billing.ImportProduct, externalIDs(batch.Products, func(p billing.Product) string { return p.ExternalID })).Products
	out.Prices = get(billing.ImportPrice, externalIDs(batch.Prices, func(p billing.Price) string { return p.ExternalID })).Prices
	out.Discounts = get(billing.ImportDiscount, externalIDs(batch.Discounts, func(d billing.Discount) string { return d.ExternalID })).Discounts
	out.Subscriptions = get(billing.ImportSubscription, externalIDs(batch.Subscriptions, func(s billing.ImportedSubscription) string { return s.Subscription.ExternalID })).Subscriptions
	out.Payments = get(billing.ImportPayment, externalIDs(batch.Payments, func(p billing.ImportedPayment) string { return p.Payment.ExternalID })).Payments
	out.Refunds = get(billing.ImportRefund, externalIDs(batch.Refunds, func(r billing.ImportedRefund) string { return r.Refund.ExternalID })).Refunds
	return tidy(out)
}

func externalIDs[T any](records []T, id func(T) string) []string {
	out := []string{"unknown"}
	for _, r := range records {
		out = append(out, id(r))
	}
	return out
}

// tidy puts records in the order of their external ids and takes out what Save is told not to read.
func tidy(b billing.ImportBatch) billing.ImportBatch {
	b.Customers, b.Payments = slices.Clone(b.Customers), slices.Clone(b.Payments)
	slices.SortFunc(b.Customers, func(a, b billing.ImportedCustomer) int {
		return strings.Compare(a.Customer.ExternalID, b.Customer.ExternalID)
	})
	slices.SortFunc(b.Products, func(a, b billing.Product) int { return strings.Compare(a.ExternalID, b.ExternalID) })
	slices.SortFunc(b.Prices, func(a, b billing.Price) int { return strings.Compare(a.ExternalID, b.ExternalID) })
	slices.SortFunc(b.Discounts, func(a, b billing.Discount) int { return strings.Compare(a.ExternalID, b.ExternalID) })
	slices.SortFunc(b.Subscriptions, func(a, b billing.ImportedSubscription) int {
		return strings.Compare(a.Subscription.ExternalID, b.Subscription.ExternalID)
	})
	slices.SortFunc(b.Payments, func(a, b billing.ImportedPayment) int {
		return strings.Compare(a.Payment.ExternalID, b.Payment.ExternalID)
	})
	slices.SortFunc(b.Refunds, func(a, b billing.ImportedRefund) int {
		return strings.Compare(a.Refund.ExternalID, b.Refund.ExternalID)
	})
	for i := range b.Payments {
		p := &b.Payments[i].Payment
		p.InvoiceID, p.InvoiceNumber, p.Refunds = "", "", nil
	}
	return b
}

// What Save was given, Load returns unchanged; also when it was there before with everything else in it.
func TestImportRoundTrip(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		batch := f.everything()
		f.save(t, f.merchant.ID, batch)
		require.Equal(t, tidy(batch), f.load(t, batch))
		f.save(t, f.merchant.ID, batch)
		require.Equal(t, tidy(batch), f.load(t, batch), "saved again")

		// Every full record becomes the bare one and the other way round, under its own id.
		turned := f.everything()
		turned.Customers[0], turned.Customers[1] = turned.Customers[1], turned.Customers[0]
		for i, c := range []*billing.Customer{&turned.Customers[0].Customer, &turned.Customers[1].Customer} {
			c.ID, c.ExternalID, c.Email = batch.Customers[i].Customer.ID, batch.Customers[i].Customer.ExternalID, batch.Customers[i].Customer.Email
		}
		turned.Products[0], turned.Products[1] = turned.Products[1], turned.Products[0]
		turned.Prices[0], turned.Prices[1] = turned.Prices[1], turned.Prices[0]
		turned.Discounts[0], turned.Discounts[1] = turned.Discounts[1], turned.Discounts[0]
		turned.Subscriptions[0], turned.Subscriptions[1] = turned.Subscriptions[1], turned.Subscriptions[0]
		turned.Payments[0], turned.Payments[1] = turned.Payments[1], turned.Payments[0]
		turned.Refunds[0], turned.Refunds[1] = turned.Refunds[1], turned.Refunds[0]
		for i := range 2 {
			turned.Products[i].ID, turned.Products[i].ExternalID = batch.Products[i].ID, batch.Products[i].ExternalID
			turned.Prices[i].ID, turned.Prices[i].ExternalID = batch.Prices[i].ID, batch.Prices[i].ExternalID
			turned.Discounts[i].ID, turned.Discounts[i].ExternalID = batch.Discounts[i].ID, batch.Discounts[i].ExternalID
			turned.Subscriptions[i].Subscription.ID = batch.Subscriptions[i].Subscription.ID
			turned.Subscriptions[i].Subscription.ExternalID = batch.Subscriptions[i].Subscription.ExternalID
			turned.Payments[i].Payment.ID, turned.Payments[i].Payment.ExternalID = batch.Payments[i].Payment.ID, batch.Payments[i].Payment.ExternalID
			turned.Refunds[i].Refund.ID, turned.Refunds[i].Refund.ExternalID = batch.Refunds[i].Refund.ID, batch.Refunds[i].Refund.ExternalID
			turned.Refunds[i].Payment = ""
		}
		f.save(t, f.merchant.ID, turned)
		require.Equal(t, tidy(turned), f.load(t, batch))

		// Another merchant sees nothing of it.
		for _, kind := range billing.ImportKinds {
			if kind == billing.ImportAddress || kind == billing.ImportBusiness {
				continue
			}
			got, err := f.Importing(invoice.Party{}).Load(t.Context(), f.stranger.ID, kind, []string{"ctm_1", "pro_1", "pri_1", "dsc_1", "sub_1", "txn_1", "adj_1"})
			require.NoError(t, err)
			require.Zero(t, len(got.Customers)+len(got.Products)+len(got.Prices)+len(got.Discounts)+len(got.Subscriptions)+len(got.Payments)+len(got.Refunds))
		}
	})
}

// What waits for a record is found by it, as Load would return it, until it waits no more.
func TestWaiting(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		batch := f.everything()
		f.save(t, f.merchant.ID, batch)
		s := f.Importing(invoice.Party{})
		want := tidy(batch)
		waiting := func(kind billing.ImportKind, ids ...string) billing.ImportBatch {
			got, err := s.Waiting(t.Context(), f.merchant.ID, kind, ids)
			require.NoError(t, err)
			none, err := s.Waiting(t.Context(), f.stranger.ID, kind, ids)
			require.NoError(t, err)
			require.Empty(t, none)
			return tidy(got)
		}
		require.Equal(t, billing.ImportBatch{Prices: want.Prices[:1]}, waiting(billing.ImportProduct, "pro_not_there", "pro_1"))
		require.Equal(t, billing.ImportBatch{Subscriptions: want.Subscriptions[:1]}, waiting(billing.ImportPrice, "pri_not_there"))
		require.Equal(t, billing.ImportBatch{Payments: want.Payments[:1]}, waiting(billing.ImportSubscription, "sub_not_there"))
		require.Equal(t, billing.ImportBatch{Payments: want.Payments[:1]}, waiting(billing.ImportAddress, "add_not_there"))
		require.Equal(t, billing.ImportBatch{Payments: want.Payments[:1]}, waiting(billing.ImportBusiness, "biz_not_there"))
		require.Equal(t, billing.ImportBatch{Refunds: want.Refunds[1:]}, waiting(billing.ImportPayment, "txn_not_there"))
		require.Empty(t, waiting(billing.ImportDiscount, "dsc_1"))

		joined := batch.Prices[0]
		joined.Product = "pro_2"
		f.save(t, f.merchant.ID, billing.ImportBatch{Prices: []billing.Price{joined}})
		require.Empty(t, waiting(billing.ImportProduct, "pro_not_there"))
	})
}

// More ids than a statement may have parameters, and a record that waits for several of them comes once.
func TestWaitingForMany(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		f.fastWrites(t)
		const n = 12_000
		ids := make([]string, n)
		for i := range ids {
			ids[i] = fmt.Sprintf("x_%05d", i)
		}
		var refunds []billing.ImportedRefund
		for _, id := range ids {
			refunds = append(refunds, billing.ImportedRefund{Customer: f.customer.ID, ExternalPaymentID: id, Refund: billing.Refund{
				ID: billing.RefundID("ref_" + id), ExternalID: "adj_" + id, CreatedAt: start, UpdatedAt: start,
			}})
		}
		payment := f.payment(func(p *billing.Payment) { p.ExternalID, p.Subscription, p.ExternalSubscriptionID = "txn", "", ids[0] })
		f.save(t, f.merchant.ID, billing.ImportBatch{Refunds: refunds, Payments: []billing.ImportedPayment{{Payment: payment}}})
		got, err := f.Importing(invoice.Party{}).Waiting(t.Context(), f.merchant.ID, billing.ImportPayment, ids)
		require.NoError(t, err)
		require.Len(t, got.Refunds, n)

		items := f.subscription(func(s *billing.Subscription) {
			s.ExternalID, s.Items = "sub", nil
			for _, id := range ids[:6000] {
				s.Items = append(s.Items, billing.SubscriptionItem{ExternalPriceID: id, ProductID: "pro_1"})
			}
		})
		f.saveSubscription(t, items)
		got, err = f.Importing(invoice.Party{}).Waiting(t.Context(), f.merchant.ID, billing.ImportPrice, ids)
		require.NoError(t, err)
		require.Equal(t, []billing.ImportedSubscription{{Subscription: items}}, got.Subscriptions)
	})
}

func TestEmailOwners(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		s := f.Importing(invoice.Party{})
		owners, err := s.EmailOwners(t.Context(), f.merchant.ID, []string{"ann@mailbox.test", "ben@mailbox.test", "nobody@mailbox.test"})
		require.NoError(t, err)
		require.Equal(t, map[string]foyer.CustomerID{"ann@mailbox.test": f.customer.ID, "ben@mailbox.test": f.neighbor.ID}, owners)

		// An address goes from one customer to the other within one batch, in the order given.
		a, b := f.customer, f.neighbor
		a.Email, b.Email = "new@mailbox.test", "ann@mailbox.test"
		f.save(t, f.merchant.ID, billing.ImportBatch{Customers: []billing.ImportedCustomer{{Customer: a}, {Customer: b}}})
		owners, err = s.EmailOwners(t.Context(), f.merchant.ID, []string{"ann@mailbox.test", "ben@mailbox.test"})
		require.NoError(t, err)
		require.Equal(t, map[string]foyer.CustomerID{"ann@mailbox.test": f.neighbor.ID}, owners)

		// The address of another customer is refused, and nothing of the batch is kept.
		taken := f.customer
		taken.Email = "ann@mailbox.test"
		err = s.Save(t.Context(), f.merchant.ID, billing.ImportBatch{
			Customers: []billing.ImportedCustomer{{Customer: billing.Customer{ID: "ctm_x", Merchant: f.merchant.ID, Email: "x@mailbox.test"}}, {Customer: taken}},
		})
		refused(t, foyer.Conflict, err)
		_, err = f.Customer(t.Context(), foyer.Scope{Merchant: f.merchant.ID, Customer: "ctm_x"})
		refused(t, foyer.NotFound, err)
	})
}

func TestArchivedCustomerIsSignedOut(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		mine, neighbors := f.session(t, f.customer), f.session(t, f.neighbor)
		earlier := f.session(t, f.customer)
		_, err := f.RevokeSession(t.Context(), scope(f.customer), earlier.ID, start.Add(-time.Hour))
		require.NoError(t, err)
		archived := f.customer
		archived.Archived = true
		f.save(t, f.merchant.ID, billing.ImportBatch{Customers: []billing.ImportedCustomer{{Customer: archived}}})
		for _, c := range []struct {
			session identity.Session
			at      *time.Time
		}{{mine, &start}, {neighbors, nil}, {earlier, ptr(start.Add(-time.Hour))}} {
			got, err := f.SessionByID(t.Context(), f.merchant.ID, c.session.ID)
			require.NoError(t, err)
			require.Equal(t, c.at, got.RevokedAt)
		}
	})
}

// The document of an imported payment, import after import.
func TestImportedDocument(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		issuer := invoice.Party{Company: "Paddle.com Market Ltd", Address: billing.Address{City: "London", Country: "GB"}}
		given := billing.ImportedPayment{
			Payment: f.payment(func(p *billing.Payment) { p.ExternalID, p.ExternalSubscriptionID = "txn_1", "" }), InvoiceExternalID: "x_inv", InvoiceNumber: "325-1",
			Buyer: billing.Buyer{Name: "Ann"},
		}
		given.Payment.InvoiceID, given.Payment.InvoiceNumber = "inv_invented", "not the caller's to say"
		saved := func(issuer invoice.Party) invoice.Invoice {
			t.Helper()
			err := f.Importing(issuer).Save(t.Context(), f.merchant.ID, billing.ImportBatch{Payments: []billing.ImportedPayment{given}})
			require.NoError(t, err)
			list, err := f.Invoices(t.Context(), scope(f.customer), foyer.PageRequest{Limit: 10})
			require.NoError(t, err)
			require.Len(t, list, 1, "one document, however often it is imported")
			p, err := f.Payment(t.Context(), scope(f.customer), given.Payment.ID)
			require.NoError(t, err)
			require.Equal(t, []string{string(list[0].ID), list[0].Number}, []string{p.InvoiceID, p.InvoiceNumber})
			in, err := f.Invoice(t.Context(), scope(f.customer), list[0].ID, true)
			require.NoError(t, err)
			return in
		}
		first := saved(issuer)
		want := invoice.Copied(given, issuer)
		want.ID = first.ID
		want.Hash = want.Fingerprint()
		require.Equal(t, want, first)
		require.EqualValues(t, 1, first.Version)
		require.Equal(t, first, saved(issuer), "nothing changed")
		require.Equal(t, first, saved(invoice.Party{}), "the seller stays when a later import names none")

		// A change it does not show: the payment's own description, and when it was updated.
		given.Payment.Description, given.Payment.UpdatedAt, given.Payment.Version = "other", start.Add(time.Hour), 9
		require.Equal(t, first, saved(invoice.Party{}))

		version := int64(1)
		for name, change := range map[string]func(){
			"buyer":  func() { given.Buyer.Name = "Ann B." },
			"line":   func() { given.Payment.Lines[0].Name = "Better name" },
			"status": func() { given.Payment.Status = billing.PaymentPastDue },
			"number": func() { given.InvoiceNumber = "325-2" },
			"due":    func() { given.Payment.BillingDetails.PaymentTerms.Frequency = 30 },
			"issued": func() { given.Payment.BilledAt = ptr(start.Add(time.Minute)) },
		} {
			change()
			version++
			in := saved(invoice.Party{})
			require.Equal(t, version, in.Version, name)
			require.Equal(t, given.Payment.UpdatedAt, in.UpdatedAt, name)
			require.Equal(t, issuer, in.Document.Seller)
			require.Equal(t, first.ID, in.ID)
			require.Equal(t, first.CreatedAt, in.CreatedAt)
		}
		other := issuer
		other.Company = "Other issuer"
		require.Equal(t, other, saved(other).Document.Seller)
		version++

		// A bill that is withdrawn keeps its document, marked once.
		given.Payment.Status = billing.PaymentCanceled
		in := saved(invoice.Party{})
		require.Equal(t, invoice.StatusCanceled, in.Status)
		require.Equal(t, version+1, in.Version)
		require.Equal(t, in, saved(invoice.Party{}), "marked once")

		// One that never had the conditions of a document has none.
		bare := f.payment(func(p *billing.Payment) { p.Status, p.ExternalID, p.Attempts = billing.PaymentReady, "txn_2", nil })
		bare.InvoiceID = "inv_invented"
		f.save(t, f.merchant.ID, billing.ImportBatch{Payments: []billing.ImportedPayment{{Payment: bare, InvoiceNumber: "325-9"}}})
		got, err := f.Payment(t.Context(), scope(f.customer), bare.ID)
		require.NoError(t, err)
		require.Empty(t, got.InvoiceID)
		require.Equal(t, 1, f.count(t, "SELECT count(*) FROM invoices"))
	})
}

// Two imports of the same records at once: one waits for the other or is told to come again; nothing is made twice.
func TestImportsAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		batch := f.everything()
		f.save(t, f.merchant.ID, batch)
		together(8, func(int) {
			s := f.Importing(invoice.Party{})
			_ = s.InTx(t.Context(), func(ctx context.Context) error {
				if _, err := s.Load(ctx, f.merchant.ID, billing.ImportPayment, []string{"txn_1", "txn_2"}); err != nil {
					return err
				}
				return s.Save(ctx, f.merchant.ID, batch)
			})
		})
		require.Equal(t, tidy(batch), f.load(t, batch))
		require.Equal(t, 1, f.count(t, "SELECT count(*) FROM invoices"))
	})
}

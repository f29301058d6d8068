package store_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/invoice"
)

// elsewhere are scopes that must not see what is the customer's.
func (f *fixture) elsewhere() []foyer.Scope {
	return []foyer.Scope{
		scope(f.neighbor), scope(f.foreigner), {Merchant: f.stranger.ID, Customer: f.customer.ID}, {Merchant: f.merchant.ID}, {},
	}
}

// payment returns a payment with every field set.
func (f *fixture) payment(change ...func(*billing.Payment)) billing.Payment {
	p := billing.Payment{
		ID: billing.PaymentID(f.ids(foyer.PrefixPayment)), Merchant: f.merchant.ID, Customer: f.customer.ID, Status: billing.PaymentCompleted,
		Origin: billing.OriginRenewal, CollectionMode: billing.CollectManual, Currency: "JPY", Description: "Widget <b>&\u2028 ünï", Subscription: "sub_1",
		ExternalSubscriptionID: "x_sub", BillingPeriod: &foyer.Period{Start: start, End: start.AddDate(0, 1, 0)},
		BillingDetails: &billing.Terms{PurchaseOrderNumber: "PO 1", AdditionalInformation: "line\nline", PaymentTerms: &foyer.Cycle{Interval: foyer.Day, Frequency: 14}},
		Totals:         billing.Totals{Subtotal: 1, Discount: 2, Tax: 3, Total: 4, Credit: 5, CreditToBalance: 6, GrandTotal: 1 << 60, Balance: -8, Refunded: 9},
		CreatedAt:      start, UpdatedAt: start.Add(time.Microsecond), BilledAt: ptr(start.Add(time.Second)), Version: 3,
		TaxRates: []billing.TaxRateTotals{{Rate: "0.08875", Totals: billing.LineTotals{Subtotal: 1, Discount: 2, Tax: 3, Total: 4}}},
		Lines: []billing.Line{{
			ID: "lin_1", ExternalID: "x", PriceID: "pri_1", ProductID: "pro_1", Name: "Name", Description: "More", Quantity: 3, UnitPrice: -5, TaxRate: "0.08875",
			Proration: &billing.Proration{Rate: "0.5", Period: foyer.Period{Start: start, End: start.Add(time.Hour)}}, Totals: billing.LineTotals{Total: 7},
		}},
		Attempts: []billing.Attempt{
			{
				ID: billing.AttemptID(f.ids(foyer.PrefixAttempt)), ExternalID: "x_att_2", Status: billing.AttemptCaptured, Amount: 4, MethodType: "card",
				Card: &billing.Card{Brand: "visa", Last4: "4242", ExpiryMonth: 12, ExpiryYear: 2030}, Wallet: "apple_pay", Identifier: "ann@wallet.test",
				CreatedAt: start.Add(time.Minute), CapturedAt: ptr(start.Add(time.Hour)),
			},
			{ID: billing.AttemptID(f.ids(foyer.PrefixAttempt)), Status: billing.AttemptFailed, ErrorCode: "declined", Amount: 4, MethodType: "paypal", CreatedAt: start},
		},
	}
	for _, c := range change {
		c(&p)
	}
	return p
}

func (f *fixture) savePayment(t testing.TB, p billing.Payment) {
	t.Helper()
	f.save(t, p.Merchant, billing.ImportBatch{Payments: []billing.ImportedPayment{{Payment: p}}})
}

// listed is a payment as lists show it.
func listed(p billing.Payment) billing.Payment {
	p.Lines, p.TaxRates, p.Attempts, p.Refunds = nil, nil, nil, nil
	return p
}

func TestCustomer(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		got, err := f.Customer(ctx, scope(f.customer))
		require.NoError(t, err)
		require.Equal(t, f.customer, got)
		for _, other := range []foyer.Scope{{Merchant: f.stranger.ID, Customer: f.customer.ID}, {Merchant: f.merchant.ID}, {}} {
			_, err = f.Customer(ctx, other)
			refused(t, foyer.NotFound, err)
		}

		changed := f.customer
		changed.Name, changed.Locale, changed.Company, changed.TaxID, changed.Version = "Änn 🎉", "de-AT", "ACME", "DE1", 2
		changed.Address = billing.Address{Line1: "1", Line2: "2", City: "3", Region: "4", PostalCode: "5", Country: "AT"}
		changed.UpdatedAt = start.Add(90 * 24 * time.Hour) // a sandbox merchant's clock was moved
		foreign := changed
		foreign.Merchant = f.stranger.ID
		saved, err := f.SaveCustomer(ctx, foreign)
		require.NoError(t, err)
		require.False(t, saved)
		got, err = f.Customer(ctx, scope(f.customer))
		require.NoError(t, err)
		require.Equal(t, f.customer, got)
		saved, err = f.SaveCustomer(ctx, changed)
		require.NoError(t, err)
		require.True(t, saved)
		got, err = f.Customer(ctx, scope(f.customer))
		require.NoError(t, err)
		require.Equal(t, changed, got)

		// The version decides which of many changes at once is made.
		var won atomic.Int32
		changed.Version = 3
		together(crowd, func(int) {
			ok, err := f.SaveCustomer(context.Background(), changed)
			assert.NoError(t, err)
			if ok {
				won.Add(1)
			}
		})
		require.EqualValues(t, 1, won.Load())
	})
}

func TestPayment(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		full := f.payment()
		bare := f.payment(func(p *billing.Payment) {
			*p = billing.Payment{
				ID: p.ID, Merchant: p.Merchant, Customer: p.Customer, Status: billing.PaymentReady, Currency: "EUR", Totals: billing.Totals{Total: 1},
				CreatedAt: start, UpdatedAt: start, Version: 1,
			}
		})
		draft := f.payment(func(p *billing.Payment) { p.Status, p.Attempts = billing.PaymentDraft, nil })
		zero := f.payment(func(p *billing.Payment) {
			p.Totals, p.Attempts, p.Subscription, p.BilledAt = billing.Totals{}, nil, "", ptr(start.Add(2*time.Second))
		})
		for _, p := range []billing.Payment{full, bare, draft, zero} {
			f.savePayment(t, p)
		}
		for _, want := range []billing.Payment{full, bare, zero} {
			got, err := f.Payment(ctx, scope(f.customer), want.ID)
			require.NoError(t, err)
			if want.Refunds == nil {
				got.Refunds = nil
			}
			if want.Attempts == nil {
				require.Empty(t, got.Attempts)
				got.Attempts = nil
			}
			require.Equal(t, want, got)
		}
		_, err := f.Payment(ctx, scope(f.customer), draft.ID)
		refused(t, foyer.NotFound, err)
		for _, other := range f.elsewhere() {
			_, err = f.Payment(ctx, other, full.ID)
			refused(t, foyer.NotFound, err)
			list, err := f.Payments(ctx, other, billing.PaymentFilter{IncludeZero: true}, foyer.PageRequest{Limit: 10})
			require.NoError(t, err)
			require.Empty(t, list)
		}
		for _, c := range []struct {
			filter billing.PaymentFilter
			want   []billing.Payment
		}{
			{billing.PaymentFilter{}, []billing.Payment{full, bare}},
			{billing.PaymentFilter{IncludeZero: true}, []billing.Payment{zero, full, bare}},
			{billing.PaymentFilter{Statuses: []billing.PaymentStatus{billing.PaymentReady, billing.PaymentDraft}}, []billing.Payment{bare}},
			{billing.PaymentFilter{Subscription: "sub_1"}, []billing.Payment{full}},
			{billing.PaymentFilter{Subscription: "sub_2"}, []billing.Payment{}},
		} {
			got, err := f.Payments(ctx, scope(f.customer), c.filter, foyer.PageRequest{Limit: 10})
			require.NoError(t, err)
			want := []billing.Payment{}
			for _, p := range c.want {
				want = append(want, listed(p))
			}
			require.Equal(t, want, got)
		}
	})
}

// A row with the id of another merchant's is refused, and nothing of it changes.
func TestSaveTouchesNoOtherMerchant(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		p := f.payment()
		f.savePayment(t, p)
		taken := p
		taken.Merchant, taken.Customer, taken.Description, taken.Attempts = f.stranger.ID, f.foreigner.ID, "mine now", nil
		err := f.Importing(invoice.Party{}).Save(t.Context(), f.stranger.ID, billing.ImportBatch{Payments: []billing.ImportedPayment{{Payment: taken}}})
		refused(t, foyer.Conflict, err)
		got, err := f.Payment(t.Context(), scope(f.customer), p.ID)
		require.NoError(t, err)
		got.Refunds = nil
		require.Equal(t, p, got)
		_, err = f.Payment(t.Context(), scope(f.foreigner), p.ID)
		refused(t, foyer.NotFound, err)
	})
}

func (f *fixture) paymentMethod(t testing.TB, change ...func(*billing.PaymentMethod)) billing.PaymentMethod {
	t.Helper()
	m := billing.PaymentMethod{
		ID: billing.PaymentMethodID(f.ids(foyer.PrefixPaymentMethod)), Merchant: f.merchant.ID, Customer: f.customer.ID, Gateway: "sandbox",
		Type: "card", Card: &billing.Card{Brand: "visa", Last4: "4242", ExpiryMonth: 12, ExpiryYear: 2030}, Wallet: "apple_pay", Identifier: "ann@wallet.test",
		BillingName: "Ann", CreatedAt: start,
		UpdatedAt: start.Add(time.Microsecond), Version: 1, Metadata: foyer.Metadata{"größe": "M", "crm": "<b>&\u2028"},
	}
	m.ExternalID = "x_" + string(m.ID)
	for _, c := range change {
		c(&m)
	}
	require.NoError(t, f.CreatePaymentMethod(t.Context(), m))
	return m
}

func (f *fixture) subscription(change ...func(*billing.Subscription)) billing.Subscription {
	s := billing.Subscription{
		ID: billing.SubscriptionID(f.ids(foyer.PrefixSubscription)), Merchant: f.merchant.ID, Customer: f.customer.ID, Status: billing.SubscriptionActive, Currency: "BHD",
		Items: []billing.SubscriptionItem{{
			PriceID: "pri_1", ExternalPriceID: "x", ProductID: "pro_1", ExternalProductID: "y", ProductName: "Plan", PriceName: "Monthly", Quantity: 2,
			UnitPrice: 1000, TaxRate: "0.2", TaxBehavior: "inclusive",
		}},
		RecurringTotal: 2000, AmountsUnknown: true, NextTotal: ptr[int64](0), Cycle: foyer.Cycle{Interval: foyer.Week, Frequency: 3}, CollectionMode: billing.CollectManual,
		CurrentPeriod: &foyer.Period{Start: start, End: start.AddDate(0, 0, 21)}, Trial: &foyer.Period{Start: start.AddDate(0, 0, -7), End: start},
		NextBilledAt:    ptr(start.AddDate(0, 0, 21)),
		ScheduledChange: &billing.ScheduledChange{Action: billing.SchedulePause, EffectiveAt: start.AddDate(0, 0, 21), ResumeAt: ptr(start.AddDate(0, 3, 0))},
		Discount: &billing.SubscriptionDiscount{
			ID: "dsc_1", ExternalID: "z", Type: billing.DiscountFixed, Percent: "12.5", Amount: ptr[int64](5), StartsAt: ptr(start), EndsAt: ptr(start.Add(time.Hour)),
		},
		PaymentMethod: "paymtd_1", StartedAt: ptr(start), PausedAt: ptr(start.Add(1)), CanceledAt: ptr(start.Add(2)), CreatedAt: start, UpdatedAt: start, Version: 7,
	}
	*s.PausedAt, *s.CanceledAt = start.Add(time.Microsecond), start.Add(2*time.Microsecond)
	for _, c := range change {
		c(&s)
	}
	return s
}

func (f *fixture) saveSubscription(t testing.TB, s billing.Subscription) {
	t.Helper()
	f.save(t, s.Merchant, billing.ImportBatch{Subscriptions: []billing.ImportedSubscription{{Subscription: s}}})
}

func TestSubscriptions(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		full := f.subscription()
		bare := billing.Subscription{
			ID: "sub_bare", Merchant: f.merchant.ID, Customer: f.customer.ID, Status: billing.SubscriptionCanceled, Currency: "EUR",
			Cycle: foyer.Cycle{Interval: foyer.Year, Frequency: 1}, CreatedAt: start.Add(-time.Second), UpdatedAt: start, Version: 1,
		}
		f.saveSubscription(t, full)
		f.saveSubscription(t, bare)
		for _, want := range []billing.Subscription{full, bare} {
			got, err := f.Subscription(ctx, scope(f.customer), want.ID)
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
		for _, other := range f.elsewhere() {
			_, err := f.Subscription(ctx, other, full.ID)
			refused(t, foyer.NotFound, err)
			list, err := f.Subscriptions(ctx, other, nil, foyer.PageRequest{Limit: 10})
			require.NoError(t, err)
			require.Empty(t, list)
		}
		list, err := f.Subscriptions(ctx, scope(f.customer), nil, foyer.PageRequest{Limit: 10})
		require.NoError(t, err)
		require.Equal(t, []billing.Subscription{full, bare}, list, "canceled ones are listed")
		list, err = f.Subscriptions(ctx, scope(f.customer), []billing.SubscriptionStatus{billing.SubscriptionCanceled, billing.SubscriptionPaused}, foyer.PageRequest{Limit: 10})
		require.NoError(t, err)
		require.Equal(t, []billing.Subscription{bare}, list)
	})
}

func TestPaymentMethods(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		first := f.paymentMethod(t, func(m *billing.PaymentMethod) { m.Default = true })
		second := f.paymentMethod(t, func(m *billing.PaymentMethod) {
			m.CreatedAt, m.Type, m.Card, m.ExternalID, m.Metadata = start.Add(time.Microsecond), "paypal", nil, "", nil
		})
		using := f.subscription(func(s *billing.Subscription) { s.PaymentMethod = first.ID })
		canceled := f.subscription(func(s *billing.Subscription) { s.PaymentMethod, s.Status = first.ID, billing.SubscriptionCanceled })
		neighbors := f.subscription(func(s *billing.Subscription) { s.PaymentMethod, s.Customer = first.ID, f.neighbor.ID })
		for _, s := range []billing.Subscription{using, canceled, neighbors} {
			f.saveSubscription(t, s)
		}
		first.UsedBy = []billing.SubscriptionID{using.ID}
		got, err := f.PaymentMethod(ctx, scope(f.customer), first.ID)
		require.NoError(t, err)
		require.Equal(t, first, got)
		list, err := f.PaymentMethods(ctx, scope(f.customer), billing.MethodFilter{}, foyer.PageRequest{Limit: 10})
		require.NoError(t, err)
		require.Equal(t, []billing.PaymentMethod{second, first}, list)
		for _, other := range f.elsewhere() {
			_, err = f.PaymentMethod(ctx, other, first.ID)
			refused(t, foyer.NotFound, err)
			list, err = f.PaymentMethods(ctx, other, billing.MethodFilter{}, foyer.PageRequest{Limit: 10})
			require.NoError(t, err)
			require.Empty(t, list)
		}

		list, err = f.PaymentMethods(ctx, scope(f.customer), billing.MethodFilter{ExternalID: first.ExternalID}, foyer.PageRequest{Limit: 10})
		require.NoError(t, err)
		require.Equal(t, []billing.PaymentMethod{first}, list)

		// One method of a merchant has an external id; another merchant's may have it, too.
		namesake := second
		namesake.ID, namesake.Customer, namesake.ExternalID = "paymtd_namesake", f.neighbor.ID, first.ExternalID
		refused(t, foyer.Conflict, f.CreatePaymentMethod(ctx, namesake))
		namesake.Merchant, namesake.Customer = f.stranger.ID, f.foreigner.ID
		require.NoError(t, f.CreatePaymentMethod(ctx, namesake))
		owner, err := f.ExternalOwner(ctx, f.merchant.ID, foyer.PrefixPaymentMethod, first.ExternalID)
		require.NoError(t, err)
		require.Equal(t, string(first.ID), owner)
		renamed := second
		renamed.Version, renamed.ExternalID = 2, first.ExternalID
		_, err = f.SavePaymentMethod(ctx, renamed)
		refused(t, foyer.Conflict, err)
		renamed.ExternalID, renamed.Metadata = "x_renamed", first.Metadata
		saved, err := f.SavePaymentMethod(ctx, renamed)
		require.NoError(t, err)
		require.True(t, saved)
		second = renamed

		// A customer has one default.
		rival := first
		rival.ID, rival.ExternalID = "paymtd_rival", ""
		refused(t, foyer.Conflict, f.CreatePaymentMethod(ctx, rival))
		rival.ExternalID = first.ExternalID
		// What is deleted is not shown, and no longer in the way.
		f.exec(t, "UPDATE payment_methods SET deleted_at = created_at WHERE id = ?", first.ID)
		_, err = f.PaymentMethod(ctx, scope(f.customer), first.ID)
		refused(t, foyer.NotFound, err)
		list, err = f.PaymentMethods(ctx, scope(f.customer), billing.MethodFilter{}, foyer.PageRequest{Limit: 10})
		require.NoError(t, err)
		require.Equal(t, []billing.PaymentMethod{second}, list)
		owner, err = f.ExternalOwner(ctx, f.merchant.ID, foyer.PrefixPaymentMethod, first.ExternalID)
		require.NoError(t, err)
		require.Empty(t, owner)
		require.NoError(t, f.CreatePaymentMethod(ctx, rival))
	})
}

// document returns an invoice of the payment with every field set.
func (f *fixture) document(p billing.Payment, id invoice.ID, change ...func(*invoice.Invoice)) invoice.Invoice {
	seller := invoice.Party{Name: "S", Company: "Seller", TaxID: "DE1", RegistrationNumber: "HRB 1", Email: "s@x.test", Address: billing.Address{City: "Köln"}}
	in := invoice.Invoice{
		ID: id, Merchant: p.Merchant, Customer: p.Customer, ExternalID: "x_inv", Number: "2026-1", Kind: invoice.KindInvoice, Revision: 2, Replaces: "inv_0",
		Status: invoice.StatusOpen, Payment: p.ID, Currency: p.Currency, IssuedAt: start, DueAt: ptr(start.AddDate(0, 0, 14)), CreatedAt: start,
		UpdatedAt: start.Add(time.Microsecond), Version: 4, ContentVersion: 3, Total: 12, Copy: true, Buyer: invoice.Party{Name: "Ann"},
		Document: invoice.Document{
			Seller: seller, Buyer: invoice.Party{Name: "Ann"}, BillingPeriod: p.BillingPeriod, Details: p.BillingDetails, CollectionMode: p.CollectionMode,
			Lines: p.Lines, TaxRates: p.TaxRates, Totals: p.Totals, PaidWith: &invoice.PaidWith{Type: "card", Last4: "4242"}, PaidAt: ptr(start), Footers: map[string]string{"default": "bye"},
		},
	}
	for _, c := range change {
		c(&in)
	}
	in.Hash = in.Fingerprint()
	return in
}

func TestInvoices(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		p := f.payment()
		f.savePayment(t, p)
		in := f.document(p, "inv_1")
		require.NoError(t, f.CreateInvoice(ctx, in))
		got, err := f.Invoice(ctx, scope(f.customer), in.ID, true)
		require.NoError(t, err)
		require.Equal(t, in, got)
		head := in
		head.Document = invoice.Document{}
		got, err = f.Invoice(ctx, scope(f.customer), in.ID, false)
		require.NoError(t, err)
		require.Equal(t, head, got)
		list, err := f.Invoices(ctx, scope(f.customer), foyer.PageRequest{Limit: 10})
		require.NoError(t, err)
		require.Equal(t, []invoice.Invoice{head}, list)
		named, err := f.Payment(ctx, scope(f.customer), p.ID)
		require.NoError(t, err)
		require.Equal(t, []any{"inv_1", "2026-1", p.Version + 1}, []any{named.InvoiceID, named.InvoiceNumber, named.Version})
		for _, other := range f.elsewhere() {
			for _, whole := range []bool{true, false} {
				_, err = f.Invoice(ctx, other, in.ID, whole)
				refused(t, foyer.NotFound, err)
			}
			list, err = f.Invoices(ctx, other, foyer.PageRequest{Limit: 10})
			require.NoError(t, err)
			require.Empty(t, list)
		}

		file := invoice.File{Invoice: in, Locale: "de/de", Content: []byte{0, 255}, SHA256: []byte{1, 2}}
		_, err = f.File(ctx, in, "de/de")
		refused(t, foyer.NotFound, err)
		kept, err := f.KeepFile(ctx, file, start)
		require.NoError(t, err)
		require.Equal(t, file, kept)
		kept, err = f.File(ctx, in, "de/de")
		require.NoError(t, err)
		require.Equal(t, file, kept)
		revised, foreign := in, in
		revised.ContentVersion++
		foreign.Merchant = f.stranger.ID
		for _, other := range []invoice.Invoice{revised, foreign} {
			_, err = f.File(ctx, other, "de/de")
			refused(t, foyer.NotFound, err)
		}
		_, err = f.File(ctx, in, "de/en")
		refused(t, foyer.NotFound, err)
	})
}

// The bytes of the first are everybody's.
func TestFileKeptOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		p := f.payment()
		f.savePayment(t, p)
		in := f.document(p, "inv_1")
		require.NoError(t, f.CreateInvoice(t.Context(), in))
		results := make([]invoice.File, crowd)
		together(crowd, func(i int) {
			kept, err := f.KeepFile(context.Background(), invoice.File{Invoice: in, Locale: "en/en", Content: []byte{byte(i)}, SHA256: []byte{byte(i)}}, start)
			assert.NoError(t, err)
			results[i] = kept
		})
		for _, r := range results {
			require.Equal(t, results[0], r)
		}
		require.Equal(t, 1, f.count(t, "SELECT count(*) FROM invoice_files"))
	})
}

// A payment has one invoice, however many make one at once, and of the others nothing is left.
func TestInvoiceCreatedOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		p := f.payment()
		f.savePayment(t, p)
		var made atomic.Int32
		together(crowd, func(int) {
			err := f.CreateInvoice(context.Background(), f.document(p, invoice.ID(f.ids(foyer.PrefixInvoice))))
			if err == nil {
				made.Add(1)
			} else {
				assert.ErrorIs(t, err, foyer.Conflict)
			}
		})
		require.EqualValues(t, 1, made.Load())
		require.Equal(t, 1, f.count(t, "SELECT count(*) FROM invoices"))

		// Nor does another merchant make one for it.
		foreign := f.document(p, "inv_foreign", func(in *invoice.Invoice) { in.Merchant, in.Customer = f.stranger.ID, f.foreigner.ID })
		refused(t, foyer.Conflict, f.CreateInvoice(t.Context(), foreign))
		require.Equal(t, 1, f.count(t, "SELECT count(*) FROM invoices"))
	})
}

package store_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/invoice"
	"foyer/internal/store"
)

// billsList is one of the lists a merchant reads over all its customers, as far as a filter narrows it.
type billsList struct {
	name string
	page func(t testing.TB, f *fixture, m foyer.MerchantID, p foyer.PageRequest) []foyer.PageKey
}

func (f *fixture) billsLists(customer foyer.CustomerID, sub billing.SubscriptionID) []billsList {
	subs := func(filter billing.MerchantSubscriptionFilter) func(testing.TB, *fixture, foyer.MerchantID, foyer.PageRequest) []foyer.PageKey {
		return func(t testing.TB, f *fixture, m foyer.MerchantID, p foyer.PageRequest) []foyer.PageKey {
			t.Helper()
			got, err := f.MerchantSubscriptions(t.Context(), m, filter, p)
			return keysOf(t, got, err, func(s billing.Subscription) foyer.PageKey { return foyer.PageKey{At: s.CreatedAt, ID: string(s.ID)} })
		}
	}
	pays := func(filter billing.MerchantPaymentFilter) func(testing.TB, *fixture, foyer.MerchantID, foyer.PageRequest) []foyer.PageKey {
		return func(t testing.TB, f *fixture, m foyer.MerchantID, p foyer.PageRequest) []foyer.PageKey {
			t.Helper()
			got, err := f.MerchantPayments(t.Context(), m, filter, p)
			return keysOf(t, got, err, func(p billing.Payment) foyer.PageKey { return foyer.PageKey{At: p.ListedAt(), ID: string(p.ID)} })
		}
	}
	docs := func(filter invoice.Filter) func(testing.TB, *fixture, foyer.MerchantID, foyer.PageRequest) []foyer.PageKey {
		return func(t testing.TB, f *fixture, m foyer.MerchantID, p foyer.PageRequest) []foyer.PageKey {
			t.Helper()
			got, err := f.MerchantInvoices(t.Context(), m, filter, p)
			return keysOf(t, got, err, func(in invoice.Invoice) foyer.PageKey { return foyer.PageKey{At: in.CreatedAt, ID: string(in.ID)} })
		}
	}
	return []billsList{
		{"subscriptions", subs(billing.MerchantSubscriptionFilter{})},
		{"subscriptions of a customer", subs(billing.MerchantSubscriptionFilter{Customer: customer})},
		{"paused subscriptions", subs(billing.MerchantSubscriptionFilter{Statuses: []billing.SubscriptionStatus{billing.SubscriptionPaused}})},
		{"payments", pays(billing.MerchantPaymentFilter{})},
		{"payments of a customer", pays(billing.MerchantPaymentFilter{Customer: customer})},
		{"payments of a subscription", pays(billing.MerchantPaymentFilter{PaymentFilter: billing.PaymentFilter{Subscription: sub}})},
		{"past due payments", pays(billing.MerchantPaymentFilter{PaymentFilter: billing.PaymentFilter{Statuses: []billing.PaymentStatus{billing.PaymentPastDue}}})},
		{"invoices", docs(invoice.Filter{})},
		{"invoices of a customer", docs(invoice.Filter{Customer: customer})},
	}
}

// A merchant's lists: every entry once, newest first, nobody else's, and each page far in is one range of an index.
func TestAMerchantsListsUseAnIndex(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		f.fastWrites(t)
		random := rand.New(rand.NewPCG(3, 4))
		const sub = billing.SubscriptionID("sub_1")
		for i, c := range []billing.Customer{f.customer, f.neighbor, f.foreigner} {
			var batch billing.ImportBatch
			for n := range []int{300, 150, 60}[i] {
				at := start.Add(-time.Duration(random.IntN(1e6)) * time.Microsecond)
				batch.Subscriptions = append(batch.Subscriptions, billing.ImportedSubscription{Subscription: f.subscription(func(s *billing.Subscription) {
					s.Merchant, s.Customer, s.CreatedAt, s.ExternalID = c.Merchant, c.ID, at, ""
					s.Status = []billing.SubscriptionStatus{billing.SubscriptionActive, billing.SubscriptionPaused}[n%2]
				})})
				batch.Payments = append(batch.Payments, billing.ImportedPayment{InvoiceNumber: f.ids("nr"), Payment: f.payment(func(p *billing.Payment) {
					p.Merchant, p.Customer, p.BilledAt, p.Attempts, p.ExternalSubscriptionID, p.CreatedAt, p.Subscription = c.Merchant, c.ID, ptr(at), nil, "", at, sub
					p.Status = []billing.PaymentStatus{billing.PaymentCompleted, billing.PaymentPastDue}[n%2]
				})})
			}
			f.save(t, c.Merchant, batch)
		}
		f.exec(t, "ANALYZE")
		var statement string
		var args []any
		remember := func(db *gorm.DB) {
			if strings.Contains(db.Statement.SQL.String(), "DESC, id DESC") {
				statement, args = db.Statement.SQL.String(), slices.Clone(db.Statement.Vars)
			}
		}
		callbacks := f.GORM(t.Context()).Callback()
		require.NoError(t, callbacks.Query().After("gorm:query").Register("test:statement", remember))
		require.NoError(t, callbacks.Row().After("gorm:row").Register("test:statement", remember))
		for _, l := range f.billsLists(f.customer.ID, sub) {
			var all []foyer.PageKey
			for p := (foyer.PageRequest{Limit: 17}); ; p.After = &all[len(all)-1] {
				page := l.page(t, f, f.merchant.ID, p)
				all = append(all, page...)
				if len(page) < p.Limit {
					break
				}
			}
			require.Greater(t, len(all), 100, l.name)
			require.True(t, slices.IsSortedFunc(all, func(a, b foyer.PageKey) int {
				if c := b.At.Compare(a.At); c != 0 {
					return c
				}
				return strings.Compare(b.ID, a.ID)
			}), l.name)
			theirs := l.page(t, f, f.stranger.ID, foyer.PageRequest{Limit: 1000})
			for _, k := range theirs {
				require.NotContains(t, all, k, l.name)
			}
			if strings.Contains(l.name, "of a customer") {
				require.Empty(t, theirs, l.name)
			}
			statement = ""
			require.Len(t, l.page(t, f, f.merchant.ID, foyer.PageRequest{Limit: 26, After: &all[len(all)/3]}), 26, l.name)
			plan := f.plan(t, statement, args)
			if f.Dialect() == store.Postgres {
				assert.NotContains(t, strings.ReplaceAll(plan, "Seq Scan on refunds", ""), "Seq Scan", "%s:\n%s", l.name, plan)
				assert.NotContains(t, plan, "Sort", "%s:\n%s", l.name, plan)
			} else {
				assert.Contains(t, plan, "USING INDEX", l.name)
				assert.NotContains(t, plan, "TEMP B-TREE", "%s:\n%s", l.name, plan)
				assert.NotContains(t, plan, "SCAN", l.name)
			}
		}
	})
}

// What a merchant keeps beside its things survives every save, and an import that knows nothing of it.
func TestMetadataAndNamesAreKept(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		notes := foyer.Metadata{"größe": "M", "crm": "<b>&\u2028"}
		sub := f.subscription(func(s *billing.Subscription) {
			s.Provider, s.ExternalID, s.Metadata, s.Version = billing.ProviderNative, "team-1", notes, 1
		})
		other := f.subscription(func(s *billing.Subscription) {
			s.Provider, s.ExternalID, s.Version = billing.ProviderNative, "team-2", 1
		})
		require.NoError(t, f.CreateSubscriptions(ctx, sub, other))
		for _, m := range []foyer.MerchantID{f.stranger.ID, ""} {
			_, err := f.MerchantSubscription(ctx, m, sub.ID)
			refused(t, foyer.NotFound, err)
		}
		sub.Version, sub.Status = 2, billing.SubscriptionPaused
		require.NoError(t, f.SaveSubscriptions(ctx, sub))
		got, err := f.MerchantSubscription(ctx, f.merchant.ID, sub.ID)
		require.NoError(t, err)
		require.Equal(t, notes, got.Metadata)
		require.Equal(t, "team-1", got.ExternalID)
		sub.Version, sub.ExternalID, sub.Metadata = 3, "team-2", nil
		refused(t, foyer.Conflict, f.SaveSubscriptions(ctx, sub))
		sub.ExternalID = "team-3"
		require.NoError(t, f.SaveSubscriptions(ctx, sub))
		got, err = f.MerchantSubscription(ctx, f.merchant.ID, sub.ID)
		require.NoError(t, err)
		require.Nil(t, got.Metadata)

		// The name of a subscription that waits for its first payment is taken; paid or given up, it is the subscription's or free.
		begins := f.subscription(func(s *billing.Subscription) { s.ExternalID = "team-4" })
		waits := func(status billing.PaymentStatus) billing.Payment {
			return f.payment(func(p *billing.Payment) {
				p.Status, p.Subscription, p.Effect, p.Attempts, p.Metadata = status, begins.ID, &billing.Effect{Kind: billing.EffectStart, After: &begins}, nil, notes
			})
		}
		first := waits(billing.PaymentReady)
		require.NoError(t, f.CreatePayments(ctx, first))
		refused(t, foyer.Conflict, f.CreatePayments(ctx, waits(billing.PaymentReady)))
		named := func(m foyer.MerchantID, name string, except billing.SubscriptionID) bool {
			taken, err := f.SubscriptionNamed(ctx, m, name, except)
			require.NoError(t, err)
			return taken
		}
		require.True(t, named(f.merchant.ID, "team-4", ""))
		require.False(t, named(f.merchant.ID, "team-4", begins.ID))
		require.False(t, named(f.stranger.ID, "team-4", ""))
		require.True(t, named(f.merchant.ID, "team-2", sub.ID))
		first.Version++
		first.Status = billing.PaymentCanceled
		require.NoError(t, f.SavePayments(ctx, first))
		require.False(t, named(f.merchant.ID, "team-4", ""))
		whole, err := f.MerchantPayment(ctx, f.merchant.ID, first.ID)
		require.NoError(t, err)
		require.Equal(t, notes, whole.Metadata)
		_, err = f.MerchantPayment(ctx, f.stranger.ID, first.ID)
		refused(t, foyer.NotFound, err)
		list, err := f.MerchantPayments(ctx, f.merchant.ID, billing.MerchantPaymentFilter{}, foyer.PageRequest{Limit: 10})
		require.NoError(t, err)
		require.Equal(t, notes, list[0].Metadata)

		// An import brings it up to date.
		imported := f.payment(func(p *billing.Payment) { p.ExternalID, p.Attempts = "txn_1", nil })
		f.savePayment(t, imported)
		imported.Version++
		imported.Metadata = notes
		require.NoError(t, f.SavePayments(ctx, imported))
		imported.Metadata, imported.Description = nil, "newer"
		f.savePayment(t, imported)
		whole, err = f.MerchantPayment(ctx, f.merchant.ID, imported.ID)
		require.NoError(t, err)
		require.Equal(t, "newer", whole.Description)
		require.Equal(t, notes, whole.Metadata)
	})
}

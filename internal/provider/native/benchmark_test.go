package native_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/invoice"
	"foyer/internal/store"
)

// slow is a gateway that takes 5 ms to answer.
type slow struct{ *till }

func (g slow) GatewayOf(context.Context, foyer.MerchantID) (billing.Gateway, error) { return g, nil }

func (g slow) Charge(ctx context.Context, r billing.ChargeRequest) (billing.ChargeResult, error) {
	time.Sleep(5 * time.Millisecond)
	return g.till.Charge(ctx, r)
}

// many makes n customers with a card and an active subscription each, due at the end of its period.
func (r *rig) many(t testing.TB, n int) []billing.Subscription {
	t.Helper()
	ctx := context.Background()
	price := r.price(t, "Basic", 1000)
	now := foyer.Micro(r.clock.now())
	ids := foyer.NewIDs(r.clock.now)
	var batch billing.ImportBatch
	for i := range n {
		batch.Customers = append(batch.Customers, billing.ImportedCustomer{Customer: billing.Customer{
			ID: foyer.CustomerID(ids(foyer.PrefixCustomer)), Merchant: r.merchant.ID, Email: fmt.Sprintf("c%d@mailbox.test", i), CreatedAt: now, UpdatedAt: now, Version: 1,
		}})
	}
	require.NoError(t, r.store.Importing(invoice.Party{}).Save(ctx, r.merchant.ID, batch))
	subs := make([]billing.Subscription, n)
	require.NoError(t, r.store.InTx(ctx, func(ctx context.Context) error {
		for i, c := range batch.Customers {
			method := billing.NewPaymentMethod(billing.Setup{
				Merchant: r.merchant.ID, Customer: c.Customer.ID, Gateway: "till", PaymentMethod: billing.PaymentMethodID(ids(foyer.PrefixPaymentMethod)),
			}, billing.GatewayMethod{Token: "good", Type: "card", Card: &billing.Card{Brand: "visa", Last4: "4242"}}, now)
			if err := r.store.CreatePaymentMethod(ctx, method); err != nil {
				return err
			}
			subs[i], _, _ = billing.NewSubscription{
				ID: billing.SubscriptionID(ids(foyer.PrefixSubscription)), Scope: foyer.Scope{Merchant: r.merchant.ID, Customer: c.Customer.ID},
				Items:    []billing.SubscriptionItem{{PriceID: price.ID, ProductName: "Basic", UnitPrice: 1000, Quantity: 1, TaxRate: "0.19"}},
				Currency: "EUR", Cycle: foyer.Cycle{Interval: foyer.Month, Frequency: 1}, CollectionMode: billing.CollectAutomatic, PaymentMethod: method.ID,
			}.Begin(now)
		}
		return nil
	}))
	for from := 0; from < n; from += 500 {
		require.NoError(t, r.store.CreateSubscriptions(ctx, subs[from:min(from+500, n)]...))
	}
	return subs
}

// BenchmarkRenewals measures from due to paid, period advanced, invoice numbered, events and mail orders committed, on
// PostgreSQL with a gateway that answers in 5 ms. Job rows of the queue are not counted here; the drill counts them.
//
//	go test ./internal/provider/native -run '^$' -bench Renewals -benchtime 3x
func BenchmarkRenewals(b *testing.B) {
	const n = 2000
	r := newRig(b, store.Postgres)
	r.many(b, n)
	worker := r.engine(r.store, slow{r.gateway})
	for b.Loop() {
		b.StopTimer()
		r.clock.advance(31 * 24 * time.Hour)
		b.StartTimer()
		require.NoError(b, worker.RunDue(context.Background(), r.merchant.ID))
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "renewals/s")
	require.Len(b, r.gateway.ledger(), n*b.N)
}

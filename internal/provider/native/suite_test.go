package native_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/foyertest"
	"foyer/internal/provider/providertest"
)

func TestProvider(t *testing.T) {
	t.Parallel()
	for _, dialect := range foyertest.Dialects() {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			providertest.Suite(t, func(t *testing.T) providertest.Harness {
				r := newRig(t, dialect)
				price := r.price(t, "Basic", 2000)
				noah := r.newCustomer(t, "noah@mailbox.test")
				return providertest.Harness{
					Provider: r.Engine, Owner: r.by, Stranger: foyer.Actor{Kind: foyer.ActorCustomer, Scope: foyer.Scope{Merchant: r.merchant.ID, Customer: noah.ID}},
					Subscribe: func(t testing.TB) billing.Subscription { return r.subscribe(t, price, r.method(t, r.by, "first")) },
					Indebt: func(t testing.TB, s billing.Subscription) billing.Subscription {
						r.gateway.behavior["first"] = "declined"
						r.clock.advance(s.CurrentPeriod.End.Sub(r.clock.now()) + time.Second)
						r.due(t)
						s = r.subscription(t, s.ID)
						require.NotEmpty(t, s.Debt)
						return s
					},
					Method: func(t testing.TB, good bool) billing.PaymentMethodID {
						if good {
							return r.method(t, r.by, "good").ID
						}
						return r.method(t, r.by, "declined").ID
					},
					Dearer: r.price(t, "Pro", 5000).ID, Cheaper: r.price(t, "Mini", 500).ID,
				}
			})
		})
	}
}

package store_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// A payment that is read while it is written is all of one moment: its sum, the refund a bank took, and the dispute it was taken for.
func TestAPaymentIsReadAsOfOneMoment(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		p := f.payment(func(p *billing.Payment) {
			p.Currency, p.Totals = "EUR", billing.Totals{Total: 1000, GrandTotal: 1000}
			p.Lines[0].Totals = billing.LineTotals{Subtotal: 1000, Total: 1000}
		})
		f.savePayment(t, p)
		by := scope(f.customer)
		take := func(ctx context.Context, amount int64) error {
			return f.InTx(ctx, func(ctx context.Context) error {
				p, err := f.Payment(ctx, by, p.ID)
				if err != nil {
					return err
				}
				told := billing.GatewayDispute{
					Reference: "dp_1", Status: billing.DisputeOpen, Reason: "fraudulent", Amount: foyer.Money{Amount: amount, Currency: "EUR"}, OpenedAt: start,
				}
				change, _ := p.Disputed(told, p.Attempts[0].ID, f.ids, start)
				if err := f.SaveDispute(ctx, by, change); err != nil {
					return err
				}
				after := change.Payment
				after.Version++
				return f.SavePayments(ctx, after)
			})
		}
		require.NoError(t, take(t.Context(), 1))
		reads := map[string]func() (billing.Payment, error){
			"the customer": func() (billing.Payment, error) { return f.Payment(t.Context(), by, p.ID) },
			"the merchant": func() (billing.Payment, error) { return f.MerchantPayment(t.Context(), by.Merchant, p.ID) },
		}
		lists := map[string]func() ([]billing.Payment, error){
			"the customer's list": func() ([]billing.Payment, error) {
				return f.Payments(t.Context(), by, billing.PaymentFilter{}, foyer.PageRequest{Limit: 10})
			},
			"the merchant's list": func() ([]billing.Payment, error) {
				return f.MerchantPayments(t.Context(), by.Merchant, billing.MerchantPaymentFilter{}, foyer.PageRequest{Limit: 10})
			},
			"in full": func() ([]billing.Payment, error) {
				return f.PaymentsInFull(t.Context(), by, foyer.PageRequest{Limit: 10})
			},
		}
		for who, list := range lists {
			reads[who] = func() (billing.Payment, error) {
				all, err := list()
				if err != nil {
					return billing.Payment{}, err
				}
				return all[0], nil
			}
		}
		done, deadline := make(chan struct{}), time.Now().Add(time.Second)
		var all sync.WaitGroup
		all.Go(func() {
			defer close(done)
			for amount := int64(2); time.Now().Before(deadline); amount = amount%1000 + 1 {
				if !assert.NoError(t, take(t.Context(), amount)) {
					return
				}
			}
		})
		for who, read := range reads {
			all.Go(func() {
				for {
					select {
					case <-done:
						return
					default:
					}
					got, err := read()
					if !assert.NoError(t, err, who) || !assert.Len(t, got.Refunds, 1, who) || !assert.Equal(t, got.Totals.Refunded, got.Refunds[0].Total, who) {
						return
					}
					for _, d := range got.Disputes { // the merchant's list has none
						if !assert.Equal(t, got.Totals.Refunded, d.Amount, who) {
							return
						}
					}
				}
			})
		}
		all.Wait()
	})
}

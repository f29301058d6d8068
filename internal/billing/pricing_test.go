package billing_test

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

func lines() foyer.IDs {
	n := 0
	return func(foyer.Prefix) string { n++; return fmt.Sprint(n) }
}

func item(price, quantity int64, rate foyer.Rate, behavior billing.TaxBehavior) billing.SubscriptionItem {
	return billing.SubscriptionItem{ProductName: "Thing", UnitPrice: price, Quantity: quantity, TaxRate: rate, TaxBehavior: string(behavior)}
}

func percent(p foyer.Rate) *billing.SubscriptionDiscount {
	return &billing.SubscriptionDiscount{Type: billing.DiscountPercent, Percent: p}
}

func fixed(amount int64) *billing.SubscriptionDiscount {
	return &billing.SubscriptionDiscount{Type: billing.DiscountFixed, Amount: &amount}
}

func TestPriceBill(t *testing.T) {
	t.Parallel()
	half := big.NewRat(1, 2)
	for name, row := range map[string]struct {
		items    []billing.BillItem
		discount *billing.SubscriptionDiscount
		want     billing.LineTotals
	}{
		"tax on top":                  {[]billing.BillItem{{SubscriptionItem: item(1000, 2, "0.19", "")}}, nil, billing.LineTotals{Subtotal: 2000, Tax: 380, Total: 2380}},
		"tax inside":                  {[]billing.BillItem{{SubscriptionItem: item(1190, 1, "0.19", billing.TaxInclusive)}}, nil, billing.LineTotals{Subtotal: 1000, Tax: 190, Total: 1190}},
		"no tax":                      {[]billing.BillItem{{SubscriptionItem: item(999, 3, "", "")}}, nil, billing.LineTotals{Subtotal: 2997, Total: 2997}},
		"percent":                     {[]billing.BillItem{{SubscriptionItem: item(1000, 1, "0.2", "")}}, percent("12.5"), billing.LineTotals{Subtotal: 1000, Discount: 125, Tax: 175, Total: 1050}},
		"percent inside":              {[]billing.BillItem{{SubscriptionItem: item(1200, 1, "0.2", billing.TaxInclusive)}}, percent("50"), billing.LineTotals{Subtotal: 1000, Discount: 500, Tax: 100, Total: 600}},
		"all of it":                   {[]billing.BillItem{{SubscriptionItem: item(1000, 1, "0.2", "")}}, percent("100"), billing.LineTotals{Subtotal: 1000, Discount: 1000}},
		"fixed":                       {[]billing.BillItem{{SubscriptionItem: item(1000, 1, "0.1", "")}}, fixed(300), billing.LineTotals{Subtotal: 1000, Discount: 300, Tax: 70, Total: 770}},
		"fixed, too much":             {[]billing.BillItem{{SubscriptionItem: item(200, 1, "0.1", "")}}, fixed(300), billing.LineTotals{Subtotal: 200, Discount: 200}},
		"tax per document":            {[]billing.BillItem{{SubscriptionItem: item(5, 1, "0.1", "")}, {SubscriptionItem: item(5, 1, "0.1", "")}, {SubscriptionItem: item(5, 1, "0.1", "")}}, nil, billing.LineTotals{Subtotal: 15, Tax: 2, Total: 17}},
		"half of a period":            {[]billing.BillItem{{SubscriptionItem: item(1001, 1, "0", ""), Share: half}}, nil, billing.LineTotals{Subtotal: 501, Total: 501}},
		"given back":                  {[]billing.BillItem{{SubscriptionItem: item(1001, 1, "0.19", ""), Share: new(big.Rat).Neg(half)}}, nil, billing.LineTotals{Subtotal: -501, Tax: -95, Total: -596}},
		"no fixed discount on a part": {[]billing.BillItem{{SubscriptionItem: item(1000, 1, "0", ""), Share: half}}, fixed(300), billing.LineTotals{Subtotal: 500, Total: 500}},
		"a fine rate":                 {[]billing.BillItem{{SubscriptionItem: item(10000, 1, "0.08875", "")}}, nil, billing.LineTotals{Subtotal: 10000, Tax: 888, Total: 10888}},
	} {
		bill, err := billing.PriceBill(row.items, row.discount, lines())
		require.NoError(t, err, name)
		require.NoError(t, bill.Check(), name)
		got := billing.LineTotals{Subtotal: bill.Totals.Subtotal, Discount: bill.Totals.Discount, Tax: bill.Totals.Tax, Total: bill.Totals.Total}
		assert.Equal(t, row.want, got, name)
	}
}

func TestWhatCannotBeChargedIsRefused(t *testing.T) {
	t.Parallel()
	for _, i := range []billing.SubscriptionItem{
		item(1<<62, 2, "0", ""), item(-(1 << 62), 4, "0", ""), item(billing.MaxAmount, 2, "0", ""), item(billing.MaxAmount+1, 1, "0", ""),
	} {
		_, err := billing.PriceBill([]billing.BillItem{{SubscriptionItem: i}}, nil, lines())
		require.ErrorIs(t, err, foyer.Invalid)
	}
	whole := billing.BillItem{SubscriptionItem: item(billing.MaxAmount, 1, "0", "")}
	_, err := billing.PriceBill([]billing.BillItem{whole, whole}, nil, lines())
	require.ErrorIs(t, err, foyer.Invalid, "a sum of what is allowed one by one")
}

// Lines add up to rates and totals, whatever is billed; tax is within half a minor unit of what the rate says per rate.
func TestTotalsAlwaysAddUpFromLines(t *testing.T) {
	t.Parallel()
	rates := []foyer.Rate{"0", "0.07", "0.19", "0.2", "0.055", "0.08875", "0.21", "1"}
	for seed := range uint64(20000) {
		r := rand.New(rand.NewPCG(seed, 7))
		items := make([]billing.BillItem, 1+r.IntN(6))
		for i := range items {
			behavior := billing.TaxExclusive
			if r.IntN(2) == 0 {
				behavior = billing.TaxInclusive
			}
			items[i].SubscriptionItem = item(r.Int64N(1_000_000), 1+r.Int64N(50), rates[r.IntN(len(rates))], behavior)
			if r.IntN(3) == 0 {
				items[i].Share = big.NewRat(r.Int64N(2_000_001)-1_000_000, 1_000_000)
			}
		}
		var discount *billing.SubscriptionDiscount
		switch r.IntN(3) {
		case 0:
			discount = percent(foyer.Rate(fmt.Sprintf("%d.%d", r.IntN(100), r.IntN(100))))
		case 1:
			discount = fixed(r.Int64N(5_000_000))
		}
		bill, err := billing.PriceBill(items, discount, lines())
		require.NoError(t, err, "seed %d", seed)
		before := bill.Totals
		used := bill.UseCredit(r.Int64N(1_000_000))
		require.NoError(t, bill.Check(), "seed %d", seed)
		require.Equal(t, max(before.Total, 0), bill.Totals.GrandTotal+used, "seed %d", seed)
		for i, l := range bill.Lines {
			if items[i].Share == nil {
				require.GreaterOrEqual(t, l.Totals.Total, int64(0), "seed %d: a discount is never more than its line", seed)
			}
		}
		for _, rate := range bill.TaxRates {
			part, _ := rate.Rate.Rat()
			exact := new(big.Rat).Mul(part, new(big.Rat).SetInt64(rate.Totals.Subtotal-rate.Totals.Discount))
			off := new(big.Rat).Sub(exact, new(big.Rat).SetInt64(rate.Totals.Tax))
			// Exclusive and inclusive prices of one rate are rounded once each; an inclusive one by up to (1 + rate) / 2.
			require.LessOrEqual(t, off.Abs(off).Cmp(big.NewRat(2, 1)), 0, "seed %d: tax at %s is %s off", seed, rate.Rate, off.FloatString(3))
		}
	}
}

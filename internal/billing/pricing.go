package billing

import (
	"errors"
	"math/big"
	"sort"

	"foyer/internal/foyer"
)

// The most one payment may come to and the most of one thing somebody may buy. Far from what 64 bits hold, so that sums of a
// merchant's year still fit.
const (
	MaxAmount   = 999_999_999_999
	MaxQuantity = 1_000_000
	MaxItems    = 100
)

// errAmountTooLarge says that quantity times price, or a sum, is more than can be charged at once.
func errAmountTooLarge() error { return foyer.Refuse(foyer.Invalid, "payment.too_large") }

// BillItem is one line to be priced. Share is the part of its period that is billed; nil is all of it. A negative share
// gives back what was billed before.
type BillItem struct {
	SubscriptionItem
	Share  *big.Rat
	Period foyer.Period
}

// Bill is what is to be paid: priced lines and their sums.
type Bill struct {
	Lines    []Line
	TaxRates []TaxRateTotals
	Totals   Totals
}

// PriceBill prices items into lines that add up. ids names the lines.
//
// A line's amount is unit price × quantity × share, rounded half away from zero to the minor unit. A percent discount lowers
// every line, rounded the same way; a fixed one is spread over the lines in proportion and never exceeds them; prorated lines
// have no fixed discount, because it was given with the whole period. Tax is reckoned once per rate on the sum of its lines,
// as EN 16931 has it (BR-CO-17: taxable amount × rate, rounded to two decimals; here the currency's own), and spread over the
// lines by the largest remainder, so that the lines add up to it. A price that includes its tax is divided: tax = amount ×
// rate / (1 + rate).
//
// Refusal: Invalid (payment.too_large).
func PriceBill(items []BillItem, discount *SubscriptionDiscount, ids foyer.IDs) (Bill, error) {
	amounts, err := lineAmounts(items)
	if err != nil {
		return Bill{}, err
	}
	discounts := lineDiscounts(items, amounts, discount)
	bill := Bill{Lines: make([]Line, len(items))}
	for i, item := range items {
		bill.Lines[i] = Line{
			ID: LineID(ids(foyer.PrefixPaymentLine)), PriceID: string(item.PriceID), ProductID: string(item.ProductID), Name: item.ProductName,
			Description: item.Description, Quantity: item.Quantity, UnitPrice: item.UnitPrice, TaxRate: rateOr0(item.TaxRate),
		}
		if item.Share != nil {
			bill.Lines[i].Proration = &Proration{Rate: foyer.Rate(trimZeros(item.Share.FloatString(6))), Period: item.Period}
		}
	}
	bill.addTax(items, amounts, discounts)
	return bill, nil
}

func lineAmounts(items []BillItem) ([]int64, error) {
	amounts := make([]int64, len(items))
	var sum int64
	for i, item := range items {
		whole, err := foyer.Money{Amount: item.UnitPrice}.Times(item.Quantity)
		if err != nil || whole.Amount > MaxAmount || whole.Amount < -MaxAmount {
			return nil, errAmountTooLarge()
		}
		amounts[i] = whole.Amount
		if item.Share != nil {
			amounts[i] = round(new(big.Rat).Mul(item.Share, new(big.Rat).SetInt64(whole.Amount)))
		}
		sum += amounts[i]
		if sum > MaxAmount || sum < -MaxAmount {
			return nil, errAmountTooLarge()
		}
	}
	return amounts, nil
}

// lineDiscounts is what each line is lowered by, in the terms of its price: tax included where the price includes it.
func lineDiscounts(items []BillItem, amounts []int64, d *SubscriptionDiscount) []int64 {
	out := make([]int64, len(items))
	switch {
	case d == nil:
	case d.Type == DiscountPercent:
		percent, ok := d.Percent.Rat()
		if !ok {
			return out
		}
		percent.Quo(percent, big.NewRat(100, 1))
		for i, amount := range amounts {
			out[i] = round(new(big.Rat).Mul(percent, new(big.Rat).SetInt64(amount)))
		}
	case d.Amount != nil:
		var whole int64
		shares := make([]*big.Rat, len(items))
		for i := range items {
			shares[i] = new(big.Rat)
			if items[i].Share == nil && amounts[i] > 0 {
				whole += amounts[i]
				shares[i].SetInt64(amounts[i])
			}
		}
		if whole == 0 {
			return out
		}
		off := big.NewRat(min(*d.Amount, whole), whole)
		for i := range shares {
			shares[i].Mul(shares[i], off)
		}
		copy(out, spread(min(*d.Amount, whole), shares))
	}
	return out
}

// addTax reckons tax per rate and behavior and fills in lines, rates and totals.
func (b *Bill) addTax(items []BillItem, amounts, discounts []int64) {
	type group struct {
		rate      foyer.Rate
		inclusive bool
	}
	members := map[group][]int{}
	var order []group
	for i, item := range items {
		g := group{b.Lines[i].TaxRate, TaxBehavior(item.TaxBehavior) == TaxInclusive}
		if members[g] == nil {
			order = append(order, g)
		}
		members[g] = append(members[g], i)
	}
	byRate := map[foyer.Rate]int{}
	for _, g := range order {
		rate, ok := g.rate.Rat()
		if !ok {
			rate = new(big.Rat)
		}
		part := rate // of the amount before tax
		if g.inclusive {
			part = new(big.Rat).Quo(rate, new(big.Rat).Add(rate, big.NewRat(1, 1)))
		}
		shares, sum := make([]*big.Rat, len(members[g])), new(big.Rat)
		for n, i := range members[g] {
			shares[n] = new(big.Rat).Mul(part, new(big.Rat).SetInt64(amounts[i]-discounts[i]))
			sum.Add(sum, shares[n])
		}
		taxes := spread(round(sum), shares)
		if _, known := byRate[g.rate]; !known {
			byRate[g.rate] = len(b.TaxRates)
			b.TaxRates = append(b.TaxRates, TaxRateTotals{Rate: g.rate})
		}
		total := &b.TaxRates[byRate[g.rate]].Totals
		for n, i := range members[g] {
			t := LineTotals{Subtotal: amounts[i], Discount: discounts[i], Tax: taxes[n]}
			if g.inclusive {
				// Shown before tax: what the discount and the line come to without it.
				t.Discount = discounts[i] - round(new(big.Rat).Mul(part, new(big.Rat).SetInt64(discounts[i])))
				t.Subtotal = amounts[i] - discounts[i] - taxes[n] + t.Discount
			}
			t.Total = t.Subtotal - t.Discount + t.Tax
			b.Lines[i].Totals = t
			total.add(t)
			b.Totals.Subtotal += t.Subtotal
			b.Totals.Discount += t.Discount
			b.Totals.Tax += t.Tax
			b.Totals.Total += t.Total
		}
	}
	sort.SliceStable(b.TaxRates, func(i, j int) bool {
		x, _ := b.TaxRates[i].Rate.Rat()
		y, _ := b.TaxRates[j].Rate.Rat()
		return x != nil && y != nil && x.Cmp(y) > 0
	})
	b.Totals.settle()
}

func (t *LineTotals) add(o LineTotals) {
	t.Subtotal += o.Subtotal
	t.Discount += o.Discount
	t.Tax += o.Tax
	t.Total += o.Total
}

// settle reckons what is left to pay. What is below zero becomes credit of the customer.
func (t *Totals) settle() {
	t.GrandTotal = max(t.Total-t.Credit, 0)
	t.CreditToBalance = max(-t.Total, 0)
	t.Balance = t.GrandTotal
}

// UseCredit pays a bill from the customer's credit as far as it goes and returns how much was used.
func (b *Bill) UseCredit(available int64) int64 {
	used := max(min(available, b.Totals.Total), 0)
	b.Totals.Credit = used
	b.Totals.settle()
	return used
}

// spread divides whole over shares whose exact sum rounds to it, by the largest remainder: every part is its share rounded
// down or up, and they add up.
func spread(whole int64, shares []*big.Rat) []int64 {
	type rest struct {
		index int
		part  *big.Rat
	}
	out := make([]int64, len(shares))
	rests := make([]rest, len(shares))
	left := whole
	for i, share := range shares {
		floor := new(big.Int).Div(share.Num(), share.Denom()) // Euclidean: rounds down for a positive denominator
		out[i] = floor.Int64()
		left -= out[i]
		rests[i] = rest{i, new(big.Rat).Sub(share, new(big.Rat).SetInt(floor))}
	}
	sort.SliceStable(rests, func(i, j int) bool { return rests[i].part.Cmp(rests[j].part) > 0 })
	for i := 0; left > 0 && i < len(rests); i++ {
		out[rests[i].index]++
		left--
	}
	return out
}

// round rounds half away from zero, as merchants do.
func round(r *big.Rat) int64 {
	doubled := new(big.Int).Mul(new(big.Int).Abs(r.Num()), big.NewInt(2))
	doubled.Add(doubled, r.Denom())
	quotient := new(big.Int).Quo(doubled, new(big.Int).Mul(r.Denom(), big.NewInt(2)))
	if r.Sign() < 0 {
		return -quotient.Int64()
	}
	return quotient.Int64()
}

func rateOr0(r foyer.Rate) foyer.Rate {
	if r == "" {
		return "0"
	}
	return r
}

func trimZeros(s string) string {
	for len(s) > 1 && s[len(s)-1] == '0' {
		s = s[:len(s)-1]
	}
	if s[len(s)-1] == '.' {
		s = s[:len(s)-1]
	}
	return s
}

// ErrNotAdding says that parts do not add up to their whole: a mistake of ours, never a client's.
var ErrNotAdding = errors.New("billing: lines do not add up")

// Check returns ErrNotAdding when lines, rates and totals disagree. The engine asks before it commits a bill.
func (b Bill) Check() error {
	var lines, rates LineTotals
	for _, l := range b.Lines {
		if l.Totals.Total != l.Totals.Subtotal-l.Totals.Discount+l.Totals.Tax {
			return ErrNotAdding
		}
		lines.add(l.Totals)
	}
	for _, r := range b.TaxRates {
		rates.add(r.Totals)
	}
	whole := LineTotals{b.Totals.Subtotal, b.Totals.Discount, b.Totals.Tax, b.Totals.Total}
	if lines != whole || rates != whole || b.Totals.GrandTotal != max(b.Totals.Total-b.Totals.Credit, 0) {
		return ErrNotAdding
	}
	return nil
}

package billing

import (
	"math/big"
	"slices"
	"strconv"
	"time"

	"foyer/internal/foyer"
)

// RefundInput says what goes back: an amount, or lines with an amount each (0 is all of the line); neither is everything
// that is left. Amounts include tax, in minor units.
type RefundInput struct {
	Amount int64
	Lines  []RefundLine
	Reason string
}

// PendingRefund is a refund on its way: committed before the gateway is asked, and its id is the key there.
type PendingRefund struct {
	Refund
	Payment  PaymentID
	Scope    foyer.Scope
	Currency foyer.Currency
	// Charge is the key of the charge the money came with.
	Charge string
	// LeasedUntil is set while nobody knows the outcome. Real time.
	LeasedUntil *time.Time
	// Command is the call that made it, empty when none did or the call had no key.
	Command string
}

// Refund reckons a refund: what goes back of each line, with its tax, and what of it gets a credit note. ID and times are the caller's to
// set. What came back of earlier refunds is paid first: its credit note stands, and another for the same money would take back more than
// there is to give.
//
// Refusals: Conflict (refund.not_refundable) for a payment that no money came in with here, Conflict (refund.disputed) while the
// customer's bank decides about it, Invalid (refund.too_large) for more than is left of it or of a line.
func (p Payment) Refund(in RefundInput) (Refund, error) {
	if p.contested() {
		return Refund{}, foyer.Refuse(foyer.Conflict, "refund.disputed") // given back too, it would be the customer's twice
	}
	left := p.Totals.GrandTotal - p.Totals.Refunded
	if p.Status != PaymentCompleted || left <= 0 || p.Provider() == "" {
		return Refund{}, foyer.Refuse(foyer.Conflict, "refund.not_refundable")
	}
	left -= p.refundsOnTheWay()
	rest := p.linesLeft()
	var lines []RefundLine
	var sum int64
	if len(in.Lines) > 0 {
		for i, l := range in.Lines {
			available, known := rest[l.LineID]
			if !known {
				return Refund{}, foyer.InvalidFields(foyer.FieldError{Pointer: "/lines/" + strconv.Itoa(i) + "/line_id", Code: "input.unknown_reference"})
			}
			if l.Amount == 0 {
				l.Amount = available
			}
			if l.Amount <= 0 || l.Amount > available {
				return Refund{}, foyer.Refuse(foyer.Invalid, "refund.too_large")
			}
			rest[l.LineID] -= l.Amount
			lines = append(lines, l)
			sum += l.Amount
		}
	} else {
		sum = in.Amount
		if sum == 0 {
			sum = left
		}
		if sum > 0 && sum <= left {
			lines = p.spreadFirst(sum, p.standing(), rest)
		}
	}
	if sum <= 0 || sum > left {
		return Refund{}, foyer.Refuse(foyer.Invalid, "refund.too_large")
	}
	return p.giveBack(ActionRefund, lines, p.unstanding(lines, left)), nil
}

// giveBack is what goes back of lines, with a credit note over the amounts of noted.
func (p Payment) giveBack(action RefundAction, lines, noted []RefundLine) Refund {
	r := Refund{Action: action, Lines: p.afterTax(lines), Noted: p.afterTax(noted)}
	credited := p.Credited(r.Lines).Totals
	r.Total, r.Tax = credited.Total, credited.Tax
	return r
}

// unstanding is what of lines that are refunded no earlier credit note stands for; left is what of the payment's money can be refunded.
// Where a merchant refunds another line than the one whose refund came back, it gets a note as long as there is money for both.
func (p Payment) unstanding(lines []RefundLine, left int64) []RefundLine {
	standing, owed := p.standing(), p.Owed()
	var sum, stands int64
	first := map[string]int64{}
	for _, l := range lines {
		part := max(0, min(l.Amount, standing[l.LineID]))
		standing[l.LineID] -= part
		first[l.LineID] += l.Amount - part
		sum, stands = sum+l.Amount, stands+part
	}
	stands = min(max(stands, sum-(left-owed)), owed, sum)
	return p.spreadFirst(sum-stands, first, p.unnoted())
}

// noted is what credit notes take back of each line, given what went back of it, or is on its way, under one: of money and of credit.
func (p Payment) noted() (noted, given map[string]int64) {
	noted, given = map[string]int64{}, map[string]int64{}
	for _, r := range p.Refunds {
		if r.Action == ActionChargeback || r.Status == RefundRejected {
			continue
		}
		for _, l := range r.Noted {
			noted[l.LineID] += l.Amount
		}
		for _, l := range r.Lines {
			if r.Status != RefundReversed {
				given[l.LineID] += l.Amount
			}
		}
	}
	return noted, given
}

// standing is how much of each line has a credit note whose money came back to the merchant and was not given back again. It is below zero
// where what went back of a line has its note on another one.
func (p Payment) standing() map[string]int64 {
	standing, given := p.noted()
	for id, sum := range given {
		standing[id] -= sum
	}
	return standing
}

// unnoted is what of each line has no credit note yet.
func (p Payment) unnoted() map[string]int64 {
	noted, _ := p.noted()
	rest := map[string]int64{}
	for _, l := range p.Lines {
		rest[string(l.ID)] = l.Totals.Total - noted[string(l.ID)]
	}
	return rest
}

// Owed is what the customer has a credit note for and not the money: of refunds that came back, as far as they were not made again and no
// bank took it. In minor units.
func (p Payment) Owed() int64 {
	var sum int64
	for _, standing := range p.standing() {
		sum += standing
	}
	return max(0, min(sum, p.Totals.GrandTotal-p.Totals.Refunded-p.refundsOnTheWay()))
}

// RefundTax reckons what gives back the whole tax of a payment and nothing else, line by line.
//
// Refusals: Conflict (invoice.tax_not_refundable) for tax that is negative, or more than the money that came in and is still here:
// credit paid the rest, or a refund took it, or the customer's bank decides about it.
func (p Payment) RefundTax() (Refund, error) {
	sum := p.Totals.Tax
	if p.Status != PaymentCompleted || p.Provider() == "" || p.contested() || sum <= 0 || sum > p.Totals.GrandTotal-p.Totals.Refunded {
		return Refund{}, foyer.Refuse(foyer.Conflict, "invoice.tax_not_refundable")
	}
	var lines []RefundLine
	for _, l := range p.Lines {
		if tax := l.Totals.Tax; tax != 0 {
			lines = append(lines, RefundLine{LineID: string(l.ID), Amount: tax, Tax: &tax})
		}
	}
	return Refund{Action: ActionRefund, Total: sum, Tax: sum, Lines: lines, Noted: lines}, nil
}

// afterTax says of lines whose tax went back by itself that what goes back now has none in it.
func (p Payment) afterTax(lines []RefundLine) []RefundLine {
	gone := map[string]bool{}
	for _, r := range p.Refunds {
		for _, l := range r.Lines {
			if l.Tax != nil && *l.Tax == l.Amount && l.Amount != 0 && r.Status != RefundRejected {
				gone[l.LineID] = true
			}
		}
	}
	var none int64
	for i := range lines {
		if gone[lines[i].LineID] {
			lines[i].Tax = &none
		}
	}
	return lines
}

// spreadFirst divides an amount over the lines by what is left of each: as far as it goes over first, and only the remainder beside it.
func (p Payment) spreadFirst(amount int64, first, rest map[string]int64) []RefundLine {
	var whole int64
	within := map[string]int64{}
	for id, sum := range first {
		within[id] = max(0, min(sum, rest[id]))
		whole += within[id]
	}
	whole = min(whole, amount)
	lines := p.spreadRefund(whole, within)
	for _, l := range lines {
		rest[l.LineID] -= l.Amount
	}
	for _, l := range p.spreadRefund(amount-whole, rest) {
		if at := slices.IndexFunc(lines, func(o RefundLine) bool { return o.LineID == l.LineID }); at >= 0 {
			lines[at].Amount += l.Amount
		} else {
			lines = append(lines, l)
		}
	}
	return lines
}

// spreadRefund divides an amount over the lines by what is left of each.
func (p Payment) spreadRefund(amount int64, rest map[string]int64) []RefundLine {
	var whole int64
	for _, l := range p.Lines {
		whole += max(rest[string(l.ID)], 0)
	}
	if whole == 0 {
		return nil
	}
	shares := make([]*big.Rat, len(p.Lines))
	for i, l := range p.Lines {
		shares[i] = new(big.Rat).Mul(big.NewRat(max(rest[string(l.ID)], 0), whole), new(big.Rat).SetInt64(amount))
	}
	var lines []RefundLine
	for i, part := range spread(amount, shares) {
		if part > 0 {
			lines = append(lines, RefundLine{LineID: string(p.Lines[i].ID), Amount: part})
		}
	}
	return lines
}

// Credited returns the part of the bill that goes back, as lines and sums of a credit note: each line's tax in the proportion
// it was charged in, unless it is said.
func (p Payment) Credited(refunded []RefundLine) Bill {
	var bill Bill
	rates := map[foyer.Rate]int{}
	for _, r := range refunded {
		for _, l := range p.Lines {
			if string(l.ID) != r.LineID {
				continue
			}
			tax := int64(0)
			if r.Tax != nil {
				tax = *r.Tax
			} else if l.Totals.Total != 0 {
				tax = round(new(big.Rat).Mul(big.NewRat(l.Totals.Tax, l.Totals.Total), new(big.Rat).SetInt64(r.Amount)))
			}
			l.Totals = LineTotals{Subtotal: r.Amount - tax, Tax: tax, Total: r.Amount}
			bill.Lines = append(bill.Lines, l)
			if _, known := rates[l.TaxRate]; !known {
				rates[l.TaxRate] = len(bill.TaxRates)
				bill.TaxRates = append(bill.TaxRates, TaxRateTotals{Rate: l.TaxRate})
			}
			bill.TaxRates[rates[l.TaxRate]].Totals.add(l.Totals)
			bill.Totals.Subtotal += l.Totals.Subtotal
			bill.Totals.Tax += tax
			bill.Totals.Total += r.Amount
		}
	}
	bill.Totals.settle()
	bill.Totals.Balance = 0
	return bill
}

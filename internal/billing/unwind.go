package billing

import (
	"context"
	"slices"

	"foyer/internal/foyer"
)

// Unwinder is a provider that can take back what was billed for a contract that is undone, apart from the money itself, which is
// Seller.Refund's. Its commands move no money and join a transaction that is open.
type Unwinder interface {
	// VoidBills gives up bills that are not paid, those to be paid by invoice too; what is paid or on its way is left alone.
	VoidBills(ctx context.Context, by foyer.Actor, ids ...PaymentID) error
	// ReturnCredit puts a part of the credit that paid a payment back to the customer's credit, and issues the credit note.
	// Refusals: NotFound, Invalid (refund.too_large).
	ReturnCredit(ctx context.Context, by foyer.Actor, id PaymentID, amount int64, reason string) error
	// TakeBackCredit takes what a change of plan gave as credit, as far as it is still there, and returns how much that was.
	TakeBackCredit(ctx context.Context, by foyer.Actor, amount foyer.Money) (int64, error)
}

// Returnable is what of a payment was not given back yet, in minor units: money a refund can return, and credit. Refunds on their
// way count as given; what a bank has of it and has not decided about does not: the merchant may get it again, and owes it then. Nothing
// of a payment another system collected.
func (p Payment) Returnable() (money, credit int64) {
	if p.Status != PaymentCompleted || p.Provider() == "" {
		return 0, 0
	}
	money, credit = p.Totals.GrandTotal-p.Totals.Refunded, p.Totals.Credit
	for _, r := range p.Refunds {
		switch {
		case r.Action == ActionCredit && r.Status == RefundApproved:
			credit -= r.Total
		case r.Action == ActionRefund && r.Status == RefundPending:
			money -= r.Total // Totals.Refunded counts approved ones
		case r.Action == ActionChargeback && r.Status == RefundApproved && p.undecided(r):
			money += r.Total
		}
	}
	return max(money, 0), max(credit, 0)
}

// ReturnCredit reckons what of each line goes back to the customer's credit, and what of it gets a credit note: all of it, as long as the
// invoice is not noted to its end by refunds that came back.
//
// Refusal: Invalid (refund.too_large) for more than is left of the credit it was paid with.
func (p Payment) ReturnCredit(amount int64) (Refund, error) {
	if _, credit := p.Returnable(); amount <= 0 || amount > credit {
		return Refund{}, foyer.Refuse(foyer.Invalid, "refund.too_large")
	}
	lines := p.spreadFirst(amount, p.unnoted(), p.linesLeft())
	first, unnoted := map[string]int64{}, p.unnoted()
	for _, l := range lines {
		first[l.LineID] = l.Amount
	}
	var left int64
	for _, sum := range unnoted {
		left += max(0, sum)
	}
	return p.giveBack(ActionCredit, lines, p.spreadFirst(min(amount, left), first, unnoted)), nil
}

// linesLeft is what of each line was not given back yet.
func (p Payment) linesLeft() map[string]int64 {
	rest := map[string]int64{}
	for _, l := range p.Lines {
		rest[string(l.ID)] = l.Totals.Total
	}
	for _, r := range p.Refunds {
		if r.Status == RefundApproved || r.Status == RefundPending {
			for _, l := range r.Lines {
				rest[l.LineID] -= l.Amount
			}
		}
	}
	return rest
}

// VoidBills gives up what a subscription was billed and nobody has paid; see Unwinder. The bill whose charge is under way is left
// alone: nobody knows yet whether it is paid.
func (s *Service) VoidBills(ctx context.Context, by foyer.Actor, sub Subscription) error {
	u, err := s.unwinder()
	if err != nil {
		return err
	}
	unpaid, err := s.store.Payments(ctx, by.Scope, PaymentFilter{
		Statuses: []PaymentStatus{PaymentBilled, PaymentPastDue}, Subscription: sub.ID,
	}, foyer.PageRequest{Limit: unpaidAtOnce})
	if err != nil {
		return err
	}
	unpaid = slices.DeleteFunc(unpaid, func(p Payment) bool { return p.Provider() == "" || p.ID == sub.OpenPayment })
	ids := make([]PaymentID, len(unpaid))
	for i, p := range unpaid {
		ids[i] = p.ID
	}
	if len(ids) == 0 {
		return nil
	}
	return u.VoidBills(ctx, by, ids...)
}

// unpaidAtOnce is more unpaid bills than a subscription can have: it is not billed again while it owes.
const unpaidAtOnce = 100

// ReturnCredit gives back credit a payment was paid with; see Unwinder.
func (s *Service) ReturnCredit(ctx context.Context, by foyer.Actor, id PaymentID, amount int64, reason string) error {
	u, err := s.unwinder()
	if err != nil {
		return err
	}
	return u.ReturnCredit(ctx, by, id, amount, reason)
}

// TakeBackCredit takes credit back that stood for money which is refunded; see Unwinder.
func (s *Service) TakeBackCredit(ctx context.Context, by foyer.Actor, amount foyer.Money) (int64, error) {
	u, err := s.unwinder()
	if err != nil {
		return 0, err
	}
	return u.TakeBackCredit(ctx, by, amount)
}

// CreditOf returns what the customer has to their credit in a currency, in its minor units.
func (s *Service) CreditOf(ctx context.Context, scope foyer.Scope, currency foyer.Currency) (int64, error) {
	credits, err := s.store.Credits(ctx, scope.Merchant, []foyer.CustomerID{scope.Customer})
	for _, c := range credits {
		if c.Currency == currency {
			return c.Amount, err
		}
	}
	return 0, err
}

func (s *Service) unwinder() (Unwinder, error) {
	if u, can := s.providers[ProviderNative].(Unwinder); can {
		return u, nil
	}
	return nil, foyer.Refuse(foyer.Conflict, "subscription.kept_elsewhere")
}

package retention

import (
	"context"
	"errors"
	"slices"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// PlanReturns says what is given back of payments, oldest first, when the contract is undone at a moment. owed is credit the
// customer has been given instead of money and has used elsewhere: that much isn't given a second time, of the newest payments
// first.
func PlanReturns(payments []billing.Payment, policy RefundPolicy, at time.Time, owed int64) []Return {
	var out []Return
	for _, p := range payments {
		r := Return{Payment: p.ID, State: ReturnPlanned}
		r.Money, r.Credit = p.Returnable()
		if policy == RefundProRata && p.BillingPeriod != nil {
			r.Money, r.Credit = ProRataRefund(r.Money, *p.BillingPeriod, at), ProRataRefund(r.Credit, *p.BillingPeriod, at)
		}
		out = append(out, r)
	}
	for i := len(out) - 1; i >= 0 && owed > 0; i-- {
		less := min(owed, out[i].Money)
		out[i].Money -= less
		owed -= less
	}
	return slices.DeleteFunc(out, func(r Return) bool { return r.Money == 0 && r.Credit == 0 })
}

// paidFor are the payments of a subscription that were collected, oldest first, and what they put on the customer's credit.
func (s *Service) paidFor(ctx context.Context, scope foyer.Scope, id billing.SubscriptionID) (payments []billing.Payment, given int64, err error) {
	filter := billing.PaymentFilter{Statuses: []billing.PaymentStatus{billing.PaymentCompleted}, Subscription: id}
	page := foyer.PageRequest{Limit: 100}
	for {
		found, err := s.subscriptions.Payments(ctx, scope, filter, page)
		if err != nil {
			return nil, 0, err
		}
		for _, p := range found {
			if p.Provider() != "" {
				payments, given = append(payments, p), given+p.Totals.CreditToBalance
			}
		}
		if len(found) < page.Limit {
			break
		}
		last := found[len(found)-1]
		page.After = &foyer.PageKey{At: last.ListedAt(), ID: string(last.ID)}
	}
	slices.Reverse(payments)
	return payments, given, nil
}

// foresee is the withdrawal with what would be given back if it were confirmed now; a finished one is as it is.
func (s *Service) foresee(ctx context.Context, w Withdrawal, now time.Time) (Withdrawal, error) {
	if w.State != WithdrawalOpen {
		return w, nil
	}
	payments, given, err := s.paidFor(ctx, w.Scope(), w.Subscription)
	if err != nil {
		return w, err
	}
	var owed int64
	if given > 0 {
		there, err := s.subscriptions.CreditOf(ctx, w.Scope(), w.Currency)
		if err != nil {
			return w, err
		}
		owed = max(given-there, 0)
	}
	w.Returns = PlanReturns(payments, w.Policy, w.at(now), owed)
	return w, nil
}

// at is the moment up to which the customer has used what they paid for.
func (w Withdrawal) at(now time.Time) time.Time {
	if w.DeclaredAt != nil {
		return *w.DeclaredAt
	}
	return now
}

// undo takes back, in the transaction in which a withdrawal is declared, what needs no gateway: bills nobody has paid, and credit. It
// returns what is given back of the payments.
func (s *Service) undo(ctx context.Context, by foyer.Actor, w Withdrawal, sub billing.Subscription, now time.Time) ([]Return, error) {
	if err := s.subscriptions.VoidBills(ctx, by, sub); err != nil {
		return nil, err
	}
	payments, given, err := s.paidFor(ctx, w.Scope(), w.Subscription)
	if err != nil {
		return nil, err
	}
	if given > 0 {
		taken, err := s.subscriptions.TakeBackCredit(ctx, by, foyer.Money{Amount: given, Currency: w.Currency})
		if err != nil {
			return nil, err
		}
		given -= taken
	}
	returns := PlanReturns(payments, w.Policy, w.at(now), given)
	return returns, s.returnCredit(ctx, by, w, returns)
}

// undoCharge is undo for the one payment whose charge was under way then.
func (s *Service) undoCharge(ctx context.Context, by foyer.Actor, w Withdrawal, sub billing.Subscription, now time.Time) ([]Return, error) {
	if err := s.subscriptions.VoidBills(ctx, by, sub); err != nil {
		return nil, err
	}
	p, err := s.subscriptions.Payment(ctx, w.Scope(), w.Charge)
	if errors.Is(err, foyer.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	returns := PlanReturns([]billing.Payment{p}, w.Policy, w.at(now), 0)
	return returns, s.returnCredit(ctx, by, w, returns)
}

func (s *Service) returnCredit(ctx context.Context, by foyer.Actor, w Withdrawal, returns []Return) error {
	for _, r := range returns {
		if r.Credit == 0 {
			continue
		}
		if err := s.subscriptions.ReturnCredit(ctx, by, r.Payment, r.Credit, string(w.ID)); err != nil {
			return err
		}
	}
	return nil
}

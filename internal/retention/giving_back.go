package retention

import (
	"context"
	"errors"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// quick is how long a call that declares a withdrawal goes on giving back: longer than a gateway takes, shorter than a call may. What is
// left is RunDue's.
const quick = 5 * time.Second

// giveBackNow gives back within the call, as far as that is quick, and returns how things stand then.
func (s *Service) giveBackNow(ctx context.Context, by foyer.Actor, w Withdrawal, r Reader, reads ...seen) (WithdrawalView, error) {
	// From here on money moves: what was declared must be there whatever happens.
	if err := s.store.Proceed(ctx); err != nil {
		return WithdrawalView{}, err
	}
	outcomes := map[billing.PaymentID]RefundOutcome{}
	if w.Charge == "" {
		bounded, cancel := context.WithTimeout(ctx, quick)
		outcomes = s.giveBack(bounded, by, w)
		cancel()
	}
	return s.withdrawal(ctx, w.Scope(), r, func(ctx context.Context, now time.Time) (Withdrawal, billing.Subscription, error) {
		after, err := s.returned(ctx, w.Scope(), w.ID, outcomes, now)
		if err != nil {
			return after, billing.Subscription{}, err
		}
		sub, err := s.subscriptions.Subscription(ctx, w.Scope(), w.Subscription)
		return after, sub, err
	}, reads...)
}

// giveBack asks for every refund that is still to be made. It must be called outside of a transaction: each refund is committed before
// the gateway is asked.
func (s *Service) giveBack(ctx context.Context, by foyer.Actor, w Withdrawal) map[billing.PaymentID]RefundOutcome {
	out := map[billing.PaymentID]RefundOutcome{}
	for _, r := range w.Returns {
		if r.State == ReturnPending && ctx.Err() == nil {
			out[r.Payment] = s.refund(ctx, by, w, r)
		}
	}
	return out
}

// refund gives one payment back. The command makes it one refund, whoever asks how often; an outcome without a state is not known yet.
// So is that of a payment the customer's bank decides about (refund.disputed): they have the money meanwhile, and it is tried again.
func (s *Service) refund(ctx context.Context, by foyer.Actor, w Withdrawal, r Return) RefundOutcome {
	ctx = foyer.WithCommand(ctx, w.RefundCommand(r))
	in := billing.RefundInput{Amount: r.Money, Reason: string(w.ID)}
	_, made, err := s.subscriptions.Refund(ctx, by, r.Payment, in)
	if less := refusedBeforehand(err); less {
		// The merchant has given some of it back since it was declared: the rest is what is left.
		p, readErr := s.subscriptions.Payment(ctx, w.Scope(), r.Payment)
		if readErr != nil {
			return RefundOutcome{}
		}
		switch left, _ := p.Returnable(); {
		case left == 0:
			return RefundOutcome{State: ReturnRefunded}
		case left < r.Money:
			in.Amount = left
			_, made, err = s.subscriptions.Refund(ctx, by, r.Payment, in)
		}
	}
	refusal, refused := foyer.AsError(err)
	switch {
	case err == nil:
		return RefundOutcome{State: ReturnRefunded, Money: made.Total}
	case refused && errors.Is(refusal, foyer.Declined):
		code, _ := refusal.Extra["error_code"].(string)
		return RefundOutcome{State: ReturnRefused, Reason: billing.ErrorCode(code)}
	case refusedBeforehand(err):
		return RefundOutcome{State: ReturnRefused, Reason: billing.ErrorUnknown} // no charge of ours to give back
	}
	return RefundOutcome{}
}

// refusedBeforehand tells whether a refund was refused before the gateway was asked.
func refusedBeforehand(err error) bool {
	refusal, refused := foyer.AsError(err)
	return refused && (refusal.Code == "refund.too_large" || refusal.Code == "refund.not_refundable")
}

// returned writes down, in the open transaction, what became of refunds. The withdrawal is read anew: another worker may have written
// the same.
func (s *Service) returned(ctx context.Context, scope foyer.Scope, id WithdrawalID, outcomes map[billing.PaymentID]RefundOutcome, now time.Time) (Withdrawal, error) {
	before, err := s.store.Withdrawal(ctx, scope, id)
	if err != nil || before.State != WithdrawalConfirmed || before.Charge != "" {
		return before, err
	}
	after := before.Returned(outcomes, now)
	return after, s.writeWithdrawal(ctx, before, after, now)
}

// runWithdrawals takes a batch of due withdrawals further; more tells whether there was anything.
func (s *Service) runWithdrawals(ctx context.Context, merchant foyer.MerchantID) (more bool, err error) {
	now, err := s.clock(ctx, merchant)
	if err != nil {
		return false, err
	}
	due, err := s.store.DueWithdrawals(ctx, merchant, now, now.Add(withdrawalLease), dueBatch)
	if err != nil {
		return false, err
	}
	var failed []error // one keeps no other from being looked after; it is tried again when its lease is over
	for _, w := range due {
		failed = append(failed, s.takeFurther(ctx, w))
	}
	return len(due) > 0, errors.Join(failed...)
}

// takeFurther does what is due of one withdrawal.
func (s *Service) takeFurther(ctx context.Context, w Withdrawal) error {
	by := foyer.Actor{Kind: foyer.ActorSystem, Scope: w.Scope()}
	err := s.alone(ctx, w.Scope(), func(ctx context.Context, now time.Time) (err error) {
		w, err = s.passed(ctx, by, w.ID, now)
		return err
	})
	if err != nil || w.State != WithdrawalConfirmed || w.Charge != "" {
		return err
	}
	outcomes := s.giveBack(ctx, by, w)
	return s.alone(ctx, w.Scope(), func(ctx context.Context, now time.Time) error {
		_, err := s.returned(ctx, w.Scope(), w.ID, outcomes, now)
		return err
	})
}

// alone runs fn in a transaction, after every command of the customer's.
func (s *Service) alone(ctx context.Context, scope foyer.Scope, fn func(ctx context.Context, now time.Time) error) error {
	return s.summing(ctx, scope.Merchant, s.store.InTx, func(ctx context.Context) error {
		if err := s.store.LockCustomer(ctx, scope); err != nil {
			return err
		}
		now, err := s.clock(ctx, scope.Merchant)
		if err != nil {
			return err
		}
		return fn(ctx, now)
	})
}

// passed does what time alone brings about: a withdrawal is given up, the merchant is told again of one that waits, or the charge it
// waited for is settled.
func (s *Service) passed(ctx context.Context, by foyer.Actor, id WithdrawalID, now time.Time) (Withdrawal, error) {
	w, err := s.store.Withdrawal(ctx, by.Scope, id)
	switch {
	case err != nil:
		return w, err
	case w.Over(now):
		next, err := w.Lapsed(now)
		if err != nil {
			return w, err
		}
		return next, s.writeWithdrawal(ctx, w, next, now)
	case w.Waiting() && w.RemindAt != nil && !now.Before(*w.RemindAt):
		next := w.Reminded(now)
		if err := s.writeWithdrawal(ctx, w, next, now); err != nil {
			return w, err
		}
		return next, s.tellMerchant(ctx, next)
	case w.State != WithdrawalConfirmed || w.Charge == "":
		return w, nil
	}
	sub, err := s.subscriptions.Subscription(ctx, by.Scope, w.Subscription)
	if err != nil {
		return w, err
	}
	if sub.OpenPayment != "" {
		next := w.Polled(now)
		return next, s.writeWithdrawal(ctx, w, next, now)
	}
	if sub, err = s.end(ctx, by, sub, now); err != nil {
		return w, err
	}
	more, err := s.undoCharge(ctx, by, w, sub, now)
	if err != nil {
		return w, err
	}
	next := w.Charged(more, now)
	return next, s.writeWithdrawal(ctx, w, next, now)
}

package retention

import (
	"context"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/i18n"
)

// declareWithdrawal opens a withdrawal that somebody declared by a notice, without signing in, in the caller's open transaction; one the
// customer had only looked at becomes it. No money moves until the customer confirms it, by the link that is mailed to the address
// on file, or the merchant agrees. Meanwhile the subscription's end is scheduled, never at once: whoever knows a name and an
// address could have sent it. A merchant who assigns a notice may give back what the law does not demand any more.
//
// Refusals: Conflict: withdrawal.not_available, withdrawal.out_of_time, withdrawal.closed, subscription.kept_elsewhere.
func (s *Service) declareWithdrawal(ctx context.Context, by foyer.Actor, sub billing.Subscription, notice NoticeID, receivedAt time.Time, r Reader, now time.Time) (WithdrawalID, error) {
	if err := s.store.LockCustomer(ctx, by.Scope); err != nil {
		return "", err
	}
	before, err := s.currentWithdrawal(ctx, sub, now)
	if err != nil {
		return "", err
	}
	if before.ID == "" {
		if before, err = s.beginWithdrawal(ctx, by, sub, receivedAt, now); err != nil {
			return "", err
		}
		if err := s.writeWithdrawal(ctx, Withdrawal{}, before, now); err != nil {
			return "", err
		}
	}
	w, err := before.Noticed(notice, receivedAt, now)
	if err != nil {
		return "", err
	}
	ends, err := s.subscriptions.Cancel(ctx, by, sub.ID, billing.CancelInput{Effective: billing.AtPeriodEnd, Deferred: true, Quiet: true})
	if refusedWith(err, "subscription.canceled", "subscription.cancel_scheduled") {
		ends, err = sub, nil
	}
	if err != nil {
		return "", err
	}
	if err := s.saveWithdrawal(ctx, before, w, ends, EvidenceDeclared, by, r, now); err != nil {
		return "", err
	}
	seen, err := s.foresee(ctx, w, now)
	if err != nil {
		return "", err
	}
	money, credit := seen.Refund()
	facts := billing.MailFacts{InTime: receivedAt.Before(w.EndsAt), Credit: credit, ProRata: seen.KeepsUsed()}
	if money > 0 {
		facts.Amount = &money
	}
	if ends.ScheduledChange != nil {
		facts.EffectiveAt = &ends.ScheduledChange.EffectiveAt
	}
	return w.ID, s.mail(ctx, billing.MailWithdrawalDeclared, w, facts, now)
}

// MerchantWithdrawals returns a page of the merchant's withdrawals, newest first.
func (s *Service) MerchantWithdrawals(ctx context.Context, merchant foyer.MerchantID, filter WithdrawalFilter, page foyer.PageRequest) ([]Withdrawal, error) {
	return s.store.MerchantWithdrawals(ctx, merchant, filter, page)
}

// WithdrawalHistory is a withdrawal with its evidence, oldest first.
type WithdrawalHistory struct {
	Withdrawal
	Evidence []Evidence
}

// MerchantWithdrawal returns one of the merchant's.
func (s *Service) MerchantWithdrawal(ctx context.Context, merchant foyer.MerchantID, id WithdrawalID) (WithdrawalHistory, error) {
	w, err := s.store.MerchantWithdrawal(ctx, merchant, id)
	if err != nil {
		return WithdrawalHistory{}, err
	}
	found, err := s.withdrawalHistories(ctx, merchant, w)
	if err != nil {
		return WithdrawalHistory{}, err
	}
	return found[0], nil
}

// WithdrawalHistories returns a page of the customer's withdrawals, newest first.
func (s *Service) WithdrawalHistories(ctx context.Context, scope foyer.Scope, page foyer.PageRequest) ([]WithdrawalHistory, error) {
	found, err := s.store.AllWithdrawals(ctx, scope, page)
	if err != nil {
		return nil, err
	}
	return s.withdrawalHistories(ctx, scope.Merchant, found...)
}

func (s *Service) withdrawalHistories(ctx context.Context, merchant foyer.MerchantID, withdrawals ...Withdrawal) ([]WithdrawalHistory, error) {
	out, place := make([]WithdrawalHistory, len(withdrawals)), map[string]int{}
	subjects := make([]string, len(withdrawals))
	for i, w := range withdrawals {
		out[i].Withdrawal, subjects[i], place[string(w.ID)] = w, string(w.ID), i
	}
	evidence, err := s.store.Evidence(ctx, merchant, subjects)
	for _, e := range evidence {
		h := &out[place[e.Subject]]
		h.Evidence = append(h.Evidence, e)
	}
	return out, err
}

// AcceptWithdrawal agrees to a withdrawal declared by a notice as if the customer had confirmed it, or has the refunds that were refused
// tried again.
//
// Refusals: NotFound; Conflict: withdrawal.closed, withdrawal.not_declared for one the customer has only looked at.
func (s *Service) AcceptWithdrawal(ctx context.Context, by foyer.Actor, id WithdrawalID, r Reader) (found WithdrawalHistory, err error) {
	view, err := s.onWithdrawal(ctx, by, id, r, func(ctx context.Context, w Withdrawal, sub billing.Subscription, r Reader, now time.Time) (Withdrawal, billing.Subscription, error) {
		by.Scope = w.Scope()
		switch {
		case w.Declared() && sameCommand(ctx, w):
			return w, sub, nil // the same call after a crash
		case w.Waiting():
			return s.declare(ctx, by, w, sub, r, now)
		}
		next, err := w.Retried(foyer.CommandOf(ctx), now)
		if err != nil {
			return w, sub, err
		}
		return next, sub, s.saveWithdrawal(ctx, w, next, sub, EvidenceRetried, by, r, now)
	}, s.reading(&found))
	if err == nil && view.State == WithdrawalConfirmed {
		by.Scope = view.Scope()
		_, err = s.giveBackNow(ctx, by, view.Withdrawal, r, s.reading(&found))
	}
	return found, err
}

// reading reads a withdrawal with its evidence into found.
func (s *Service) reading(found *WithdrawalHistory) seen {
	return func(ctx context.Context, w Withdrawal) error {
		all, err := s.withdrawalHistories(ctx, w.Merchant, w)
		if err == nil {
			*found = all[0]
		}
		return err
	}
}

// DismissWithdrawal turns down a withdrawal declared by a notice, and tells the customer. The end that was scheduled with it stays: the
// customer or the merchant can undo that.
//
// Refusals: NotFound; Conflict: withdrawal.closed, withdrawal.not_declared.
func (s *Service) DismissWithdrawal(ctx context.Context, by foyer.Actor, id WithdrawalID, r Reader) (found WithdrawalHistory, err error) {
	_, err = s.onWithdrawal(ctx, by, id, r, func(ctx context.Context, w Withdrawal, sub billing.Subscription, r Reader, now time.Time) (Withdrawal, billing.Subscription, error) {
		if w.Over(now) {
			return w, sub, errWithdrawalClosed()
		}
		next, err := w.Dismissed(now)
		if err != nil {
			return w, sub, err
		}
		if err := s.saveWithdrawal(ctx, w, next, sub, EvidenceDismissed, by, r, now); err != nil {
			return w, sub, err
		}
		facts := billing.MailFacts{}
		if sub.ScheduledChange != nil && sub.ScheduledChange.Action == billing.ScheduleCancel {
			facts.EffectiveAt = &sub.ScheduledChange.EffectiveAt
		}
		return next, sub, s.mail(ctx, billing.MailWithdrawalDismissed, next, facts, now)
	}, s.reading(&found))
	return found, err
}

// onWithdrawal runs a merchant's command on one of its withdrawals. What the customer gets of it is in their language, not in the
// merchant's.
func (s *Service) onWithdrawal(ctx context.Context, by foyer.Actor, id WithdrawalID, r Reader,
	act func(ctx context.Context, w Withdrawal, sub billing.Subscription, r Reader, now time.Time) (Withdrawal, billing.Subscription, error), reads ...seen,
) (WithdrawalView, error) {
	found, err := s.store.MerchantWithdrawal(ctx, by.Scope.Merchant, id)
	if err != nil {
		return WithdrawalView{}, err
	}
	customer, err := s.subscriptions.Customer(ctx, found.Scope())
	if err != nil {
		return WithdrawalView{}, err
	}
	for _, tag := range []string{r.Portal, customer.Locale} {
		if locale, known := i18n.Find(tag); known {
			r.Locale = locale
		}
	}
	return s.withdrawal(ctx, found.Scope(), r, func(ctx context.Context, now time.Time) (Withdrawal, billing.Subscription, error) {
		w, err := s.store.Withdrawal(ctx, found.Scope(), id)
		if err != nil {
			return w, billing.Subscription{}, err
		}
		sub, err := s.subscriptions.Subscription(ctx, found.Scope(), w.Subscription)
		if err != nil {
			return w, sub, err
		}
		return act(ctx, w, sub, r, now)
	}, reads...)
}

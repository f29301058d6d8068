package retention

import (
	"context"
	"errors"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// WithdrawalView is a withdrawal and how it is shown. The returns of an open one are what would be given back.
type WithdrawalView struct {
	Withdrawal
	Shown Shown
}

func (s *Service) viewWithdrawal(ctx context.Context, w Withdrawal, sub billing.Subscription, r Reader, now time.Time) (WithdrawalView, error) {
	w, err := s.foresee(ctx, w.Seen(now), now)
	return WithdrawalView{Withdrawal: w, Shown: w.Show(sub, r.Locale)}, err
}

// Withdraw shows what a withdrawal from the contract behind a subscription would do, or with confirm declares it: the subscription ends
// at once, and what was paid goes back the way it came. What could not be given back within the call is given back afterwards.
//
// Refusals: NotFound for the subscription; Conflict: withdrawal.not_available, withdrawal.out_of_time, withdrawal.closed,
// subscription.kept_elsewhere.
func (s *Service) Withdraw(ctx context.Context, by foyer.Actor, id billing.SubscriptionID, confirm bool, r Reader) (WithdrawalView, error) {
	view, err := s.withdrawal(ctx, by.Scope, r, func(ctx context.Context, now time.Time) (Withdrawal, billing.Subscription, error) {
		sub, err := s.subscriptions.Subscription(ctx, by.Scope, id)
		if err != nil {
			return Withdrawal{}, sub, err
		}
		before, err := s.currentWithdrawal(ctx, sub, now)
		switch {
		case err != nil:
			return before, sub, err
		case before.Declared() && confirm && sameCommand(ctx, before):
			return before, sub, nil // the same call after a crash: it goes on below
		case before.Declared():
			return before, sub, errWithdrawalClosed()
		}
		w := before
		if before.ID == "" {
			if w, err = s.beginWithdrawal(ctx, by, sub, now, now); err != nil {
				return w, sub, err
			}
			if err := s.saveWithdrawal(ctx, before, w, sub, EvidenceShown, by, r, now); err != nil {
				return w, sub, err
			}
		}
		if !confirm {
			return w, sub, nil
		}
		return s.declare(ctx, by, w, sub, r, now)
	})
	if err != nil || view.State != WithdrawalConfirmed || !confirm {
		return view, err
	}
	return s.giveBackNow(ctx, by, view.Withdrawal, r)
}

// seen is what is read at the end of a step, in its transaction: what was written is not committed yet.
type seen func(ctx context.Context, w Withdrawal) error

// sameCommand tells whether the withdrawal was confirmed by the call that is made again.
func sameCommand(ctx context.Context, w Withdrawal) bool {
	command := foyer.CommandOf(ctx)
	return command != "" && command == w.Command
}

// withdrawal runs one step of a withdrawal in what may be the last transaction of its call, after every other command of the
// customer's, and returns how things stand then.
func (s *Service) withdrawal(ctx context.Context, scope foyer.Scope, r Reader,
	act func(ctx context.Context, now time.Time) (Withdrawal, billing.Subscription, error), reads ...seen,
) (view WithdrawalView, err error) {
	err = s.summing(ctx, scope.Merchant, s.store.Conclude, func(ctx context.Context) error {
		if err := s.store.LockCustomer(ctx, scope); err != nil {
			return err
		}
		now, err := s.clock(ctx, scope.Merchant)
		if err != nil {
			return err
		}
		w, sub, err := act(ctx, now)
		if err != nil {
			return err
		}
		for _, read := range reads {
			if err := read(ctx, w); err != nil {
				return err
			}
		}
		view, err = s.viewWithdrawal(ctx, w, sub, r, now)
		return err
	})
	return view, err
}

// currentWithdrawal is the subscription's that is open or declared; the zero one when there is none. One whose time is over is ended on
// the way.
func (s *Service) currentWithdrawal(ctx context.Context, sub billing.Subscription, now time.Time) (Withdrawal, error) {
	scope := foyer.Scope{Merchant: sub.Merchant, Customer: sub.Customer}
	w, err := s.store.CurrentWithdrawal(ctx, scope, sub.ID)
	if errors.Is(err, foyer.NotFound) {
		return Withdrawal{}, nil
	}
	if err != nil || !w.Over(now) {
		return w, err
	}
	lapsed, err := w.Lapsed(now)
	if err != nil {
		return w, err
	}
	return Withdrawal{}, s.writeWithdrawal(ctx, w, lapsed, now)
}

// beginWithdrawal makes the withdrawal from a contract, if there is a right to it at that moment. It is not written yet. A contract that
// was canceled is still there to be withdrawn from: canceling ends it for the time to come, withdrawing undoes it.
func (s *Service) beginWithdrawal(ctx context.Context, by foyer.Actor, sub billing.Subscription, at, now time.Time) (Withdrawal, error) {
	if sub.Provider == "" {
		return Withdrawal{}, foyer.Refuse(foyer.Conflict, "subscription.kept_elsewhere")
	}
	customer, err := s.subscriptions.Customer(ctx, foyer.Scope{Merchant: sub.Merchant, Customer: sub.Customer})
	if err != nil {
		return Withdrawal{}, err
	}
	settings, err := s.store.RetentionSettings(ctx, sub.Merchant)
	if err != nil {
		return Withdrawal{}, err
	}
	law := ProfileOf(customer.Address.Country, customer.Address.Region).Tightened(settings.Legal)
	ends, err := law.Withdrawable(sub, at)
	if by.Kind == foyer.ActorMerchant {
		err = nil // it may be generous
	}
	if err != nil {
		return Withdrawal{}, err
	}
	return NewWithdrawal{
		ID: WithdrawalID(s.ids(foyer.PrefixWithdrawal)), Subscription: sub, Profile: law.ID, Country: customer.Address.Country, EndsAt: ends,
		Policy: settings.Withdrawal.Policy(),
	}.Begin(now), nil
}

// declare undoes the contract in the open transaction: the subscription ends, cancellations that waited for its end come to theirs, bills
// nobody has paid and credit are taken back, and the customer gets the acknowledgement. Money moves afterwards.
func (s *Service) declare(ctx context.Context, by foyer.Actor, before Withdrawal, sub billing.Subscription, r Reader, now time.Time) (Withdrawal, billing.Subscription, error) {
	items := sub // what was subscribed to, for the receipt
	sub, err := s.end(ctx, by, sub, now)
	if err != nil {
		return before, sub, err
	}
	returns, err := s.undo(ctx, by, before, sub, now)
	if err != nil {
		return before, sub, err
	}
	next, err := before.Confirmed(sub, returns, foyer.CommandOf(ctx), now)
	if err != nil {
		return before, sub, err
	}
	if err := s.saveWithdrawal(ctx, before, next, sub, EvidenceConfirmed, by, r, now); err != nil {
		return before, sub, err
	}
	customer, err := s.subscriptions.Customer(ctx, next.Scope())
	if err != nil {
		return before, sub, err
	}
	items.CanceledAt = sub.CanceledAt
	if err := s.store.CreateReceipt(ctx, next.Receipt(items, customer, r.Locale, now)); err != nil {
		return before, sub, err
	}
	money, credit := next.Refund()
	facts := billing.MailFacts{Receipt: string(next.ID), Credit: credit, WithCharge: next.Charge != "", ProRata: next.KeepsUsed()}
	if money > 0 {
		facts.Amount = &money
	}
	if err := s.mail(ctx, billing.MailWithdrawalReceived, next, facts, now); err != nil {
		return before, sub, err
	}
	if settled := next.Returned(nil, now); settled.State != WithdrawalConfirmed {
		return settled, sub, s.writeWithdrawal(ctx, next, settled, now) // nothing to give back
	}
	return next, sub, nil
}

// end ends the subscription, and the cancellations of it that are open or wait for its end. While a charge is under way its end is
// scheduled: RunDue ends it when that is settled.
func (s *Service) end(ctx context.Context, by foyer.Actor, sub billing.Subscription, now time.Time) (billing.Subscription, error) {
	ended, err := s.subscriptions.Cancel(ctx, by, sub.ID, billing.CancelInput{Effective: billing.Immediately, Quiet: true})
	if refusedWith(err, "subscription.canceled", "subscription.cancel_scheduled") {
		ended, err = sub, nil
	}
	if err != nil {
		return sub, err
	}
	if err := s.endOpen(ctx, ended, now); err != nil {
		return ended, err
	}
	return ended, s.settle(ctx, Cancellation{Merchant: sub.Merchant, Customer: sub.Customer, Subscription: sub.ID}, ended, "", now)
}

// endOpen ends the cancellation the customer has open: what they wanted has come.
func (s *Service) endOpen(ctx context.Context, sub billing.Subscription, now time.Time) error {
	open, err := s.store.OpenCancellation(ctx, foyer.Scope{Merchant: sub.Merchant, Customer: sub.Customer}, sub.ID)
	if errors.Is(err, foyer.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	ended, err := open.Ended(sub, now)
	if err != nil {
		return err
	}
	return s.write(ctx, open, ended, now)
}

// mail orders what the customer is told.
func (s *Service) mail(ctx context.Context, kind billing.MailKind, w Withdrawal, facts billing.MailFacts, now time.Time) error {
	return s.mails.EnqueueMails(ctx, []billing.MailOrder{{
		ID: s.ids(foyer.PrefixMail), Scope: w.Scope(), Kind: kind, Subscription: w.Subscription, Facts: facts, At: now,
	}})
}

// saveWithdrawal writes a changed withdrawal and, as evidence, how it is shown from now on and what was done.
func (s *Service) saveWithdrawal(ctx context.Context, before, after Withdrawal, sub billing.Subscription, kind EvidenceKind, by foyer.Actor, r Reader, now time.Time) error {
	if err := s.writeWithdrawal(ctx, before, after, now); err != nil {
		return err
	}
	seen, err := s.foresee(ctx, after, now)
	if err != nil {
		return err
	}
	return s.store.RecordEvidence(ctx, Evidence{
		ID: s.ids(foyer.PrefixEvidence), Merchant: after.Merchant, Subject: string(after.ID), Kind: kind, Actor: by.Kind, At: now, Shown: seen.Show(sub, r.Locale),
	})
}

// writeWithdrawal writes a withdrawal, the event of a state it has come to and, when it needs the merchant, the mail that says so.
// before is the zero value for a new one.
func (s *Service) writeWithdrawal(ctx context.Context, before, after Withdrawal, now time.Time) error {
	if before.ID == "" {
		created, err := s.store.CreateWithdrawal(ctx, after)
		if err == nil && !created {
			err = foyer.Refuse(foyer.Conflict, "conflict") // can't be: the customer's other commands wait for this one
		}
		if err != nil {
			return err
		}
		return s.store.RecordEvents(ctx, s.event(after.Scope(), "withdrawal.created", string(after.ID), now))
	}
	if err := s.store.SaveWithdrawal(ctx, after, before.Version); err != nil {
		return err
	}
	if after.Waiting() && before.Notice == "" {
		return s.tellMerchant(ctx, after) // it has to give the money back within 14 days
	}
	if before.State == after.State {
		return nil
	}
	if after.State == WithdrawalFailed {
		if err := s.tellMerchant(ctx, after); err != nil {
			return err
		}
	}
	return s.store.RecordEvents(ctx, s.event(after.Scope(), foyer.EventType("withdrawal."+string(after.State)), string(after.ID), now))
}

// tellMerchant orders the mail that says what the withdrawal needs of the merchant.
func (s *Service) tellMerchant(ctx context.Context, w Withdrawal) error {
	return s.mails.EnqueueWithdrawalMail(ctx, w.Merchant, w.ID, s.ids(foyer.PrefixMail))
}

// Withdrawal returns one of the customer's as it stands now.
func (s *Service) Withdrawal(ctx context.Context, scope foyer.Scope, id WithdrawalID, r Reader) (WithdrawalView, error) {
	w, err := s.store.Withdrawal(ctx, scope, id)
	if err != nil {
		return WithdrawalView{}, err
	}
	sub, err := s.subscriptions.Subscription(ctx, scope, w.Subscription)
	if err != nil {
		return WithdrawalView{}, err
	}
	now, err := s.clock(ctx, scope.Merchant)
	if err != nil {
		return WithdrawalView{}, err
	}
	return s.viewWithdrawal(ctx, w, sub, r, now)
}

// WithdrawnFrom returns the subscription a withdrawal is about.
func (s *Service) WithdrawnFrom(ctx context.Context, scope foyer.Scope, id WithdrawalID) (billing.SubscriptionID, error) {
	w, err := s.store.Withdrawal(ctx, scope, id)
	return w.Subscription, err
}

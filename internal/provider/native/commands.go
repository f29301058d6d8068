package native

import (
	"context"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// command runs one customer's command on one subscription: in a transaction, after every other command of theirs, with the
// subscription kept from the engine.
func (e *Engine) command(ctx context.Context, by foyer.Actor, id billing.SubscriptionID, act func(ctx context.Context, l *ledger, sub billing.Subscription) error) error {
	return e.Store.Conclude(ctx, func(ctx context.Context) error {
		if err := e.Store.LockCustomer(ctx, by.Scope); err != nil {
			return err
		}
		if _, err := e.Store.Subscription(ctx, by.Scope, id); err != nil {
			return err // outside the scope
		}
		subs, err := e.Store.SubscriptionsForUpdate(ctx, by.Scope.Merchant, id)
		if err != nil {
			return err
		}
		l, err := e.ledger(ctx, by.Scope.Merchant)
		if err != nil {
			return err
		}
		if err := act(ctx, l, subs[0]); err != nil {
			return err
		}
		return l.write(ctx)
	})
}

// Cancel implements billing.Provider.
func (e *Engine) Cancel(ctx context.Context, by foyer.Actor, id billing.SubscriptionID, in billing.CancelInput) (after billing.Subscription, err error) {
	err = e.command(ctx, by, id, func(ctx context.Context, l *ledger, sub billing.Subscription) error {
		if after, err = sub.Cancel(in, l.now); err != nil {
			return err
		}
		if after.Status != billing.SubscriptionCanceled {
			l.subscription(after, billing.EventSubscriptionUpdated)
			if !in.Quiet {
				l.mail(billing.MailCancellationScheduled, by.Scope, id, "", billing.MailFacts{
					EffectiveAt: &after.ScheduledChange.EffectiveAt, Receipt: in.Receipt, WithCharge: after.OpenPayment != "", Declared: in.Deferred, Examined: in.Examined,
				})
			}
			return nil
		}
		l.subscription(after, billing.EventSubscriptionCanceled)
		if !in.Quiet {
			l.mail(billing.MailCanceled, by.Scope, id, "", billing.MailFacts{Receipt: in.Receipt})
		}
		if sub.Debt == "" {
			return nil
		}
		return l.forgive(ctx, sub.Debt)
	})
	return after, err
}

// forgive gives up debts of subscriptions that ended: what was withheld is not collected any more. What was billed by invoice is
// still owed.
func (l *ledger) forgive(ctx context.Context, ids ...billing.PaymentID) error {
	debts, err := l.engine.Store.PaymentsForUpdate(ctx, l.merchant.ID, ids...)
	for _, p := range debts {
		if p.Status == billing.PaymentPastDue && p.CollectionMode == billing.CollectAutomatic {
			l.void(p)
			l.credited(p, p.Totals.Credit)
		}
	}
	return err
}

// Keep implements billing.Provider.
func (e *Engine) Keep(ctx context.Context, by foyer.Actor, id billing.SubscriptionID) (after billing.Subscription, err error) {
	err = e.command(ctx, by, id, func(_ context.Context, l *ledger, sub billing.Subscription) error {
		if after, err = sub.Keep(l.now); err != nil {
			return err
		}
		l.subscription(after, billing.EventSubscriptionUpdated)
		l.mail(billing.MailKept, by.Scope, id, "", billing.MailFacts{})
		return nil
	})
	return after, err
}

// Pause implements billing.Pauser.
func (e *Engine) Pause(ctx context.Context, by foyer.Actor, id billing.SubscriptionID, in billing.PauseInput) (after billing.Subscription, err error) {
	err = e.command(ctx, by, id, func(_ context.Context, l *ledger, sub billing.Subscription) error {
		if after, err = sub.Pause(in, l.now); err != nil {
			return err
		}
		if after.Status == billing.SubscriptionPaused {
			l.subscription(after, billing.EventSubscriptionPaused)
			l.mail(billing.MailPaused, by.Scope, id, "", billing.MailFacts{ResumeAt: in.ResumeAt})
			return nil
		}
		l.subscription(after, billing.EventSubscriptionUpdated)
		l.mail(billing.MailPauseScheduled, by.Scope, id, "", billing.MailFacts{EffectiveAt: &after.ScheduledChange.EffectiveAt, ResumeAt: in.ResumeAt})
		return nil
	})
	return after, err
}

// Resume implements billing.Pauser.
func (e *Engine) Resume(ctx context.Context, by foyer.Actor, id billing.SubscriptionID, mode billing.ResumeBilling) (billing.Subscription, *billing.NextAction, error) {
	return e.charging(ctx, by, id, func(ctx context.Context, l *ledger, sub billing.Subscription) (*charge, error) {
		if mode == billing.ResumeContinue {
			after, err := sub.ContinuePeriod(l.now)
			if err != nil {
				return nil, err
			}
			l.subscription(after, billing.EventSubscriptionActive)
			l.mail(billing.MailResumed, by.Scope, id, "", billing.MailFacts{})
			return nil, nil
		}
		after, period, discount, err := sub.NewPeriod(l.now)
		if err != nil {
			return nil, err
		}
		return l.chargeFor(ctx, sub, after, billing.EffectResume, draft{
			origin: billing.OriginCharge, items: whole(after.Items), discount: discount, period: period,
		})
	})
}

// Change implements billing.Changer.
func (e *Engine) Change(ctx context.Context, by foyer.Actor, id billing.SubscriptionID, items []billing.ItemInput) (billing.Subscription, *billing.NextAction, error) {
	return e.charging(ctx, by, id, func(ctx context.Context, l *ledger, sub billing.Subscription) (*charge, error) {
		change, err := l.planChange(ctx, by, sub, items)
		if err != nil {
			return nil, err
		}
		if change.Bill != nil {
			return l.chargeFor(ctx, sub, change.After, billing.EffectChange, draft{
				origin: billing.OriginUpdate, items: change.Bill, discount: change.Discount, period: &change.Period,
			})
		}
		l.changed(by.Scope, id, change)
		return nil, nil
	})
}

// changed saves a change of plan that costs nothing now, and tells of it.
func (l *ledger) changed(scope foyer.Scope, id billing.SubscriptionID, change billing.PlanChange) {
	l.subscription(change.After, billing.EventSubscriptionUpdated)
	if change.Scheduled() {
		l.mail(billing.MailPlanChangeScheduled, scope, id, "", billing.MailFacts{EffectiveAt: &change.EffectiveAt})
		return
	}
	l.mail(billing.MailPlanChanged, scope, id, "", billing.MailFacts{})
}

package native

import (
	"context"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// ApplyDiscount implements billing.Retainer.
func (e *Engine) ApplyDiscount(ctx context.Context, by foyer.Actor, id billing.SubscriptionID, d billing.SubscriptionDiscount) (after billing.Subscription, err error) {
	err = e.command(ctx, by, id, func(_ context.Context, l *ledger, sub billing.Subscription) error {
		if after, err = sub.Discounted(d, l.now); err != nil {
			return err
		}
		l.subscription(after, billing.EventSubscriptionUpdated)
		facts := billing.MailFacts{}
		if d.PeriodsLeft != nil {
			facts.Periods, facts.EffectiveAt = *d.PeriodsLeft, after.BillAfter(*d.PeriodsLeft+1)
		}
		if next := sub.NextPayment(); next != nil {
			facts.Amount = next.Total // what it is instead of
		}
		l.mail(billing.MailDiscountApplied, by.Scope, id, "", facts)
		return nil
	})
	return after, err
}

// ExtendTrial implements billing.Retainer.
func (e *Engine) ExtendTrial(ctx context.Context, by foyer.Actor, id billing.SubscriptionID, days int) (after billing.Subscription, err error) {
	err = e.command(ctx, by, id, func(_ context.Context, l *ledger, sub billing.Subscription) error {
		if after, err = sub.TrialExtended(days, l.now); err != nil {
			return err
		}
		l.subscription(after, billing.EventSubscriptionUpdated)
		l.mail(billing.MailTrialExtended, by.Scope, id, "", billing.MailFacts{EffectiveAt: &after.Trial.End})
		return nil
	})
	return after, err
}

// Downgrade implements billing.Retainer.
func (e *Engine) Downgrade(ctx context.Context, by foyer.Actor, id billing.SubscriptionID, items []billing.ItemInput) (after billing.Subscription, err error) {
	err = e.command(ctx, by, id, func(ctx context.Context, l *ledger, sub billing.Subscription) error {
		change, err := l.planChange(ctx, by, sub, items)
		if err != nil {
			return err
		}
		if change.Bill != nil {
			return foyer.Refuse(foyer.Conflict, "subscription.not_a_downgrade")
		}
		after = change.After
		l.changed(by.Scope, id, change)
		return nil
	})
	return after, err
}

package retention

import (
	"context"
	"errors"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// CancelByMerchant cancels a subscription for the merchant. No way out is begun for it: that is the customer's. One the customer
// has open comes to its end with it, as it would have by itself, and those that waited for an end that came earlier.
//
// Refusals: NotFound; Conflict with the reason why it can't be canceled.
func (s *Service) CancelByMerchant(ctx context.Context, by foyer.Actor, id billing.SubscriptionID, effective billing.Effective) (billing.Subscription, error) {
	now, err := s.clock(ctx, by.Scope)
	if err != nil {
		return billing.Subscription{}, err
	}
	open, err := s.store.OpenCancellation(ctx, by.Scope, id)
	opened := err == nil
	if err != nil && !errors.Is(err, foyer.NotFound) {
		return billing.Subscription{}, err
	}
	waiting, err := s.store.ScheduledCancellations(ctx, by.Scope, id)
	if err != nil {
		return billing.Subscription{}, err
	}
	sub, err := s.subscriptions.Cancel(ctx, by, id, effective)
	if opened && refusedWith(err, "subscription.canceled", "subscription.cancel_scheduled") {
		// A process died after it had canceled: what is left is to say so.
		sub, err = s.subscriptions.Subscription(ctx, by.Scope, id)
	}
	if err != nil || !opened && len(waiting) == 0 {
		return sub, err
	}
	return sub, s.store.Conclude(ctx, func(ctx context.Context) error {
		if err := s.store.LockCustomer(ctx, by.Scope); err != nil {
			return err
		}
		if opened {
			current, err := s.store.Cancellation(ctx, by.Scope, open.ID)
			if err != nil {
				return err
			}
			// Who is about to end at once what now ends with its period may still do so.
			if current.State == Open && (sub.Status == billing.SubscriptionCanceled || current.Effective == billing.AtPeriodEnd) {
				current = current.Confirmed(sub, now)
				if err := s.save(ctx, current, string(current.State), now); err != nil {
					return err
				}
			}
		}
		if sub.Status != billing.SubscriptionCanceled {
			return nil
		}
		waiting, err := s.store.ScheduledCancellations(ctx, by.Scope, id)
		if err != nil {
			return err
		}
		for _, c := range waiting {
			c = c.changed(Canceled, StepDone, now)
			c.EffectiveAt = sub.CanceledAt
			if err := s.save(ctx, c, string(c.State), now); err != nil {
				return err
			}
		}
		return nil
	})
}

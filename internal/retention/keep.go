package retention

import (
	"context"
	"errors"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// Keep undoes what is scheduled for a subscription, and with it the cancellation that scheduled it.
//
// Refusals: NotFound, Conflict (subscription.nothing_scheduled).
func (s *Service) Keep(ctx context.Context, by foyer.Actor, id billing.SubscriptionID, r Reader) (sub billing.Subscription, err error) {
	err = s.summing(ctx, by.Scope.Merchant, s.store.Conclude, func(ctx context.Context) error {
		if err := s.store.LockCustomer(ctx, by.Scope); err != nil {
			return err
		}
		now, err := s.clock(ctx, by.Scope.Merchant)
		if err != nil {
			return err
		}
		if sub, err = s.subscriptions.Keep(ctx, by, id); err != nil {
			return err
		}
		scheduled, err := s.store.ScheduledCancellations(ctx, by.Scope, id)
		if err != nil {
			return err
		}
		for _, before := range scheduled {
			c, err := before.Undone(now)
			if err != nil {
				return err
			}
			if err := s.save(ctx, before, c, sub, EvidenceUndone, by, r, now); err != nil {
				return err
			}
		}
		return nil
	})
	return sub, err
}

// CancelByMerchant cancels a subscription for the merchant. No way out is begun for it: that is the customer's. One the customer
// has open comes to its end with it, and those that waited for an end that came earlier.
//
// Refusals: NotFound; Conflict with the reason why it can't be canceled.
func (s *Service) CancelByMerchant(ctx context.Context, by foyer.Actor, id billing.SubscriptionID, effective billing.Effective) (sub billing.Subscription, err error) {
	err = s.summing(ctx, by.Scope.Merchant, s.store.Conclude, func(ctx context.Context) error {
		if err := s.store.LockCustomer(ctx, by.Scope); err != nil {
			return err
		}
		now, err := s.clock(ctx, by.Scope.Merchant)
		if err != nil {
			return err
		}
		if sub, err = s.subscriptions.Cancel(ctx, by, id, billing.CancelInput{Effective: effective}); err != nil {
			return err
		}
		none := Cancellation{Merchant: by.Scope.Merchant, Customer: by.Scope.Customer, Subscription: id}
		if err := s.overtake(ctx, none, sub, OvertakenByMerchant, now); err != nil {
			return err
		}
		return s.settle(ctx, none, sub, "", now)
	})
	return sub, err
}

// overtake ends the customer's open cancellation, other than c, when the subscription got its end elsewhere. Who is about to end at
// once what now ends with its period may still do so.
func (s *Service) overtake(ctx context.Context, c Cancellation, sub billing.Subscription, by Overtaker, now time.Time) error {
	open, err := s.store.OpenCancellation(ctx, c.Scope(), sub.ID)
	if errors.Is(err, foyer.NotFound) || err == nil && open.ID == c.ID {
		return nil
	}
	if err != nil || sub.Status != billing.SubscriptionCanceled && open.Effective != billing.AtPeriodEnd {
		return err
	}
	ended, err := open.OvertakenBy(by, sub, now)
	if err != nil {
		return err
	}
	return s.write(ctx, open, ended, now)
}

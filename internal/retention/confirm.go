package retention

import (
	"context"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// Confirm cancels the subscription, when the caller says or else as the cancellation was begun. One that has expired can still be
// confirmed: who wants to leave need not begin again.
//
// Refusals: NotFound; Conflict (cancellation.closed) or why the subscription can't be canceled; Forbidden (feature.off).
func (s *Service) Confirm(ctx context.Context, by foyer.Actor, id CancellationID, effective billing.Effective, r Reader) (View, error) {
	return s.on(ctx, by, id, r, func(ctx context.Context, c Cancellation, sub billing.Subscription, now time.Time) (Cancellation, billing.Subscription, error) {
		if c.Finished() && c.State != Expired {
			return c, sub, errClosed()
		}
		settings, err := s.store.RetentionSettings(ctx, c.Merchant)
		if err != nil {
			return c, sub, err
		}
		if effective == "" || effective == c.Effective {
			effective = settings.Nearest(c.Effective) // as it was begun, even where the merchant has since taken that choice away
		}
		if err := settings.allow(effective); err != nil {
			return c, sub, err
		}
		if c.State == Expired {
			if err := cancelable(sub, effective); err != nil {
				return c, sub, err
			}
		}
		return s.cancel(ctx, by, c, c, billing.CancelInput{Effective: effective}, r, now)
	})
}

// cancel cancels the subscription and writes down what came of it, with the receipt; before is the cancellation as it was read. A
// subscription that has its end already got it from somebody else: the customer has what they want.
func (s *Service) cancel(ctx context.Context, by foyer.Actor, before, c Cancellation, in billing.CancelInput, r Reader, now time.Time) (Cancellation, billing.Subscription, error) {
	in.Receipt = string(c.ID)
	sub, err := s.subscriptions.Cancel(ctx, by, c.Subscription, in)
	if refusedWith(err, "subscription.canceled", "subscription.cancel_scheduled") {
		c.Overtaken = OvertakenByCancellation
		sub, err = s.subscriptions.Subscription(ctx, c.Scope(), c.Subscription)
	}
	if err != nil {
		return c, sub, err
	}
	next, err := c.Confirmed(sub, now)
	if err != nil {
		return c, sub, err
	}
	if next.Overtaken == "" {
		if err := s.settle(ctx, next, sub, OvertakenByCancellation, now); err != nil {
			return c, sub, err
		}
	}
	if err := s.overtake(ctx, next, sub, OvertakenByCancellation, now); err != nil {
		return c, sub, err
	}
	customer, err := s.subscriptions.Customer(ctx, c.Scope())
	if err != nil {
		return c, sub, err
	}
	if err := s.save(ctx, before, next, sub, EvidenceConfirmed, by, r, now); err != nil {
		return c, sub, err
	}
	return next, sub, s.store.CreateReceipt(ctx, next.Receipt(sub, customer, r.Locale, now))
}

// settle takes the cancellations before this one along whose end it brought forward; by is empty where they still are the customer's decision.
func (s *Service) settle(ctx context.Context, c Cancellation, sub billing.Subscription, by Overtaker, now time.Time) error {
	earlier, err := s.store.ScheduledCancellations(ctx, c.Scope(), c.Subscription)
	if err != nil {
		return err
	}
	for _, e := range earlier {
		if e.ID == c.ID {
			continue
		}
		ended, err := e.OvertakenBy(by, sub, now)
		if err != nil {
			return err
		}
		if err := s.write(ctx, e, ended, now); err != nil {
			return err
		}
	}
	return nil
}

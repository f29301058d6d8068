package retention

import (
	"context"
	"errors"
	"slices"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// Confirm cancels the subscription, when the caller says or else as the cancellation was begun.
//
// Refusals: NotFound; Conflict (cancellation.closed) or why the subscription can't be canceled.
func (s *Service) Confirm(ctx context.Context, by foyer.Actor, id CancellationID, effective billing.Effective) (Cancellation, error) {
	c, err := s.store.Cancellation(ctx, by.Scope, id)
	switch {
	case err != nil:
		return c, err
	case c.State != Open:
		return c, errClosed()
	case effective == "":
		effective = c.Effective
	}
	return s.finish(ctx, by, c, effective, false)
}

// finish cancels the subscription and writes down what came of it. A subscription that has its end already got it from this
// cancellation, when a process died between the two or the same call is made twice at once, or from somebody else: in any
// case the customer has what they want. joined says that a caller who comes second is told the same as the first one.
func (s *Service) finish(ctx context.Context, by foyer.Actor, c Cancellation, effective billing.Effective, joined bool) (Cancellation, error) {
	now, err := s.clock(ctx, by.Scope)
	if err != nil {
		return c, err
	}
	sub, err := s.subscriptions.Cancel(ctx, by, c.Subscription, effective)
	already := refusedWith(err, "subscription.canceled", "subscription.cancel_scheduled")
	if already {
		sub, err = s.subscriptions.Subscription(ctx, by.Scope, c.Subscription)
	}
	if err != nil {
		return c, err
	}
	var next Cancellation
	err = s.store.Conclude(ctx, func(ctx context.Context) error {
		if err := s.store.LockCustomer(ctx, by.Scope); err != nil {
			return err
		}
		if next, err = s.store.Cancellation(ctx, by.Scope, c.ID); err != nil {
			return err
		}
		confirmed := next.Confirmed(sub, now)
		if next.State != Open && (already || next.State == confirmed.State) {
			// Another call made at the same time was first to say so.
			if joined {
				return nil
			}
			return errClosed()
		}
		next = confirmed
		if err := s.settle(ctx, next, now); err != nil {
			return err
		}
		return s.save(ctx, next, string(next.State), now)
	})
	return next, err
}

// settle closes the cancellations before this one whose end it brought forward.
func (s *Service) settle(ctx context.Context, c Cancellation, now time.Time) error {
	earlier, err := s.store.ScheduledCancellations(ctx, c.Scope(), c.Subscription)
	if err != nil {
		return err
	}
	for _, e := range earlier {
		if e.ID == c.ID || c.State != Canceled {
			continue
		}
		e = e.changed(Canceled, StepDone, now)
		e.EffectiveAt = c.EffectiveAt
		if err := s.save(ctx, e, string(e.State), now); err != nil {
			return err
		}
	}
	return nil
}

// Keep undoes what is scheduled for a subscription, and with it the cancellation that scheduled it.
//
// Refusals: NotFound, Conflict (subscription.nothing_scheduled).
func (s *Service) Keep(ctx context.Context, by foyer.Actor, id billing.SubscriptionID) (billing.Subscription, error) {
	scheduled, err := s.store.ScheduledCancellations(ctx, by.Scope, id)
	if err != nil {
		return billing.Subscription{}, err
	}
	now, err := s.clock(ctx, by.Scope)
	if err != nil {
		return billing.Subscription{}, err
	}
	sub, err := s.subscriptions.Keep(ctx, by, id)
	if refusedWith(err, "subscription.nothing_scheduled") && len(scheduled) > 0 {
		// A process died after it had kept the subscription: what is left is to say so.
		sub, err = s.subscriptions.Subscription(ctx, by.Scope, id)
	}
	if err != nil || len(scheduled) == 0 {
		return sub, err
	}
	return sub, s.store.Conclude(ctx, func(ctx context.Context) error {
		if err := s.store.LockCustomer(ctx, by.Scope); err != nil {
			return err
		}
		scheduled, err := s.store.ScheduledCancellations(ctx, by.Scope, id)
		if err != nil {
			return err
		}
		for _, c := range scheduled {
			c = c.Undone(now)
			if err := s.save(ctx, c, string(c.State), now); err != nil {
				return err
			}
		}
		return nil
	})
}

// refusedWith tells whether err is the refusal of a state with one of the codes.
func refusedWith(err error, codes ...string) bool {
	refusal, refused := foyer.AsError(err)
	return refused && errors.Is(refusal, foyer.Conflict) && slices.Contains(codes, refusal.Code)
}

package retention

import (
	"context"
	"errors"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// Service leads customers out of their subscriptions.
type Service struct {
	store         Store
	subscriptions Subscriptions
	ids           foyer.IDs
	now           billing.Clock
}

// NewService returns a Service.
func NewService(store Store, subscriptions Subscriptions, ids foyer.IDs, now billing.Clock) *Service {
	return &Service{store: store, subscriptions: subscriptions, ids: ids, now: now}
}

// StartInput is how to cancel. Confirm does it in one call.
type StartInput struct {
	Confirm   bool
	Effective billing.Effective
}

// Start begins a cancellation, or goes on with the one that is open.
//
// Refusals: NotFound for the subscription; Conflict with the reason why it can't be canceled.
func (s *Service) Start(ctx context.Context, by foyer.Actor, id billing.SubscriptionID, in StartInput) (Cancellation, error) {
	if in.Effective == "" {
		in.Effective = billing.AtPeriodEnd
	}
	sub, err := s.subscriptions.Subscription(ctx, by.Scope, id)
	if err != nil {
		return Cancellation{}, err
	}
	now, err := s.clock(ctx, by.Scope)
	if err != nil {
		return Cancellation{}, err
	}
	open, err := s.store.OpenCancellation(ctx, by.Scope, id)
	known := err == nil
	if err != nil && !errors.Is(err, foyer.NotFound) {
		return Cancellation{}, err
	}
	if !known || !in.Confirm {
		// An open one that is confirmed may be what a process that died left behind: finish knows.
		if err := cancelable(sub, in.Effective); err != nil {
			return Cancellation{}, err
		}
	}
	if !known || open.Effective != in.Effective {
		if open, err = s.open(ctx, by, id, in, now); err != nil {
			return Cancellation{}, err
		}
	}
	if in.Confirm {
		return s.finish(ctx, by, open, in.Effective, true)
	}
	return open.Seen(sub, now), nil
}

// cancelable asks the subscription. That its end is scheduled does not keep anybody from ending it at once.
func cancelable(sub billing.Subscription, effective billing.Effective) error {
	action := sub.Actions(billing.ActionRules{})[billing.ActionCancel]
	if effective == billing.Immediately && action.Reason == "subscription.cancel_scheduled" {
		return nil
	}
	return action.Refusal()
}

// open stores a new cancellation, or writes into the open one what is asked for now. It is written before anything is
// canceled: what is begun can be finished, whatever happens to this process.
func (s *Service) open(ctx context.Context, by foyer.Actor, id billing.SubscriptionID, in StartInput, now time.Time) (Cancellation, error) {
	last := s.store.Conclude
	if in.Confirm {
		last = s.store.InTx
	}
	var open Cancellation
	err := last(ctx, func(ctx context.Context) error {
		if err := s.store.LockCustomer(ctx, by.Scope); err != nil {
			return err
		}
		open = Cancellation{
			ID: CancellationID(s.ids(foyer.PrefixCancellation)), Merchant: by.Scope.Merchant, Customer: by.Scope.Customer, Subscription: id,
			State: Open, Step: StepConfirm, Effective: in.Effective, CreatedAt: now, UpdatedAt: now, Version: 1,
		}
		created, err := s.store.CreateCancellation(ctx, open)
		if err != nil {
			return err
		}
		if created {
			return s.record(ctx, open, "created", now)
		}
		if open, err = s.store.OpenCancellation(ctx, by.Scope, id); err != nil || open.Effective == in.Effective {
			return err
		}
		open = open.changed(Open, StepConfirm, now)
		open.Effective = in.Effective
		return s.save(ctx, open, "updated", now)
	})
	return open, err
}

// Cancellation returns one cancellation as it stands now.
func (s *Service) Cancellation(ctx context.Context, scope foyer.Scope, id CancellationID) (Cancellation, error) {
	c, err := s.store.Cancellation(ctx, scope, id)
	if err != nil {
		return c, err
	}
	return s.seen(ctx, c)
}

func (s *Service) seen(ctx context.Context, c Cancellation) (Cancellation, error) {
	sub, err := s.subscriptions.Subscription(ctx, c.Scope(), c.Subscription)
	if err != nil {
		return c, err
	}
	now, err := s.clock(ctx, c.Scope())
	return c.Seen(sub, now), err
}

// Abandon ends a cancellation without canceling.
//
// Refusals: NotFound, Conflict (cancellation.closed).
func (s *Service) Abandon(ctx context.Context, by foyer.Actor, id CancellationID) (Cancellation, error) {
	now, err := s.clock(ctx, by.Scope)
	if err != nil {
		return Cancellation{}, err
	}
	var next Cancellation
	err = s.store.Conclude(ctx, func(ctx context.Context) error {
		if err := s.store.LockCustomer(ctx, by.Scope); err != nil {
			return err
		}
		current, err := s.store.Cancellation(ctx, by.Scope, id)
		if err != nil {
			return err
		}
		seen, err := s.seen(ctx, current)
		if err != nil {
			return err
		}
		if _, err := seen.Abandoned(now); err != nil {
			return err
		}
		next, _ = current.Abandoned(now)
		return s.save(ctx, next, string(next.State), now)
	})
	return next, err
}

func (s *Service) clock(ctx context.Context, scope foyer.Scope) (time.Time, error) {
	now, err := s.now(ctx, scope.Merchant)
	return foyer.Micro(now), err
}

func (s *Service) save(ctx context.Context, c Cancellation, what string, now time.Time) error {
	if err := s.store.SaveCancellation(ctx, c); err != nil {
		return err
	}
	return s.record(ctx, c, what, now)
}

func (s *Service) record(ctx context.Context, c Cancellation, what string, now time.Time) error {
	return s.store.RecordEvents(ctx, foyer.Event{
		ID: s.ids(foyer.PrefixEvent), Scope: c.Scope(), Type: foyer.EventType("cancellation." + what), Subject: string(c.ID), At: now,
	})
}

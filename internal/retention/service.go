package retention

import (
	"context"
	"errors"
	"slices"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/i18n"
)

// Service leads customers out of their subscriptions, and to what may keep them. Everything a command changes, the subscription
// too, is one transaction: a process that dies leaves it undone or done, and nothing is ever half canceled or half given.
type Service struct {
	store         Store
	subscriptions Subscriptions
	mails         Mails
	ids           foyer.IDs
	now           billing.Clock
}

// NewService returns a Service.
func NewService(store Store, subscriptions Subscriptions, mails Mails, ids foyer.IDs, now billing.Clock) *Service {
	return &Service{store: store, subscriptions: subscriptions, mails: mails, ids: ids, now: now}
}

// Reader is for whom things are put into words: the language, and the one of the portal for words of the merchant's that there
// are none of in it.
type Reader struct {
	Locale i18n.Locale
	Portal string
}

// View is a cancellation and how it is shown.
type View struct {
	Cancellation
	Shown Shown
	// Moments are when it may take effect; Now is the one of them a call that cancels right away names.
	Moments []billing.Effective
	Now     billing.Effective
}

func (s *Service) view(ctx context.Context, c Cancellation, sub billing.Subscription, r Reader, now time.Time) (View, error) {
	settings, err := s.store.RetentionSettings(ctx, c.Merchant)
	if err != nil {
		return View{}, err
	}
	if c, err = s.withoutStaleOffer(ctx, c, sub, now); err != nil {
		return View{}, err
	}
	if !c.Finished() {
		c.Effective = settings.Nearest(c.Effective)
	}
	c = c.Seen(sub, now)
	return View{Cancellation: c, Shown: c.Show(sub, r.Locale, r.Portal, now), Moments: settings.Moments(), Now: settings.Nearest(c.Effective)}, nil
}

// StartInput is how to cancel. Confirm does it in one call.
type StartInput struct {
	Confirm   bool
	Effective billing.Effective
}

// Start begins a cancellation, or goes on with the one that is unfinished.
//
// Refusals: NotFound for the subscription; Conflict with the reason why it can't be canceled; Forbidden (feature.off) for at once where
// the merchant lets customers cancel to the end of the period only.
func (s *Service) Start(ctx context.Context, by foyer.Actor, id billing.SubscriptionID, in StartInput, r Reader) (View, error) {
	if in.Effective == "" {
		in.Effective = billing.AtPeriodEnd
	}
	return s.command(ctx, by.Scope, r, func(ctx context.Context, now time.Time) (Cancellation, billing.Subscription, error) {
		sub, err := s.subscriptions.Subscription(ctx, by.Scope, id)
		if err != nil {
			return Cancellation{}, sub, err
		}
		if err := cancelable(sub, in.Effective); err != nil {
			return Cancellation{}, sub, err
		}
		settings, err := s.store.RetentionSettings(ctx, by.Scope.Merchant)
		if err == nil {
			err = settings.allow(in.Effective)
		}
		if err != nil {
			return Cancellation{}, sub, err
		}
		before, err := s.unfinished(ctx, by.Scope, id, now)
		if err != nil {
			return Cancellation{}, sub, err
		}
		c := before.Asking(in.Effective, now)
		if before.ID == "" {
			if c, err = s.begin(ctx, sub, settings, in.Effective, OriginPortal, now); err != nil {
				return c, sub, err
			}
		}
		if in.Confirm {
			return s.cancel(ctx, by, before, c, billing.CancelInput{Effective: in.Effective}, r, now)
		}
		if c, err = s.withoutStaleOffer(ctx, c, sub, now); err != nil {
			return c, sub, err
		}
		if before.ID == "" || c.Step != before.Step {
			if c, err = s.offer(ctx, c, sub, settings, now); err != nil {
				return c, sub, err
			}
		}
		return c, sub, s.save(ctx, before, c, sub, EvidenceShown, by, r, now)
	})
}

// command runs one step of a cancellation in the last transaction of its call, after every other command of the customer's, and
// returns how things stand then.
func (s *Service) command(ctx context.Context, scope foyer.Scope, r Reader, act func(ctx context.Context, now time.Time) (Cancellation, billing.Subscription, error)) (View, error) {
	var view View
	err := s.summing(ctx, scope.Merchant, s.store.Conclude, func(ctx context.Context) error {
		if err := s.store.LockCustomer(ctx, scope); err != nil {
			return err
		}
		now, err := s.clock(ctx, scope.Merchant)
		if err != nil {
			return err
		}
		c, sub, err := act(ctx, now)
		if err != nil {
			return err
		}
		view, err = s.view(ctx, c, sub, r, now)
		return err
	})
	return view, err
}

// on is command for a cancellation there is.
func (s *Service) on(ctx context.Context, by foyer.Actor, id CancellationID, r Reader,
	act func(ctx context.Context, c Cancellation, sub billing.Subscription, now time.Time) (Cancellation, billing.Subscription, error),
) (View, error) {
	return s.command(ctx, by.Scope, r, func(ctx context.Context, now time.Time) (Cancellation, billing.Subscription, error) {
		c, err := s.store.Cancellation(ctx, by.Scope, id)
		if err != nil {
			return c, billing.Subscription{}, err
		}
		sub, err := s.subscriptions.Subscription(ctx, by.Scope, c.Subscription)
		if err != nil {
			return c, sub, err
		}
		return act(ctx, c, sub, now)
	})
}

// cancelable asks the subscription. That its end is scheduled does not keep anybody from ending it at once.
func cancelable(sub billing.Subscription, effective billing.Effective) error {
	action := sub.Actions(billing.ActionRules{})[billing.ActionCancel]
	if effective == billing.Immediately && action.Reason == "subscription.cancel_scheduled" {
		return nil
	}
	return action.Refusal()
}

// unfinished is the cancellation to go on with; the zero one when there is none. One whose time is over is ended on the way.
func (s *Service) unfinished(ctx context.Context, scope foyer.Scope, id billing.SubscriptionID, now time.Time) (Cancellation, error) {
	c, err := s.store.OpenCancellation(ctx, scope, id)
	if errors.Is(err, foyer.NotFound) {
		return Cancellation{}, nil
	}
	if err != nil || c.ExpiresAt == nil || now.Before(*c.ExpiresAt) {
		return c, err
	}
	lapsed, err := c.Lapsed(now)
	if err != nil {
		return c, err
	}
	return Cancellation{}, s.write(ctx, c, lapsed, now)
}

// begin makes the cancellation of a subscription. It is not written yet.
func (s *Service) begin(ctx context.Context, sub billing.Subscription, settings Settings, effective billing.Effective, origin Origin, now time.Time) (Cancellation, error) {
	customer, err := s.subscriptions.Customer(ctx, foyer.Scope{Merchant: sub.Merchant, Customer: sub.Customer})
	if err != nil {
		return Cancellation{}, err
	}
	return NewCancellation{
		ID: CancellationID(s.ids(foyer.PrefixCancellation)), Subscription: sub, Effective: effective, Origin: origin,
		Profile: ProfileOf(customer.Address.Country, customer.Address.Region).ID, Country: customer.Address.Country, Settings: settings,
	}.Begin(now), nil
}

// Cancellation returns one cancellation as it stands now.
func (s *Service) Cancellation(ctx context.Context, scope foyer.Scope, id CancellationID, r Reader) (View, error) {
	c, err := s.store.Cancellation(ctx, scope, id)
	if err != nil {
		return View{}, err
	}
	sub, err := s.subscriptions.Subscription(ctx, scope, c.Subscription)
	if err != nil {
		return View{}, err
	}
	now, err := s.clock(ctx, scope.Merchant)
	if err != nil {
		return View{}, err
	}
	return s.view(ctx, c, sub, r, now)
}

// SubscriptionOf returns whose way out a cancellation is.
func (s *Service) SubscriptionOf(ctx context.Context, scope foyer.Scope, id CancellationID) (billing.SubscriptionID, error) {
	c, err := s.store.Cancellation(ctx, scope, id)
	return c.Subscription, err
}

// Answer takes answers to the survey, none of which is required, and goes on to the next step: an offer, if one fits, or the
// confirmation.
//
// Refusals: NotFound, Conflict (cancellation.closed), Invalid.
func (s *Service) Answer(ctx context.Context, by foyer.Actor, id CancellationID, a Answers, r Reader) (View, error) {
	return s.on(ctx, by, id, r, func(ctx context.Context, before Cancellation, sub billing.Subscription, now time.Time) (Cancellation, billing.Subscription, error) {
		if before.Seen(sub, now).Finished() {
			return before, sub, errClosed()
		}
		c, err := before.Answer(a, now)
		if err != nil {
			return c, sub, err
		}
		if c, err = s.withoutStaleOffer(ctx, c, sub, now); err != nil {
			return c, sub, err
		}
		if c.Step != before.Step {
			settings, err := s.store.RetentionSettings(ctx, c.Merchant)
			if err != nil {
				return c, sub, err
			}
			if c, err = s.offer(ctx, c, sub, settings, now); err != nil {
				return c, sub, err
			}
		}
		return c, sub, s.save(ctx, before, c, sub, EvidenceAnswered, by, r, now)
	})
}

// Abandon ends a cancellation without canceling.
//
// Refusals: NotFound, Conflict (cancellation.closed).
func (s *Service) Abandon(ctx context.Context, by foyer.Actor, id CancellationID, r Reader) (View, error) {
	return s.on(ctx, by, id, r, func(ctx context.Context, before Cancellation, sub billing.Subscription, now time.Time) (Cancellation, billing.Subscription, error) {
		if seen := before.Seen(sub, now); seen.Finished() {
			return before, sub, errClosed()
		}
		c, err := before.Abandoned(now)
		if err != nil {
			return c, sub, err
		}
		return c, sub, s.save(ctx, before, c, sub, EvidenceAbandoned, by, r, now)
	})
}

func (s *Service) clock(ctx context.Context, merchant foyer.MerchantID) (time.Time, error) {
	now, err := s.now(ctx, merchant)
	return foyer.Micro(now), err
}

// refusedWith tells whether err is the refusal of a state with one of the codes.
func refusedWith(err error, codes ...string) bool {
	refusal, refused := foyer.AsError(err)
	return refused && errors.Is(refusal, foyer.Conflict) && slices.Contains(codes, refusal.Code)
}

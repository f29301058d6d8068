package billing

import (
	"context"
	"errors"
	"slices"
	"time"

	"foyer/internal/foyer"
)

// installMethod saves the new method and moves defaults, subscriptions and duplicates to it. It returns what of those it took
// the place of the gateway is to forget, with what charged it. Not what a payment is under way with: the customer may be answering their bank
// about that very method, and without it at the gateway nothing can come of it. Nobody can charge it here any more, forgotten there or not:
// its token is deleted.
func (s *Service) installMethod(ctx context.Context, scope foyer.Scope, method PaymentMethod, in AddMethodInput, now time.Time) ([]PaymentMethod, error) {
	var names []PaymentMethodID
	if in.Replaces != "" {
		names = append(names, in.Replaces)
	}
	same, err := s.store.SameCard(ctx, scope, method.Fingerprint)
	switch {
	case err == nil && same.ID != in.Replaces && !in.Alone:
		names = append(names, same.ID)
	case err != nil && !errors.Is(err, foyer.NotFound):
		return nil, err
	}
	// First: a subscription that begins meanwhile is found by what is read next.
	var underWay []Payment
	pays := map[PaymentMethodID]bool{}
	for _, name := range names {
		found, err := s.store.PaymentsUnderWay(ctx, scope, name)
		if err != nil {
			return nil, err
		}
		underWay, pays[name] = append(underWay, found...), len(found) > 0
	}
	var replaced []PaymentMethod
	for _, name := range names {
		old, err := s.store.PaymentMethod(ctx, scope, name)
		if err != nil {
			return nil, unknownReference(err, "/replaces")
		}
		replaced = append(replaced, old)
	}
	others, err := s.store.PaymentMethods(ctx, scope, MethodFilter{}, foyer.PageRequest{Limit: 1})
	if err != nil {
		return nil, err
	}
	method.Default = in.Default || len(others) == 0
	if err := s.readTokens(ctx, scope.Merchant, replaced); err != nil {
		return nil, err
	}
	var moved []SubscriptionID
	for _, old := range replaced {
		method.Default = method.Default || old.Default
		moved = append(moved, old.UsedBy...)
	}
	if in.Subscription != "" {
		sub, err := s.store.Subscription(ctx, scope, in.Subscription)
		if err != nil {
			return nil, unknownReference(err, "/subscription_id")
		}
		if err := sub.Actions(ActionRules{})[ActionUpdatePaymentMethod].Refusal(); err != nil {
			return nil, err
		}
		moved = append(moved, in.Subscription)
	}
	events := []foyer.Event{s.event(scope, EventMethodCreated, string(method.ID), now)}
	for _, old := range replaced {
		old.Version++
		if err := s.store.DeletePaymentMethod(ctx, old, now); err != nil {
			return nil, err
		}
		events = append(events, s.event(scope, EventMethodDeleted, string(old.ID), now))
	}
	if method.Default {
		cleared, err := s.clearDefault(ctx, scope, now)
		if err != nil {
			return nil, err
		}
		events = append(events, cleared...)
	}
	if err := s.store.CreatePaymentMethod(ctx, method); err != nil {
		return nil, err
	}
	passed, err := s.passOn(ctx, scope, method, replaced, moved, underWay, now)
	if err != nil {
		return nil, err
	}
	forgettable := slices.DeleteFunc(replaced, func(old PaymentMethod) bool { return pays[old.ID] })
	return forgettable, s.store.RecordEvents(ctx, append(events, passed...)...)
}

// passOn makes a new method pay for what those it replaces paid for, or were about to: the subscriptions moved to it, those whose debt is
// being paid with an old one, and those that begin when the charge under way is paid. An old method is deleted: nothing could be charged
// with it.
func (s *Service) passOn(ctx context.Context, scope foyer.Scope, method PaymentMethod, replaced []PaymentMethod, moved []SubscriptionID, underWay []Payment, now time.Time) ([]foyer.Event, error) {
	wanted, paying := slices.Clone(moved), make([]PaymentID, len(underWay))
	for i, p := range underWay {
		paying[i] = p.ID
		if p.Subscription != "" {
			wanted = append(wanted, p.Subscription)
		}
	}
	slices.Sort(wanted)
	subs, err := s.store.SubscriptionsForUpdate(ctx, scope.Merchant, slices.Compact(wanted)...)
	if err != nil {
		return nil, err
	}
	bills, err := s.store.PaymentsForUpdate(ctx, scope.Merchant, paying...) // again: they may be paid by now
	if err != nil {
		return nil, err
	}
	for _, p := range bills {
		if slices.ContainsFunc(subs, func(sub Subscription) bool { return sub.ID == p.Subscription }) || !p.begins() {
			continue
		}
		if p.Status == PaymentCompleted {
			// It began while we waited for whoever booked the payment, and read the subscriptions too early to see it. Its lock is taken after
			// the payment's for once: nobody who holds it waits for that payment, which is paid, and commands of this customer wait for us.
			sub, err := s.store.Subscription(ctx, scope, p.Subscription)
			if err != nil {
				return nil, err
			}
			subs = append(subs, sub)
			continue
		}
		begins := p.Effect.After.PayWith(method.ID, now)
		begins.Version = p.Effect.After.Version // nobody has seen it yet
		p = p.changed(now)
		p.Effect = &Effect{Kind: EffectStart, After: &begins}
		if err := s.store.SavePayments(ctx, p); err != nil {
			return nil, err
		}
	}
	var events []foyer.Event
	for _, sub := range subs {
		// What pays a debt is charged from then on, whatever paid before: the new one is that now, and is tried next should the charge fail.
		owes := slices.ContainsFunc(bills, func(p Payment) bool { return sub.Debt == p.ID })
		began := slices.ContainsFunc(replaced, func(old PaymentMethod) bool { return sub.PaymentMethod == old.ID })
		if !slices.Contains(moved, sub.ID) && (!owes && !began || sub.Status == SubscriptionCanceled) {
			continue
		}
		sub = sub.PayWith(method.ID, now)
		if err := s.store.SaveSubscriptions(ctx, sub); err != nil {
			return nil, err
		}
		events = append(events, s.event(scope, EventSubscriptionUpdated, string(sub.ID), now))
		if err := s.order(ctx, scope, MailMethodChanged, sub.ID, MailFacts{}.Named(method.Name()), now); err != nil {
			return nil, err
		}
	}
	return events, nil
}

// readTokens reads what charges the methods.
func (s *Service) readTokens(ctx context.Context, merchant foyer.MerchantID, methods []PaymentMethod) error {
	if len(methods) == 0 {
		return nil
	}
	ids := make([]PaymentMethodID, len(methods))
	for i, m := range methods {
		ids[i] = m.ID
	}
	charged, err := s.store.ChargeableMethods(ctx, merchant, ids)
	for i, m := range methods {
		methods[i].Token = charged[m.ID].Token
	}
	return err
}

// forgetReplaced makes the gateway forget what a method took the place of: nobody is to be charged with what was replaced. A backend may
// hand over the same method twice; that one stays.
func (s *Service) forgetReplaced(ctx context.Context, method PaymentMethod, replaced []PaymentMethod) error {
	for _, old := range replaced {
		if old.Token == method.Token {
			continue
		}
		if err := s.forget(ctx, old); err != nil {
			return err
		}
	}
	return nil
}

// clearDefault makes an ordinary method of the default one, before another takes its place.
func (s *Service) clearDefault(ctx context.Context, scope foyer.Scope, now time.Time) ([]foyer.Event, error) {
	cleared, err := s.store.ClearDefault(ctx, scope, now)
	var events []foyer.Event
	for _, m := range cleared {
		events = append(events, s.event(scope, EventMethodUpdated, string(m.ID), now))
	}
	return events, err
}

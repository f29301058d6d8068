package billing

import (
	"context"

	"foyer/internal/foyer"
)

// providerOf returns the subscription and who owns it; Conflict (subscription.kept_elsewhere) when that is a system we
// have no way to tell.
func (s *Service) providerOf(ctx context.Context, by foyer.Actor, id SubscriptionID) (Provider, error) {
	sub, err := s.store.Subscription(ctx, by.Scope, id)
	if err != nil {
		return nil, err
	}
	p, known := s.providers[sub.Provider]
	if !known {
		return nil, foyer.Refuse(foyer.Conflict, "subscription.kept_elsewhere")
	}
	return p, nil
}

// Cancel ends a subscription; see Provider.Cancel.
func (s *Service) Cancel(ctx context.Context, by foyer.Actor, id SubscriptionID, in CancelInput) (Subscription, error) {
	p, err := s.providerOf(ctx, by, id)
	if err != nil {
		return Subscription{}, err
	}
	return p.Cancel(ctx, by, id, in)
}

// Keep undoes what is scheduled for a subscription; see Provider.Keep.
func (s *Service) Keep(ctx context.Context, by foyer.Actor, id SubscriptionID) (Subscription, error) {
	p, err := s.providerOf(ctx, by, id)
	if err != nil {
		return Subscription{}, err
	}
	return p.Keep(ctx, by, id)
}

// SetSubscriptionPaymentMethod says what is charged from now on, and collects a debt at once; see
// Provider.SetPaymentMethod. A method that isn't the customer's is Invalid (input.unknown_reference).
func (s *Service) SetSubscriptionPaymentMethod(ctx context.Context, by foyer.Actor, id SubscriptionID, method PaymentMethodID) (Subscription, *NextAction, error) {
	p, err := s.providerOf(ctx, by, id)
	if err != nil {
		return Subscription{}, nil, err
	}
	return p.SetPaymentMethod(ctx, by, id, method)
}

// Pause stops billing a subscription; see Pauser.
func (s *Service) Pause(ctx context.Context, by foyer.Actor, id SubscriptionID, in PauseInput) (Subscription, error) {
	p, err := s.pauser(ctx, by, id)
	if err != nil {
		return Subscription{}, err
	}
	return p.Pause(ctx, by, id, in)
}

// Resume goes on with a paused subscription; see Pauser.
func (s *Service) Resume(ctx context.Context, by foyer.Actor, id SubscriptionID, billing ResumeBilling) (Subscription, *NextAction, error) {
	p, err := s.pauser(ctx, by, id)
	if err != nil {
		return Subscription{}, nil, err
	}
	return p.Resume(ctx, by, id, billing)
}

func (s *Service) pauser(ctx context.Context, by foyer.Actor, id SubscriptionID) (Pauser, error) {
	p, err := s.providerOf(ctx, by, id)
	if err != nil {
		return nil, err
	}
	if pauser, can := p.(Pauser); can {
		return pauser, nil
	}
	return nil, foyer.Refuse(foyer.Conflict, "subscription.kept_elsewhere")
}

// PreviewChange tells what a change would do and cost; see Changer.
func (s *Service) PreviewChange(ctx context.Context, by foyer.Actor, id SubscriptionID, items []ItemInput) (ChangePreview, error) {
	c, err := s.changer(ctx, by, id)
	if err != nil {
		return ChangePreview{}, err
	}
	return c.PreviewChange(ctx, by, id, items)
}

// Change changes what is subscribed to; see Changer.
func (s *Service) Change(ctx context.Context, by foyer.Actor, id SubscriptionID, items []ItemInput) (Subscription, *NextAction, error) {
	c, err := s.changer(ctx, by, id)
	if err != nil {
		return Subscription{}, nil, err
	}
	return c.Change(ctx, by, id, items)
}

func (s *Service) changer(ctx context.Context, by foyer.Actor, id SubscriptionID) (Changer, error) {
	p, err := s.providerOf(ctx, by, id)
	if err != nil {
		return nil, err
	}
	if c, can := p.(Changer); can {
		return c, nil
	}
	return nil, foyer.Refuse(foyer.Conflict, "subscription.kept_elsewhere")
}

// Pay collects a payment now, with the method given or, when it is empty, the one it has; see Provider.Pay.
func (s *Service) Pay(ctx context.Context, by foyer.Actor, id PaymentID, method PaymentMethodID) (Payment, *NextAction, error) {
	payment, err := s.store.Payment(ctx, by.Scope, id)
	if err != nil {
		return Payment{}, nil, err
	}
	p, known := s.providers[payment.Provider()]
	if !known {
		return Payment{}, nil, foyer.Refuse(foyer.Conflict, "payment.not_payable")
	}
	return p.Pay(ctx, by, id, method)
}

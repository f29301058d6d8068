package billing

import (
	"context"
	"time"

	"foyer/internal/foyer"
)

// Service answers what a customer may know and changes what a customer may change.
type Service struct {
	store     Store
	ids       foyer.IDs
	now       Clock
	gateways  Gateways
	providers map[string]Provider
	mails     Mails
}

// Clock is the time of a merchant, which a sandbox merchant may have moved.
type Clock func(ctx context.Context, merchant foyer.MerchantID) (time.Time, error)

// Gateways knows what moves a merchant's money.
type Gateways interface {
	// GatewayOf returns the merchant's gateway; Conflict (gateway.not_configured) when there is none.
	GatewayOf(ctx context.Context, merchant foyer.MerchantID) (Gateway, error)
}

// Mails sees to it that ordered mails are sent, from within the open transaction.
type Mails interface {
	EnqueueMails(ctx context.Context, orders []MailOrder) error
}

// NewService returns a Service. The providers are those that own subscriptions, by their names.
func NewService(store Store, ids foyer.IDs, now Clock, gateways Gateways, mails Mails, providers ...Provider) *Service {
	s := &Service{store: store, ids: ids, now: now, gateways: gateways, mails: mails, providers: map[string]Provider{}}
	for _, p := range providers {
		s.providers[p.Name()] = p
	}
	return s
}

// Customer returns the customer of the scope.
func (s *Service) Customer(ctx context.Context, scope foyer.Scope) (Customer, error) {
	return s.store.Customer(ctx, scope)
}

// errChanged says that somebody else changed the thing first.
func errChanged() error { return foyer.Refuse(foyer.PreconditionFailed, "precondition.failed") }

// Payments returns a page of the customer's payments, newest first, without their details.
func (s *Service) Payments(ctx context.Context, scope foyer.Scope, filter PaymentFilter, page foyer.PageRequest) ([]Payment, error) {
	return s.store.Payments(ctx, scope, filter, page)
}

// Payment returns one payment with everything of it.
func (s *Service) Payment(ctx context.Context, scope foyer.Scope, id PaymentID) (Payment, error) {
	return s.store.Payment(ctx, scope, id)
}

// StampedPaymentMethod is a payment method with what it is worth at a moment.
type StampedPaymentMethod struct {
	PaymentMethod
	Status PaymentMethodStatus
}

// PaymentMethods returns a page of the customer's payment methods, newest first.
func (s *Service) PaymentMethods(ctx context.Context, scope foyer.Scope, filter MethodFilter, page foyer.PageRequest) ([]StampedPaymentMethod, error) {
	now, err := s.now(ctx, scope.Merchant)
	if err != nil {
		return nil, err
	}
	methods, err := s.store.PaymentMethods(ctx, scope, filter, page)
	out := make([]StampedPaymentMethod, len(methods))
	for i, m := range methods {
		out[i] = StampedPaymentMethod{m, m.Status(now)}
	}
	return out, err
}

// PaymentMethod returns one payment method.
func (s *Service) PaymentMethod(ctx context.Context, scope foyer.Scope, id PaymentMethodID) (StampedPaymentMethod, error) {
	now, err := s.now(ctx, scope.Merchant)
	if err != nil {
		return StampedPaymentMethod{}, err
	}
	m, err := s.store.PaymentMethod(ctx, scope, id)
	return StampedPaymentMethod{m, m.Status(now)}, err
}

// Subscriptions returns a page of the customer's subscriptions, canceled ones too, newest first.
func (s *Service) Subscriptions(ctx context.Context, scope foyer.Scope, statuses []SubscriptionStatus, page foyer.PageRequest) ([]Subscription, error) {
	return s.store.Subscriptions(ctx, scope, statuses, page)
}

// Subscription returns one subscription.
func (s *Service) Subscription(ctx context.Context, scope foyer.Scope, id SubscriptionID) (Subscription, error) {
	return s.store.Subscription(ctx, scope, id)
}

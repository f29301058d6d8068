package billing

import (
	"context"

	"foyer/internal/foyer"
)

// SubscriptionsNamed returns the customer's subscriptions with the ids, by id; others are not among them.
func (s *Service) SubscriptionsNamed(ctx context.Context, scope foyer.Scope, ids []SubscriptionID) (map[SubscriptionID]Subscription, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return s.store.SubscriptionsNamed(ctx, scope, ids)
}

// PaymentsInFull returns a page of the customer's payments, newest first, zero-value ones too, each with everything of it.
func (s *Service) PaymentsInFull(ctx context.Context, scope foyer.Scope, page foyer.PageRequest) ([]Payment, error) {
	return s.store.PaymentsInFull(ctx, scope, page)
}

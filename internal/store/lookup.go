package store

import (
	"context"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// SubscriptionsNamed implements billing.Store.
func (s *Store) SubscriptionsNamed(ctx context.Context, scope foyer.Scope, ids []billing.SubscriptionID) (map[billing.SubscriptionID]billing.Subscription, error) {
	found, err := subscriptions(s.db(ctx).Where("merchant_id = ? AND customer_id = ? AND id IN ?", scope.Merchant, scope.Customer, ids))
	out := make(map[billing.SubscriptionID]billing.Subscription, len(found))
	for _, sub := range found {
		out[sub.ID] = sub
	}
	return out, err
}

// PaymentsInFull implements billing.Store.
func (s *Store) PaymentsInFull(ctx context.Context, scope foyer.Scope, page foyer.PageRequest) ([]billing.Payment, error) {
	query := s.db(ctx).Where("merchant_id = ? AND customer_id = ? AND status <> ?", scope.Merchant, scope.Customer, billing.PaymentDraft)
	found, err := payments(newest(query, "listed_at", page))
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found, s.addDetails(ctx, scope.Merchant, found)
}

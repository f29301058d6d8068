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

// PaymentsInFull implements billing.Store; all of one moment.
func (s *Store) PaymentsInFull(ctx context.Context, scope foyer.Scope, page foyer.PageRequest) (found []billing.Payment, err error) {
	err = s.snapshot(ctx, func(ctx context.Context) error {
		query := s.db(ctx).Where("merchant_id = ? AND customer_id = ? AND status <> ?", scope.Merchant, scope.Customer, billing.PaymentDraft)
		if found, err = payments(newest(query, "listed_at", page)); err != nil || len(found) == 0 {
			return err
		}
		return s.addDetails(ctx, scope.Merchant, found)
	})
	return found, err
}

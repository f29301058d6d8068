package store

import (
	"context"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// SaveEmail implements billing.Store: the version decides which of two changes at once is made, a unique index who has the
// address.
func (s *Store) SaveEmail(ctx context.Context, c billing.Customer) (bool, error) {
	row := newCustomerRow(c)
	row.EditedAt = &row.UpdatedAt
	result := s.db(ctx).Model(&customerRow{}).Where("merchant_id = ? AND id = ? AND version = ? AND NOT archived", c.Merchant, c.ID, c.Version-1).
		Select("email", "email_key", "edited_at", "updated_at", "version").UpdateColumns(&row)
	return result.RowsAffected == 1, translate(result.Error)
}

// SubscriptionsNamed implements billing.Store.
func (s *Store) SubscriptionsNamed(ctx context.Context, scope foyer.Scope, ids []billing.SubscriptionID) (map[billing.SubscriptionID]billing.Subscription, error) {
	found, err := subscriptions(s.db(ctx).Where("merchant_id = ? AND customer_id = ? AND id IN ?", scope.Merchant, scope.Customer, ids))
	out := make(map[billing.SubscriptionID]billing.Subscription, len(found))
	for _, sub := range found {
		out[sub.ID] = sub
	}
	return out, err
}

package store

import (
	"context"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// Credits implements billing.CustomerStore.
func (s *Store) Credits(ctx context.Context, merchant foyer.MerchantID, customers []foyer.CustomerID) ([]billing.Credit, error) {
	if len(customers) == 0 {
		return nil, nil
	}
	var rows []creditRow
	err := s.db(ctx).Where("merchant_id = ? AND customer_id IN ? AND amount > 0", merchant, customers).Order("customer_id, currency").Find(&rows).Error
	return credits(rows), translate(err)
}

// SubscriptionsOf implements billing.CustomerStore.
func (s *Store) SubscriptionsOf(ctx context.Context, merchant foyer.MerchantID, customers []foyer.CustomerID, most int) ([]billing.Subscription, error) {
	if len(customers) == 0 {
		return nil, nil
	}
	rows, err := newestOf[subscriptionRow](s.db(ctx), "subscriptions", "customer_id", "merchant_id = ? AND customer_id IN ?", most, merchant, customers)
	out := make([]billing.Subscription, len(rows))
	for i, r := range rows {
		if out[i], err = r.domain(); err != nil {
			return nil, err
		}
	}
	return out, err
}

// PaymentMethodsOf implements billing.CustomerStore: what uses each is one query for all of them.
func (s *Store) PaymentMethodsOf(ctx context.Context, merchant foyer.MerchantID, customers []foyer.CustomerID, most int) ([]billing.PaymentMethod, error) {
	if len(customers) == 0 {
		return nil, nil
	}
	rows, err := newestOf[paymentMethodRow](s.db(ctx), "payment_methods", "customer_id",
		"merchant_id = ? AND customer_id IN ? AND deleted_at IS NULL", most, merchant, customers)
	if err != nil {
		return nil, err
	}
	methods := domains(rows)
	return methods, s.usedByAny(ctx, merchant, methods)
}

// UndecidedPayments implements billing.CustomerStore.
func (s *Store) UndecidedPayments(ctx context.Context, scope foyer.Scope, most int) (ids []billing.PaymentID, err error) {
	underWay := s.db(ctx).Table("attempts").Select("payment_id").Where("merchant_id = ? AND leased_until IS NOT NULL", scope.Merchant)
	err = s.db(ctx).Table("payments").Where("merchant_id = ? AND customer_id = ? AND id IN (?)", scope.Merchant, scope.Customer, underWay).
		Order("id").Limit(most).Pluck("id", &ids).Error
	return ids, translate(err)
}

// LiveSubscriptions implements billing.CustomerStore.
func (s *Store) LiveSubscriptions(ctx context.Context, scope foyer.Scope, most int) ([]billing.SubscriptionID, error) {
	var ids []billing.SubscriptionID
	err := s.db(ctx).Table("subscriptions").
		Where("merchant_id = ? AND customer_id = ? AND status <> ?", scope.Merchant, scope.Customer, billing.SubscriptionCanceled).
		Order("created_at DESC, id DESC").Limit(most).Pluck("id", &ids).Error
	return ids, translate(err)
}

package billing

import (
	"context"

	"foyer/internal/foyer"
)

// MerchantSubscriptions returns a page of all the merchant's subscriptions, newest first.
func (s *Service) MerchantSubscriptions(ctx context.Context, merchant foyer.MerchantID, filter MerchantSubscriptionFilter, page foyer.PageRequest) ([]Subscription, error) {
	return s.store.MerchantSubscriptions(ctx, merchant, filter, page)
}

// MerchantSubscription returns one of the merchant's subscriptions.
func (s *Service) MerchantSubscription(ctx context.Context, merchant foyer.MerchantID, id SubscriptionID) (Subscription, error) {
	return s.store.MerchantSubscription(ctx, merchant, id)
}

// MerchantPayments returns a page of all the merchant's payments, newest first, without their details.
func (s *Service) MerchantPayments(ctx context.Context, merchant foyer.MerchantID, filter MerchantPaymentFilter, page foyer.PageRequest) ([]Payment, error) {
	return s.store.MerchantPayments(ctx, merchant, filter, page)
}

// MerchantPayment returns one of the merchant's payments with everything of it.
func (s *Service) MerchantPayment(ctx context.Context, merchant foyer.MerchantID, id PaymentID) (Payment, error) {
	return s.store.MerchantPayment(ctx, merchant, id)
}

// PaymentMethodsOf returns what subscriptions are charged with, by id, for a whole page at once; what was deleted is left out.
func (s *Service) PaymentMethodsOf(ctx context.Context, merchant foyer.MerchantID, subs []Subscription) (map[PaymentMethodID]StampedPaymentMethod, error) {
	now, err := s.now(ctx, merchant)
	if err != nil {
		return nil, err
	}
	ids := make([]PaymentMethodID, len(subs))
	for i, sub := range subs {
		ids[i] = sub.PaymentMethod
	}
	found, err := s.store.MerchantPaymentMethods(ctx, merchant, distinct(ids))
	out := map[PaymentMethodID]StampedPaymentMethod{}
	for id, m := range found {
		out[id] = StampedPaymentMethod{m, m.Status(now)}
	}
	return out, err
}

// distinct leaves out empty ids and those that come again.
func distinct[T ~string](ids []T) []T {
	var out []T
	seen := map[T]bool{"": true}
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	return out
}

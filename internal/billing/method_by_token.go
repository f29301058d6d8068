package billing

import (
	"context"

	"foyer/internal/foyer"
)

// AddMethodByToken stores a payment method a merchant's backend has a gateway's token of. Invalid for a token the gateway does
// not know, or when the gateway takes none; Conflict (customer.archived).
func (s *Service) AddMethodByToken(ctx context.Context, by foyer.Actor, token string, isDefault bool) (PaymentMethod, error) {
	gateway, err := s.gateways.GatewayOf(ctx, by.Scope.Merchant)
	if err != nil {
		return PaymentMethod{}, err
	}
	resolver, can := gateway.(TokenResolver)
	if !can {
		return PaymentMethod{}, unknownReference(foyer.ErrNotFound(), "/gateway_token")
	}
	found, err := resolver.MethodByToken(ctx, token)
	if err != nil {
		return PaymentMethod{}, unknownReference(err, "/gateway_token")
	}
	now, err := s.now(ctx, by.Scope.Merchant)
	if err != nil {
		return PaymentMethod{}, err
	}
	method := NewPaymentMethod(Setup{
		Merchant: by.Scope.Merchant, Customer: by.Scope.Customer, Gateway: gateway.Name(),
		PaymentMethod: PaymentMethodID(s.ids(foyer.PrefixPaymentMethod)),
	}, found, foyer.Micro(now))
	err = s.store.Conclude(ctx, func(ctx context.Context) error {
		if err := s.store.LockCustomer(ctx, by.Scope); err != nil {
			return err
		}
		customer, err := s.store.Customer(ctx, by.Scope)
		if err != nil {
			return err
		}
		if customer.Archived {
			return foyer.Refuse(foyer.Conflict, "customer.archived")
		}
		if err := s.installMethod(ctx, by.Scope, method, AddMethodInput{Default: isDefault}, method.CreatedAt); err != nil {
			return err
		}
		method, err = s.store.PaymentMethod(ctx, by.Scope, method.ID)
		return err
	})
	return method, err
}

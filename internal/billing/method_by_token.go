package billing

import (
	"context"

	"foyer/internal/foyer"
)

// TokenMethodInput is a payment method a merchant's backend has a gateway's token of, and what the merchant keeps beside it.
type TokenMethodInput struct {
	Token      string
	Default    bool
	ExternalID *string
	Metadata   *foyer.Metadata
}

// AddMethodByToken stores a payment method by a gateway's token.
//
// Refusals: Invalid for fields at fault, for a token the gateway does not know, or when the gateway takes none; Conflict
// (customer.archived, external_id.taken).
func (s *Service) AddMethodByToken(ctx context.Context, by foyer.Actor, in TokenMethodInput) (PaymentMethod, error) {
	var about PaymentMethod
	var check checks
	check.text("/external_id", &about.ExternalID, in.ExternalID, maxExternalIDLength)
	check.metadata(&about.Metadata, in.Metadata)
	if err := check.refusal(); err != nil {
		return PaymentMethod{}, err // before the gateway is asked
	}
	gateway, err := s.gateways.GatewayOf(ctx, by.Scope.Merchant)
	if err != nil {
		return PaymentMethod{}, err
	}
	resolver, can := gateway.(TokenResolver)
	if !can {
		return PaymentMethod{}, unknownReference(foyer.ErrNotFound(), "/gateway_token")
	}
	found, err := resolver.MethodByToken(ctx, by.Scope, in.Token)
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
	method.ExternalID, method.Metadata = about.ExternalID, about.Metadata
	var stored PaymentMethod
	var replaced []PaymentMethod
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
		if replaced, err = s.installMethod(ctx, by.Scope, method, AddMethodInput{Default: in.Default}, method.CreatedAt); err != nil {
			return err
		}
		stored, err = s.store.PaymentMethod(ctx, by.Scope, method.ID)
		return err
	})
	if err != nil {
		return stored, s.methodTaken(ctx, method, err)
	}
	return stored, s.forgetReplaced(ctx, method, replaced)
}

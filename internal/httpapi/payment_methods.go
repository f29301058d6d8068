package httpapi

import (
	"context"

	"foyer/api"
	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// ListPaymentMethods shows the customer's stored ways to pay.
func (s *Server) ListPaymentMethods(ctx context.Context, in api.ListPaymentMethodsRequestObject) (api.ListPaymentMethodsResponseObject, error) {
	p, err := s.page(ctx, listing{limit: in.Params.Limit, after: in.Params.After})
	if err != nil {
		return nil, err
	}
	found, err := s.Billing.PaymentMethods(ctx, requestOf(ctx).scope(), p)
	if err != nil {
		return nil, err
	}
	found, next := cut(ctx, s, found, p, func(v billing.StampedPaymentMethod) foyer.PageKey {
		return foyer.PageKey{At: v.CreatedAt, ID: string(v.ID)}
	})
	return api.ListPaymentMethods200JSONResponse{Body: api.PaymentMethodList{Page: next, Data: each(found, showPaymentMethod)}}, nil
}

// GetPaymentMethod shows one stored way to pay.
func (s *Server) GetPaymentMethod(ctx context.Context, in api.GetPaymentMethodRequestObject) (api.GetPaymentMethodResponseObject, error) {
	found, err := s.Billing.PaymentMethod(ctx, requestOf(ctx).scope(), billing.PaymentMethodID(in.PaymentMethodId))
	if err != nil {
		return nil, err
	}
	shown := showPaymentMethod(found)
	same, err := unchanged(ctx, found.Version, shown)
	if err != nil {
		return nil, err
	}
	if same {
		return api.GetPaymentMethod304Response{}, nil
	}
	return api.GetPaymentMethod200JSONResponse{Body: shown}, nil
}

func showPaymentMethod(v billing.StampedPaymentMethod) api.PaymentMethod {
	shown := api.PaymentMethod{
		Id: string(v.ID), Type: v.Type, BillingName: orNull(v.BillingName), Status: api.PaymentMethodStatus(v.Status), Default: v.Default,
		UsedBy: each(v.UsedBy, func(id billing.SubscriptionID) string { return string(id) }), CreatedAt: v.CreatedAt,
	}
	if c := v.Card; c != nil {
		shown.Card = &api.Card{Brand: c.Brand, Last4: c.Last4, ExpiryMonth: int32(c.ExpiryMonth), ExpiryYear: int32(c.ExpiryYear)}
	}
	return shown
}

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
	found, err := s.Billing.PaymentMethods(ctx, requestOf(ctx).scope(), billing.MethodFilter{}, p)
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

// StartPaymentMethodSetup begins to store a way to pay; the customer goes on with the gateway's own form.
func (s *Server) StartPaymentMethodSetup(ctx context.Context, _ api.StartPaymentMethodSetupRequestObject) (api.StartPaymentMethodSetupResponseObject, error) {
	setup, err := s.Billing.StartSetup(ctx, requestOf(ctx).actor())
	if err != nil {
		return nil, err
	}
	return api.StartPaymentMethodSetup201JSONResponse{Body: api.PaymentMethodSetup{
		SetupId: string(setup.ID), Gateway: setup.Gateway, ClientSecret: setup.ClientSecret, PublicKey: orNull(setup.PublicKey),
	}}, nil
}

// AddPaymentMethod stores what the customer entered with the gateway.
func (s *Server) AddPaymentMethod(ctx context.Context, in api.AddPaymentMethodRequestObject) (api.AddPaymentMethodResponseObject, error) {
	added, err := s.Billing.AddPaymentMethod(ctx, requestOf(ctx).actor(), billing.AddMethodInput{
		Setup: billing.SetupID(in.Body.SetupId), Replaces: billing.PaymentMethodID(value(in.Body.Replaces)),
		Default: in.Body.Default != nil && *in.Body.Default, Subscription: billing.SubscriptionID(value(in.Body.SubscriptionId)),
		Alone: narrow(ctx),
	})
	if err != nil {
		return nil, err
	}
	shown := presenterOf(ctx).addedPaymentMethod(added)
	if _, err := unchanged(ctx, added.Version, showPaymentMethod(added.StampedPaymentMethod)); err != nil {
		return nil, err
	}
	if added.NextAction != nil {
		return api.AddPaymentMethod202JSONResponse{Body: shown}, nil
	}
	return api.AddPaymentMethod201JSONResponse{Body: shown}, nil
}

// UpdatePaymentMethod changes a stored way to pay.
func (s *Server) UpdatePaymentMethod(ctx context.Context, in api.UpdatePaymentMethodRequestObject) (api.UpdatePaymentMethodResponseObject, error) {
	changed, err := s.Billing.UpdatePaymentMethod(ctx, requestOf(ctx).actor(), billing.PaymentMethodID(in.PaymentMethodId), billing.UpdateMethodInput{
		Default: in.Body.Default, BillingName: given(in.Body.BillingName),
	}, versionWanted(ctx))
	if err != nil {
		return nil, err
	}
	shown := showPaymentMethod(changed)
	if _, err := unchanged(ctx, changed.Version, shown); err != nil {
		return nil, err
	}
	return api.UpdatePaymentMethod200JSONResponse{Body: shown}, nil
}

// DeletePaymentMethod forgets a stored way to pay.
func (s *Server) DeletePaymentMethod(ctx context.Context, in api.DeletePaymentMethodRequestObject) (api.DeletePaymentMethodResponseObject, error) {
	if err := s.Billing.DeletePaymentMethod(ctx, requestOf(ctx).actor(), billing.PaymentMethodID(in.PaymentMethodId)); err != nil {
		return nil, err
	}
	return api.DeletePaymentMethod204Response{}, nil
}

func (p presenter) addedPaymentMethod(v billing.AddedMethod) api.AddedPaymentMethod {
	m := showPaymentMethod(v.StampedPaymentMethod)
	return api.AddedPaymentMethod{
		Id: m.Id, Type: m.Type, Card: m.Card, Wallet: m.Wallet, Identifier: m.Identifier, BillingName: m.BillingName, Status: m.Status, Default: m.Default, UsedBy: m.UsedBy, CreatedAt: m.CreatedAt,
		Collections: each(v.Collections, p.collection), NextAction: nextAction(v.NextAction),
	}
}

func (p presenter) collection(c billing.Collection) api.Collection {
	shown := api.Collection{PaymentId: string(c.Payment), Status: api.PaymentStatus(c.Status), ErrorCode: orNull(c.ErrorCode)}
	if c.ErrorCode != "" {
		text := p.locale.Text("attempt_error."+string(c.ErrorCode), nil)
		shown.ErrorText = &text
	}
	return shown
}

func showPaymentMethod(v billing.StampedPaymentMethod) api.PaymentMethod {
	shown := api.PaymentMethod{
		Id: string(v.ID), Type: v.Type, Wallet: orNull(v.Wallet), Identifier: orNull(v.Identifier), BillingName: orNull(v.BillingName), Status: api.PaymentMethodStatus(v.Status), Default: v.Default,
		UsedBy: each(v.UsedBy, func(id billing.SubscriptionID) string { return string(id) }), CreatedAt: v.CreatedAt,
	}
	if c := v.Card; c != nil {
		shown.Card = &api.Card{Brand: c.Brand, Last4: c.Last4, ExpiryMonth: int32(c.ExpiryMonth), ExpiryYear: int32(c.ExpiryYear)}
	}
	return shown
}

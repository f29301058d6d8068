package httpapi

import (
	"context"

	"github.com/oapi-codegen/nullable"

	"foyer/api"
	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// MerchantListPaymentMethods shows what a customer pays with.
func (s *Server) MerchantListPaymentMethods(ctx context.Context, in api.MerchantListPaymentMethodsRequestObject) (api.MerchantListPaymentMethodsResponseObject, error) {
	p, err := s.page(ctx, listing{limit: in.Params.Limit, after: in.Params.After})
	if err != nil {
		return nil, err
	}
	scope := actingFor(ctx, foyer.CustomerID(in.CustomerId)).Scope
	if _, err := s.Billing.Customer(ctx, scope); err != nil {
		return nil, err // nobody's payment methods are not found, and not an empty list
	}
	found, err := s.Billing.PaymentMethods(ctx, scope, billing.MethodFilter{ExternalID: value(in.Params.ExternalId)}, p)
	if err != nil {
		return nil, err
	}
	found, next := cut(ctx, s, found, p, func(v billing.StampedPaymentMethod) foyer.PageKey {
		return foyer.PageKey{At: v.CreatedAt, ID: string(v.ID)}
	})
	return api.MerchantListPaymentMethods200JSONResponse{Body: api.PaymentMethodList{Page: next, Data: each(found, merchantPaymentMethod)}}, nil
}

// MerchantGetPaymentMethod shows one of them.
func (s *Server) MerchantGetPaymentMethod(ctx context.Context, in api.MerchantGetPaymentMethodRequestObject) (api.MerchantGetPaymentMethodResponseObject, error) {
	found, err := s.Billing.PaymentMethod(ctx, actingFor(ctx, foyer.CustomerID(in.CustomerId)).Scope, billing.PaymentMethodID(in.PaymentMethodId))
	if err != nil {
		return nil, err
	}
	shown := merchantPaymentMethod(found)
	same, err := unchanged(ctx, found.Version, shown)
	if err != nil {
		return nil, err
	}
	if same {
		return api.MerchantGetPaymentMethod304Response{}, nil
	}
	return api.MerchantGetPaymentMethod200JSONResponse{Body: shown}, nil
}

// MerchantCreatePaymentMethod stores what the gateway knows by a token.
func (s *Server) MerchantCreatePaymentMethod(ctx context.Context, in api.MerchantCreatePaymentMethodRequestObject) (api.MerchantCreatePaymentMethodResponseObject, error) {
	by := actingFor(ctx, foyer.CustomerID(in.CustomerId))
	if _, err := s.Billing.Customer(ctx, by.Scope); err != nil {
		return nil, err // before the gateway is asked about a token for nobody
	}
	added, err := s.Billing.AddMethodByToken(ctx, by, billing.TokenMethodInput{
		Token: in.Body.GatewayToken, Default: value(in.Body.Default), ExternalID: in.Body.ExternalId, Metadata: metadata(in.Body.Metadata),
	})
	if err != nil {
		return nil, err
	}
	shown := merchantPaymentMethod(billing.StampedPaymentMethod{PaymentMethod: added, Status: added.Status(added.CreatedAt)})
	_, err = unchanged(ctx, added.Version, shown)
	return api.MerchantCreatePaymentMethod201JSONResponse{Body: shown}, err
}

// MerchantUpdatePaymentMethod changes one of them.
func (s *Server) MerchantUpdatePaymentMethod(ctx context.Context, in api.MerchantUpdatePaymentMethodRequestObject) (api.MerchantUpdatePaymentMethodResponseObject, error) {
	by := actingFor(ctx, foyer.CustomerID(in.CustomerId))
	changed, err := s.Billing.UpdatePaymentMethod(ctx, by, billing.PaymentMethodID(in.PaymentMethodId), billing.UpdateMethodInput{
		Default: in.Body.Default, BillingName: given(in.Body.BillingName), ExternalID: given(in.Body.ExternalId), Metadata: givenMetadata(in.Body.Metadata),
	}, versionWanted(ctx))
	if err != nil {
		return nil, err
	}
	shown := merchantPaymentMethod(changed)
	_, err = unchanged(ctx, changed.Version, shown)
	return api.MerchantUpdatePaymentMethod200JSONResponse{Body: shown}, err
}

// MerchantDeletePaymentMethod forgets one of them.
func (s *Server) MerchantDeletePaymentMethod(ctx context.Context, in api.MerchantDeletePaymentMethodRequestObject) (api.MerchantDeletePaymentMethodResponseObject, error) {
	by := actingFor(ctx, foyer.CustomerID(in.CustomerId))
	if err := s.Billing.DeletePaymentMethod(ctx, by, billing.PaymentMethodID(in.PaymentMethodId)); err != nil {
		return nil, err
	}
	return api.MerchantDeletePaymentMethod204Response{}, nil
}

// merchantPaymentMethod is a payment method as the merchant sees it, with what customers don't see: whose it is, and what the
// merchant calls it and keeps beside it.
func merchantPaymentMethod(v billing.StampedPaymentMethod) api.PaymentMethod {
	shown := showPaymentMethod(v)
	shown.CustomerId = orNull(v.Customer)
	shown.ExternalId = nullable.NewNullNullable[string]()
	if v.ExternalID != "" {
		shown.ExternalId.Set(v.ExternalID)
	}
	kept := showMetadata(v.Metadata)
	shown.Metadata = &kept
	return shown
}

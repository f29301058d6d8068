package httpapi

import (
	"context"
	"time"

	"foyer/api"
	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/identity"
)

// RequestEmailChange asks for another address; the answer is the same whether that is free or not.
func (s *Server) RequestEmailChange(ctx context.Context, in api.RequestEmailChangeRequestObject) (api.RequestEmailChangeResponseObject, error) {
	r := requestOf(ctx)
	if err := s.mayChangeEmail(ctx, r.merchant); err != nil {
		return nil, err
	}
	customer, err := s.Billing.Customer(ctx, r.scope())
	if err != nil {
		return nil, err
	}
	switch email := in.Body.Email; {
	case !billing.ValidEmail(email):
		return nil, foyer.InvalidFields(foyer.FieldError{Pointer: "/email", Code: "input.email"})
	case email == customer.Email: // another spelling of it is a change
		return nil, foyer.InvalidFields(foyer.FieldError{Pointer: "/email", Code: "input.email_unchanged"})
	}
	change, err := s.Identity.RequestEmailChange(ctx, *r.access, identity.EmailChangeInput{
		Email: in.Body.Email, EmailKey: billing.EmailKey(in.Body.Email), Current: customer.Email, Locale: r.locale.Tag, Place: r.place(),
	})
	if err != nil {
		return nil, err
	}
	return api.RequestEmailChange202JSONResponse{Body: api.EmailChange{
		EmailChangeId: string(change.ID),
		ExpiresAt:     change.ExpiresAt.Truncate(time.Second), // a fraction would make answers differ in length
	}}, nil
}

// mayChangeEmail refuses (feature.off) what the merchant does not let customers do, from the moment it says so: a link that is on its
// way is refused too.
func (s *Server) mayChangeEmail(ctx context.Context, merchant foyer.MerchantID) error {
	m, err := s.Merchants.ByID(ctx, merchant)
	if err == nil && m.Portal.Settings.Features.EmailChangeOff {
		err = &foyer.Error{Kind: foyer.Forbidden, Code: "feature.off", Merchant: merchant}
	}
	return err
}

// VerifyEmailChange changes the address to the one whose mailbox holds the token.
func (s *Server) VerifyEmailChange(ctx context.Context, in api.VerifyEmailChangeRequestObject) (api.VerifyEmailChangeResponseObject, error) {
	r := requestOf(ctx)
	change, err := s.Identity.VerifyEmailChange(ctx, identity.VerifyEmailChangeInput{
		Token: in.Body.Token, Place: r.place(), IP: r.echo.RealIP(), Allowed: s.mayChangeEmail, Witness: s.witness(r),
	})
	r.merchantOf(change.Scope.Merchant, err)
	if err != nil {
		return nil, err
	}
	return api.VerifyEmailChange200JSONResponse{Body: api.EmailChanged{CustomerId: string(change.Scope.Customer), Email: change.Email}}, nil
}

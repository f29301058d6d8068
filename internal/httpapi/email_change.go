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
	m, err := s.Merchants.ByID(ctx, r.merchant)
	if err != nil {
		return nil, err
	}
	if m.Portal.Settings.Features.EmailChangeOff {
		return nil, foyer.Refuse(foyer.Forbidden, "feature.off")
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

// VerifyEmailChange changes the address to the one whose mailbox holds the token.
func (s *Server) VerifyEmailChange(ctx context.Context, in api.VerifyEmailChangeRequestObject) (api.VerifyEmailChangeResponseObject, error) {
	r := requestOf(ctx)
	change, err := s.Identity.VerifyEmailChange(ctx, in.Body.Token, r.place(), r.echo.RealIP())
	r.merchantOf(change.Scope.Merchant, err)
	if err != nil {
		return nil, err
	}
	return api.VerifyEmailChange200JSONResponse{Body: api.EmailChanged{CustomerId: string(change.Scope.Customer), Email: change.Email}}, nil
}

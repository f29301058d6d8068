package httpapi

import (
	"errors"
	"strings"

	"github.com/labstack/echo/v4"

	"foyer/internal/foyer"
	"foyer/internal/identity"
)

// identify finds the operation of the route and, where the path names a portal, the portal.
func (s *Server) identify(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := requestOf(c.Request().Context())
		o, ok := s.operations[c.Request().Method+" "+c.Path()]
		if !ok {
			return next(c) // Echo's own 404 or 405
		}
		r.operation, r.pathItem, r.path = o.op, o.item, o.path
		if id := c.Param("portal_id"); id != "" {
			if !foyer.ValidID(foyer.PrefixPortal, id) {
				return foyer.ErrNotFound()
			}
			m, err := s.Merchants.ByPortal(c.Request().Context(), foyer.PortalID(id))
			if err != nil {
				return err
			}
			r.portal, r.merchant = &m, m.ID
		}
		return next(c)
	}
}

// authenticate demands an access token for every customer's operation that does not say otherwise, and scopes with which it
// may be done at all (permit looks at what it is done to); and an API key with the permission for every merchant's.
func (s *Server) authenticate(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := requestOf(c.Request().Context())
		o, ok := s.operations[c.Request().Method+" "+c.Path()]
		if ok && o.permission != "" {
			if err := s.authenticateKey(c, r, o); err != nil {
				return err
			}
			return next(c)
		}
		if !ok || !o.secured {
			return next(c)
		}
		token, err := bearer(c.Request().Header.Values("Authorization"))
		if err != nil {
			return err
		}
		access, err := s.Identity.Authenticate(c.Request().Context(), token)
		if err != nil {
			return err
		}
		r.access, r.merchant = &access, access.Actor.Scope.Merchant
		minted := identity.NeedsSignIn(o.op.OperationID) && !access.SignedIn()
		if minted || !identity.MayPermit(access.Actor.Scopes, o.op.OperationID, o.scope) {
			return foyer.Refuse(foyer.Forbidden, "auth.scope")
		}
		return next(c)
	}
}

// authenticateKey takes a merchant's API key, and nothing from browsers: a key that is in a page is everybody's. A browser
// always says where a page came from (Origin); the refusal comes first, so that it is the same with a key and without.
func (s *Server) authenticateKey(c echo.Context, r *request, o operation) error {
	if c.Request().Header.Get("Origin") != "" {
		return foyer.Refuse(foyer.Forbidden, "origin.refused")
	}
	secret, err := bearer(c.Request().Header.Values("Authorization"))
	if err != nil {
		return err
	}
	key, err := s.Merchants.Authenticate(c.Request().Context(), secret)
	if err != nil {
		return err
	}
	r.key, r.merchant = &key, key.Merchant
	if !key.May(o.permission) {
		return &foyer.Error{Kind: foyer.Forbidden, Code: "auth.permission", Params: map[string]any{"Permission": string(o.permission)}}
	}
	return nil
}

// bearer reads the one Authorization header (RFC 6750 §2.1). Tokens are taken from nowhere else.
func bearer(headers []string) (string, error) {
	switch len(headers) {
	case 0:
		return "", foyer.Refuse(foyer.Unauthenticated, "auth.required")
	case 1:
	default:
		return "", foyer.Refuse(foyer.Unauthenticated, "auth.invalid")
	}
	scheme, token, ok := strings.Cut(headers[0], " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") || token == "" || strings.ContainsAny(token, " \t,") {
		return "", foyer.Refuse(foyer.Unauthenticated, "auth.invalid")
	}
	return token, nil
}

// merchantOf notes whose request it turned out to be, from a result or from a refusal.
func (r *request) merchantOf(id foyer.MerchantID, err error) {
	var e *foyer.Error
	if errors.As(err, &e) && e.Merchant != "" {
		id = e.Merchant
	}
	if r.merchant == "" {
		r.merchant = id
	}
}

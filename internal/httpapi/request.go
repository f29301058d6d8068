package httpapi

import (
	"context"
	"net/http"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/labstack/echo/v4"

	"foyer/internal/foyer"
	"foyer/internal/i18n"
	"foyer/internal/identity"
	"foyer/internal/merchant"
)

// request is what is known of a request while it is answered. Handlers read it from the context.
type request struct {
	id        string
	echo      echo.Context
	operation *openapi3.Operation
	pathItem  *openapi3.PathItem
	path      string
	// portal is set when the path names one.
	portal *merchant.Merchant
	// merchant is set as soon as it is known whose request it is; CORS answers by it.
	merchant foyer.MerchantID
	access   *identity.Access
	locale   i18n.Locale
	body     []byte
	// allowedOrigin is what Access-Control-Allow-Origin will say, once it has been decided.
	allowedOrigin *string
}

type requestKey struct{}

func requestOf(ctx context.Context) *request {
	r, _ := ctx.Value(requestKey{}).(*request)
	return r
}

func (r *request) header() http.Header { return r.echo.Response().Header() }

// actor is who speaks; only operations that need a token ask.
func (r *request) actor() foyer.Actor { return r.access.Actor }

// scope is whose data the caller may touch.
func (r *request) scope() foyer.Scope { return r.access.Actor.Scope }

// place is where the request came from, as much of it as is kept.
func (r *request) place() foyer.Place {
	return foyer.Place{Device: identity.Device(r.echo.Request().UserAgent()), IP: identity.CutIP(r.echo.RealIP())}
}

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
	// access is set for a customer, key for a merchant.
	access *identity.Access
	key    *merchant.APIKey
	locale i18n.Locale
	body   []byte
	// allowedOrigin is what Access-Control-Allow-Origin will say, once it has been decided.
	allowedOrigin *string
	// secrets are fields of the answer that are told once: a repeat of the call gets null.
	secrets []string
	// committed are run once what the call did is committed.
	committed []func()
}

type requestKey struct{}

func requestOf(ctx context.Context) *request {
	r, _ := ctx.Value(requestKey{}).(*request)
	return r
}

func (r *request) header() http.Header { return r.echo.Response().Header() }

// known tells whether the caller has shown who they are.
func (r *request) known() bool { return r.access != nil || r.key != nil }

// actor is who speaks; only operations that need a token or a key ask.
func (r *request) actor() foyer.Actor {
	if r.key != nil {
		return foyer.Actor{Kind: foyer.ActorMerchant, Scope: foyer.Scope{Merchant: r.key.Merchant}, Key: string(r.key.ID)}
	}
	return r.access.Actor
}

// actingFor is the merchant's key, held to one of the merchant's customers: what the customers' services take.
func actingFor(ctx context.Context, customer foyer.CustomerID) foyer.Actor {
	actor := requestOf(ctx).actor()
	actor.Scope.Customer = customer
	return actor
}

// scope is whose data the caller may touch.
func (r *request) scope() foyer.Scope { return r.actor().Scope }

// caller names who calls: idempotency keys and places in lists are theirs alone.
func (r *request) caller() string {
	if r.key != nil {
		return string(r.key.ID)
	}
	return string(r.scope().Customer)
}

// place is where the request came from, as much of it as is kept.
func (r *request) place() foyer.Place {
	return foyer.Place{Device: identity.Device(r.echo.Request().UserAgent()), IP: identity.CutIP(r.echo.RealIP())}
}

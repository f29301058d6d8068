package httpapi

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// What browsers on an allowed origin may send and read (contract.md §2).
const (
	corsMethods = "GET, POST, PUT, PATCH, DELETE"
	corsHeaders = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Accept-Language"
	corsExposed = "X-Request-Id, ETag, Retry-After, Content-Disposition, Content-Language, Idempotency-Replayed, WWW-Authenticate"
	corsMaxAge  = "600"
)

// corsTimeout bounds the look for an origin, which most often needs no database.
const corsTimeout = 2 * time.Second

// cors answers preflights and adds the headers of CORS to every other answer, refusals too, at the moment it is written:
// only then is it known whose request it was. A foreign origin gets no headers and is not otherwise refused.
func (s *Server) cors(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := requestOf(c.Request().Context())
		path := c.Request().URL.Path
		c.Response().Header().Add("Vary", "Origin")
		if strings.HasPrefix(path, "/v1/merchant/") || path == "/v1/merchant" {
			return next(c)
		}
		origin := c.Request().Header.Get("Origin")
		preflight := c.Request().Method == http.MethodOptions && c.Request().Header.Get("Access-Control-Request-Method") != ""
		if origin != "" {
			c.Response().Before(func() {
				s.decideOrigin(r)
				if allowed := *r.allowedOrigin; allowed != "" {
					h := r.header()
					h.Set("Access-Control-Allow-Origin", allowed)
					if preflight {
						h.Set("Access-Control-Allow-Methods", corsMethods)
						h.Set("Access-Control-Allow-Headers", corsHeaders)
						h.Set("Access-Control-Max-Age", corsMaxAge)
						return
					}
					h.Set("Access-Control-Expose-Headers", corsExposed)
				}
			})
		}
		if preflight {
			c.Response().Header().Add("Vary", "Access-Control-Request-Method, Access-Control-Request-Headers")
			return c.NoContent(http.StatusNoContent)
		}
		return next(c)
	}
}

// decideOrigin decides what Access-Control-Allow-Origin says, unless it has been. It may ask the database, so whoever holds a
// transaction open until the answer is written decides before: a connection must not wait for another one.
func (s *Server) decideOrigin(r *request) {
	if r.allowedOrigin != nil {
		return
	}
	allowed := ""
	if origin := r.echo.Request().Header.Get("Origin"); origin != "" {
		allowed = s.allowedOrigin(r, r.echo.Request().URL.Path, origin)
	}
	r.allowedOrigin = &allowed
}

// allowedOrigin returns what Access-Control-Allow-Origin says, empty for no header. When the database does not answer
// nothing is allowed.
func (s *Server) allowedOrigin(r *request, path, origin string) string {
	switch {
	case path == "/.well-known/jwks.json", path == "/openapi.yaml", path == "/openapi.json", path == "/healthz",
		path == "/docs", strings.HasPrefix(path, "/docs/"):
		return "*"
	}
	// The refusal of a request that took too long is for its browser to read too, so its end does not end this.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.echo.Request().Context()), corsTimeout)
	defer cancel()
	var allowed bool
	var err error
	if r.merchant != "" {
		allowed, err = s.Merchants.AllowsOrigin(ctx, r.merchant, origin)
	} else {
		allowed, err = s.Merchants.KnowsOrigin(ctx, origin)
	}
	if err != nil || !allowed {
		return ""
	}
	return origin
}

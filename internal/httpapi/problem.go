package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"foyer/internal/foyer"
	"foyer/internal/i18n"
)

// statuses is where a kind of refusal becomes an HTTP status: the only place.
var statuses = map[foyer.Kind]int{
	foyer.Malformed:          http.StatusBadRequest,
	foyer.Unauthenticated:    http.StatusUnauthorized,
	foyer.Declined:           http.StatusPaymentRequired,
	foyer.Forbidden:          http.StatusForbidden,
	foyer.NotFound:           http.StatusNotFound,
	foyer.NotAllowed:         http.StatusMethodNotAllowed,
	foyer.Conflict:           http.StatusConflict,
	foyer.PreconditionFailed: http.StatusPreconditionFailed,
	foyer.TooLarge:           http.StatusRequestEntityTooLarge,
	foyer.Unsupported:        http.StatusUnsupportedMediaType,
	foyer.Invalid:            http.StatusUnprocessableEntity,
	foyer.RateLimited:        http.StatusTooManyRequests,
	foyer.Unavailable:        http.StatusServiceUnavailable,
}

// unavailableRetry is how many seconds a client is asked to wait when something we need does not answer.
const unavailableRetry = "2"

// refusal turns any error into one that may be told. What is not a refusal is nobody's business: internal.
func refusal(ctx context.Context, err error) *foyer.Error {
	if e, ok := foyer.AsError(err); ok {
		return e
	}
	var he *echo.HTTPError
	if errors.As(err, &he) {
		switch he.Code {
		case http.StatusNotFound:
			return foyer.Refuse(foyer.NotFound, "route.not_found")
		case http.StatusMethodNotAllowed:
			return foyer.Refuse(foyer.NotAllowed, "method_not_allowed")
		case http.StatusBadRequest:
			return foyer.Refuse(foyer.Malformed, "query.invalid")
		}
	}
	// The context is asked and not the error: a driver calls an end of time what it likes ("interrupted").
	switch ended := ctx.Err(); {
	case errors.Is(ended, context.DeadlineExceeded):
		return &foyer.Error{Kind: foyer.Unavailable, Code: "timeout", Err: err}
	case errors.Is(ended, context.Canceled): // the client is gone, nobody reads this
		return &foyer.Error{Kind: foyer.Unavailable, Code: "unavailable", Err: err}
	}
	return &foyer.Error{Kind: "internal", Code: "internal", Err: err}
}

// writeProblem answers with a problem document (RFC 9457). It is also Echo's error handler.
func (s *Server) writeProblem(err error, c echo.Context) {
	r := requestOf(c.Request().Context())
	if c.Response().Committed {
		s.Log.Error("answer broke off", "error", err)
		return
	}
	e := refusal(c.Request().Context(), err)
	if r != nil && r.merchant == "" && e.Merchant != "" {
		r.merchant = e.Merchant
	}
	status, ok := statuses[e.Kind]
	if !ok {
		status = http.StatusInternalServerError
	}
	s.logProblem(r, status, err)
	h := c.Response().Header()
	switch status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", challenge(e.Code))
	case http.StatusTooManyRequests:
		if seconds, ok := e.Params["Seconds"].(int); ok {
			h.Set("Retry-After", strconv.Itoa(seconds))
		}
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", unavailableRetry)
	}
	locale := localeOf(r, c)
	h.Set("Content-Language", locale.Language)
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	h.Del("ETag")
	body, _ := json.Marshal(problemOf(e, status, locale, h.Get("X-Request-Id")))
	c.Response().WriteHeader(status)
	if c.Request().Method != http.MethodHead {
		_, _ = c.Response().Write(append(body, '\n'))
	}
}

// challenge tells a client what credential is asked for (RFC 6750 §3).
func challenge(code string) string {
	if code == "auth.required" {
		return `Bearer realm="foyer"`
	}
	return `Bearer realm="foyer", error="invalid_token"`
}

// problemOf writes the document: extension members beside the standard ones.
func problemOf(e *foyer.Error, status int, locale i18n.Locale, requestID string) map[string]any {
	document := map[string]any{}
	for name, value := range e.Extra {
		document[name] = value
	}
	if code, declined := e.Extra["error_code"].(string); declined {
		document["error_text"] = locale.Text("attempt_error."+code, nil)
	}
	document["type"] = "urn:foyer:problem:" + e.Code
	document["title"] = locale.Text("title."+string(e.Kind), nil)
	document["status"] = status
	document["detail"] = locale.Text("problem."+e.Code, e.Params)
	document["code"] = e.Code
	document["request_id"] = requestID
	if len(e.Fields) > 0 {
		fields := make([]map[string]string, len(e.Fields))
		for i, f := range e.Fields {
			fields[i] = map[string]string{"pointer": f.Pointer, "code": f.Code, "detail": locale.Text("field."+f.Code, f.Params)}
		}
		document["errors"] = fields
	}
	return document
}

// logProblem writes what went wrong on our side; a client's mistakes, and its going away, are in the request's line only.
func (s *Server) logProblem(r *request, status int, err error) {
	if status < http.StatusInternalServerError || r != nil && errors.Is(r.echo.Request().Context().Err(), context.Canceled) {
		return
	}
	id, route := "", ""
	if r != nil {
		id, route = r.id, r.echo.Path()
	}
	attributes := []any{"request_id", id, "route", route, "error", err}
	var p *panicked
	if errors.As(err, &p) {
		attributes = append(attributes, "stack", string(p.stack))
	}
	s.Log.LogAttrs(context.Background(), slog.LevelError, "request failed", slog.Group("", attributes...))
}

// localeOf is the language of a refusal that came before the language was chosen.
func localeOf(r *request, c echo.Context) i18n.Locale {
	if r != nil && r.locale.Language != "" {
		return r.locale
	}
	if tag := c.QueryParam("locale"); tag != "" {
		if l, ok := i18n.Parse(tag); ok {
			return l
		}
	}
	if l, ok := i18n.MatchAccept(c.Request().Header.Get("Accept-Language")); ok {
		return l
	}
	if r != nil && r.portal != nil {
		return spoken(r.portal.Portal.Settings)
	}
	return i18n.English
}

package httpapi

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// begin is the outermost step: it names the request, sets what every answer carries, keeps a panic from ending the
// process, bounds the time, and writes one line to the log: the route, never the path, which may hold a token.
func (s *Server) begin(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		started := time.Now() //nolint:forbidigo // measures how long the answer took, not what time it is for anybody
		r := &request{id: s.ids("req"), echo: c}
		ctx, cancel := context.WithTimeout(context.WithValue(c.Request().Context(), requestKey{}, r), s.mayTake(c))
		defer cancel()
		c.SetRequest(c.Request().WithContext(ctx))
		s.headers(r)
		c.Response().Before(func() {
			if h := r.header(); h.Get("Content-Language") == "" && r.locale.Language != "" {
				h.Set("Content-Language", r.locale.Language)
			}
		})
		if err := guarded(next, c); err != nil {
			s.writeProblem(err, c)
		}
		s.finish(r, time.Since(started)) //nolint:forbidigo // see above
		return nil
	}
}

// longer are operations whose answer is written while it is read.
var longer = map[string]time.Duration{"exportMe": exportTimeout, "exportInvoices": exportTimeout}

// mayTake is how long the operation of the route may take, and sees to it that the connection lasts as long.
func (s *Server) mayTake(c echo.Context) time.Duration {
	o, ok := s.operations[c.Request().Method+" "+c.Path()]
	if !ok || longer[o.op.OperationID] == 0 {
		return handlerTimeout
	}
	limit := longer[o.op.OperationID]
	// The server's own deadline is a real time, whatever clock the app has. A writer that has none needs no longer one.
	_ = http.NewResponseController(c.Response().Writer).SetWriteDeadline(time.Now().Add(limit + writeTimeout - handlerTimeout)) //nolint:forbidigo // see above
	return limit
}

// panicked is a panic as an error.
type panicked struct {
	value any
	stack []byte
}

// Error says what was thrown.
func (p *panicked) Error() string { return fmt.Sprintf("panic: %v", p.value) }

func guarded(next echo.HandlerFunc, c echo.Context) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicked{value: v, stack: debug.Stack()}
		}
	}()
	return next(c)
}

// headers sets what every answer carries (contract.md §2).
func (s *Server) headers(r *request) {
	h := r.header()
	h.Set("X-Request-Id", r.id)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
	if strings.HasPrefix(s.PublicURL, "https://") {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

func (s *Server) finish(r *request, took time.Duration) {
	status := r.echo.Response().Status
	route := r.echo.Path()
	if route == "" || r.operation == nil && r.path == "" {
		route = "(none)"
	}
	s.metrics.observe(r.echo.Request().Method, route, status, took)
	s.Log.LogAttrs(r.echo.Request().Context(), slog.LevelInfo, "request",
		slog.String("request_id", r.id),
		slog.String("method", method(r.echo.Request().Method)),
		slog.String("route", route),
		slog.Int("status", status),
		slog.Duration("took", took),
		slog.Int64("bytes", r.echo.Response().Size),
		slog.String("merchant", string(r.merchant)),
	)
}

// method bounds what a client can write into logs and metrics.
func method(m string) string {
	switch m {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS":
		return m
	}
	return "OTHER"
}

func ipNet(p netip.Prefix) *net.IPNet {
	p = p.Masked()
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

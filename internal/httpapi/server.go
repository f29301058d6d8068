package httpapi

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"foyer/api"
	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/i18n"
	"foyer/internal/identity"
	"foyer/internal/invoice"
	"foyer/internal/merchant"
	"foyer/internal/notify"
	"foyer/internal/retention"
	"foyer/internal/webhook"
)

// Limits of the listener (contract.md §5). Echo sets none by itself.
const (
	maxHeaderBytes    = 16<<10 - 4096 // net/http allows 4 KiB more than it is told
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	writeTimeout      = 30 * time.Second
	idleTimeout       = 60 * time.Second
	handlerTimeout    = 10 * time.Second
	exportTimeout     = 120 * time.Second
	maxBodyBytes      = 64 << 10
	// maxSignedBytes is for messages of gateways: Stripe's of a dispute has up to 150,000 characters of evidence, and comes again for days
	// when it is refused.
	maxSignedBytes = 1 << 20
)

// Config holds what the edge depends on.
type Config struct {
	Identity  *identity.Service
	Merchants *merchant.Service
	Billing   *billing.Service
	Customers *billing.Customers
	Catalog   *billing.Catalog
	Invoices  *invoice.Service
	Notify    *notify.Service
	Retention *retention.Service
	Notices   *retention.Notices
	Webhooks  GatewayWebhooks
	// Hooks are the merchants' own endpoints, which we tell; Webhooks is what gateways tell us.
	Hooks  *webhook.Service
	Keys   IdempotencyKeys
	Audit  AuditLog
	Sender *invoice.Sender
	// Reviser corrects who invoices are made out to.
	Reviser *invoice.Reviser
	// Exporter packs a customer's documents into one file.
	Exporter invoice.Exporter
	// Receipts draws the receipt of somebody who left: its file name and the PDF.
	Receipts func(ctx context.Context, r retention.Receipt, locale i18n.Locale) (name string, pdf []byte, err error)
	Clocks   Clocks
	// ClockTurn is how long a call may move a clock; 0 is the default.
	ClockTurn time.Duration
	Keyring   *foyer.Keyring
	Now       func() time.Time
	// PublicURL is the base of links to Foyer itself; Host headers are never used (CVE-2025-70948).
	PublicURL string
	// TrustedProxies are the networks whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	Log            *slog.Logger
	Metrics        prometheus.Registerer
}

// Server answers the operations of openapi.yaml.
type Server struct {
	Config
	spec       *openapi3.T
	operations map[string]operation // by method and Echo path
	locales    localeCache
	metrics    metrics
	ids        foyer.IDs
	downloads  map[downloadKind]downloadSource
}

type operation struct {
	op   *openapi3.Operation
	item *openapi3.PathItem
	path string
	// secured operations need a customer's access token; scope is what it must allow.
	secured bool
	scope   string
	// permission is what an API key must have; set for the merchant's operations, which no token is good for.
	permission merchant.Permission
}

var _ api.StrictServerInterface = (*Server)(nil)

// New returns the public handler.
func New(c Config) (*echo.Echo, error) {
	spec, err := api.Spec()
	if err != nil {
		return nil, fmt.Errorf("httpapi: %w", err)
	}
	s := &Server{Config: c, spec: spec, operations: operationsOf(spec), metrics: newMetrics(c.Metrics), ids: foyer.NewIDs(c.Now)}
	s.downloads = map[downloadKind]downloadSource{downloadInvoice: s.invoiceToDownload, downloadReceipt: s.receiptToDownload}
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.IPExtractor = ipExtractor(c.TrustedProxies)
	e.HTTPErrorHandler = s.writeProblem
	e.Binder = binder{}
	// Use and not Group.Use, which turns 405 into 404. The order is the way of a request: see doc.go.
	e.Use(s.begin, s.cors, s.identify, s.authenticate, s.chooseLocale, s.readBody, s.validate, s.permit, s.idempotent)
	api.RegisterHandlers(e, api.NewStrictHandler(s, nil))
	e.POST("/v1/gateways/:gateway/webhooks", s.receiveGatewayWebhook)
	return e, s.registerMeta(e)
}

// NewHTTPServer returns a server with every limit set.
func NewHTTPServer(address string, handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Addr:              address,
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// operationsOf indexes the spec by what Echo calls a route, so that looking an operation up costs one map access.
func operationsOf(spec *openapi3.T) map[string]operation {
	out := map[string]operation{}
	for path, item := range spec.Paths.Map() {
		for method, op := range item.Operations() {
			o := operation{op: op, item: item, path: path}
			switch {
			case strings.HasPrefix(path, merchantPath+"/"):
				text, _ := op.Extensions["x-permission"].(string)
				o.permission = merchant.Permission(text)
			case op.Security == nil || len(*op.Security) > 0:
				o.secured, o.scope = true, scopeOf(method)
			}
			out[method+" "+echoPath(path)] = o
		}
	}
	return out
}

// merchantPath is where the merchant's side begins: other credentials, no browsers.
const merchantPath = "/v1/merchant"

// scopeOf says what a full session does an operation with (contract.md §3): every GET needs read, the rest write. What is
// allowed besides, identity knows.
func scopeOf(method string) string {
	if method == http.MethodGet {
		return identity.ScopeRead
	}
	return identity.ScopeWrite
}

// echoPath writes {name} as Echo does, :name.
func echoPath(path string) string {
	return strings.NewReplacer("{", ":", "}", "").Replace(path)
}

// ipExtractor believes X-Forwarded-For only from trusted proxies, counted from the right; without any it is the peer.
func ipExtractor(trusted []netip.Prefix) echo.IPExtractor {
	if len(trusted) == 0 {
		return echo.ExtractIPDirect()
	}
	options := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, prefix := range trusted {
		options = append(options, echo.TrustIPRange(ipNet(prefix)))
	}
	return echo.ExtractIPFromXFFHeader(options...)
}

// clock returns the time, in UTC and to the microsecond.
func (s *Server) clock() time.Time { return foyer.Micro(s.Now()) }

// portalOf returns the portal the path names.
func portalOf(ctx context.Context) *merchant.Merchant { return requestOf(ctx).portal }

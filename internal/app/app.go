package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/gateway/sandbox"
	"foyer/internal/gateway/stripe"
	"foyer/internal/httpapi"
	"foyer/internal/identity"
	"foyer/internal/invoice"
	"foyer/internal/jobs"
	"foyer/internal/merchant"
	"foyer/internal/notify"
	"foyer/internal/provider/native"
	"foyer/internal/retention"
	"foyer/internal/store"
	"foyer/internal/webhook"
)

// renderAtOnce is how many PDFs one process draws at a time; more would take the processors from everything else.
const renderAtOnce = 2

// Config is what an App is made of.
type Config struct {
	DatabaseURL string
	// Secrets are one or more secrets of 32+ bytes, separated by commas; the first writes, all read.
	Secrets   string
	PublicURL string
	// SMTPURL is smtp://… or outbox:, which keeps mails in the database.
	SMTPURL string
	// MailDomains are the domains merchants' mails may come from, besides the one of SMTPURL.
	MailDomains    []string
	TrustedProxies []netip.Prefix
	Lifetimes      identity.Lifetimes
	Limits         identity.Limits
	// Stripe is the gateway of live merchants; nil for none. Its References and Log are the App's.
	Stripe *stripe.Options
	// SandboxAtStripe moves sandbox merchants' money at Stripe too. It is for tests of the whole program against a fake of Stripe: a
	// merchant with a clock that can be moved is needed there.
	SandboxAtStripe bool
	// SandboxGatewayURL is a sandbox gateway that runs as a process of its own, SandboxGatewaySecret what it signs its
	// webhooks with; empty for one in this process.
	SandboxGatewayURL    string
	SandboxGatewaySecret string
	// Webhooks are how merchants' systems are told what happened; the zero value is as documented.
	Webhooks webhook.Options
	// ClockTurn is how long one call may move a sandbox merchant's clock; 0 is the default.
	ClockTurn time.Duration
	Now       func() time.Time
	Log       *slog.Logger
}

// App is the whole program on one database.
type App struct {
	Config
	Store     *store.Store
	Keyring   *foyer.Keyring
	IDs       foyer.IDs
	Identity  *identity.Service
	Merchants *merchant.Service
	Billing   *billing.Service
	Customers *billing.Customers
	Catalog   *billing.Catalog
	Engine    *native.Engine
	Retention *retention.Service
	Notices   *retention.Notices
	Invoices  *invoice.Service
	Notify    *notify.Service
	Hooks     *webhook.Service
	Queue     *jobs.Queue
	Workers   *jobs.Workers
	Metrics   *prometheus.Registry
	// Public answers the API, Admin what only whoever runs the instance may see.
	Public http.Handler
	Admin  http.Handler
	// sandbox is the sandbox gateway in this process; nil when it is another's.
	sandbox      *sandbox.Local
	gateways     gateways
	closeSandbox func()
	ready        atomic.Bool
}

// New opens the database and fits the parts together. It starts nothing and changes nothing.
func New(ctx context.Context, c Config) (*App, error) {
	a := &App{Config: c, Metrics: prometheus.NewRegistry()}
	var err error
	if a.Keyring, err = foyer.NewKeyring(c.Secrets); err != nil {
		return nil, fmt.Errorf("FOYER_SECRET: %w", err)
	}
	a.IDs = foyer.NewIDs(c.Now)
	a.Store, err = store.Open(ctx, c.DatabaseURL, store.Options{
		Keyring: a.Keyring, IDs: a.IDs, Now: c.Now, Log: c.Log, Present: httpapi.PresentObject(c.Now, c.PublicURL),
	})
	if err != nil {
		return nil, err
	}
	if err := a.wire(); err != nil { //nolint:contextcheck // the sandbox gateway is closed in a time of its own
		a.Close()
		return nil, err
	}
	return a, nil
}

func (a *App) wire() error {
	var err error
	if a.Queue, err = jobs.NewQueue(a.Store, quiet(a.Log)); err != nil {
		return err
	}
	var sender notify.Sender = a.Store
	maySendAs := func(string) bool { return true } // nothing leaves the outbox
	if a.SMTPURL != "outbox:" {
		smtp, err := notify.NewSMTP(a.SMTPURL, a.MailDomains...)
		if err != nil {
			return err
		}
		sender, maySendAs = smtp, smtp.MaySendAs
	}
	renderer, err := invoice.NewRenderer(renderAtOnce)
	if err != nil {
		return err
	}
	renderer.Log = a.Log
	a.Merchants = merchant.NewService(a.Store, a.IDs, a.Now, a.Stripe != nil, maySendAs)
	a.gateways.merchants = a.Merchants
	if err := a.openGateways(); err != nil {
		return err
	}
	moves, post := a.gateways, mails{a.Store, a.Queue}
	a.Engine = native.NewEngine(native.Config{
		Store: a.Store, Merchants: a.Merchants, Gateways: moves, Mails: post, MerchantMails: a.Queue, Methods: a.Queue, IDs: a.IDs, Now: a.Merchants.Clock, Real: a.Now, Log: a.Log,
		Also: func(ctx context.Context, merchant foyer.MerchantID) (bool, error) {
			return a.Retention.RunDue(ctx, merchant)
		},
	})
	a.Billing = billing.NewService(a.Store, a.IDs, a.Merchants.Clock, moves, post, a.Engine)
	a.Catalog = billing.NewCatalog(a.Store, a.IDs, a.Merchants.Clock)
	a.Retention = retention.NewService(a.Store, a.Billing, post, a.IDs, a.Merchants.Clock)
	a.Notices = retention.NewNotices(retention.NoticesConfig{
		Store: a.Store, Service: a.Retention, Jobs: a.Queue, Gate: identity.Gate{Limiter: a.Store, Keyring: a.Keyring, Limits: a.Limits}, Real: a.Now,
	})
	a.Invoices = invoice.NewService(a.Store, a.Merchants, renderer, a.Now)
	a.Identity = identity.NewService(identity.Config{
		Store: a.Store, Limiter: a.Store, Jobs: a.Queue, Customers: a.Billing, Keyring: a.Keyring, IDs: a.IDs, Now: a.Now,
		Lifetimes: a.Lifetimes, Limits: a.Limits, Issuer: a.PublicURL,
	})
	a.Customers = billing.NewCustomers(a.Store, a.Identity, a.IDs, a.Merchants.Clock)
	a.Notify = notify.NewService(notify.Config{
		Sender: sender, SignIns: a.Identity, Merchants: a.Merchants, Wordings: a.Store, Customers: a.Billing, Activity: a.Store, EventLog: a.Store, Now: a.Now,
		PublicURL: a.PublicURL, LinkLife: a.Lifetimes.MagicLink,
		Orders: a.Store, Bills: a.Billing, Documents: documents{a.Invoices}, Tickets: a.Identity, TicketLife: a.Lifetimes.MailTicket,
		Endpoints: disabledEndpoints{a.Store}, Receipts: receipts{a.Invoices, a.Retention, a.Store}, Withdrawals: pendingWithdrawals{a.Store, a.Billing}, Notices: notices{a.Notices},
		Aftermath: aftermath{a.Store},
	})
	a.Hooks = a.newHooks()
	a.Workers, err = jobs.NewWorkers(a.Store, jobs.Handlers{
		SendSignIn:      a.Notify.SendSignIn,
		SendNewSignIn:   a.Notify.SendNewSignIn,
		SendEmailChange: a.Notify.SendEmailChange,
		SendBilling:     a.Notify.SendBillingMail,
		SendEndpoint: func(ctx context.Context, merchant foyer.MerchantID, endpoint webhook.EndpointID, mail string) error {
			return a.Notify.SendEndpointMail(ctx, merchant, string(endpoint), mail)
		},
		SendWithdrawal: func(ctx context.Context, merchant foyer.MerchantID, withdrawal retention.WithdrawalID, mail string) error {
			return a.Notify.SendWithdrawalMail(ctx, merchant, string(withdrawal), mail)
		},
		SendDispute: func(ctx context.Context, merchant foyer.MerchantID, id billing.DisputeID, told int64, mail string) error {
			return a.Notify.SendDisputeMail(ctx, merchant, string(id), told, mail)
		},
		SendRefundFailed: func(ctx context.Context, merchant foyer.MerchantID, id billing.RefundID, mail string) error {
			return a.Notify.SendRefundFailedMail(ctx, merchant, string(id), mail)
		},
		Notice:        a.afterNotice,
		Settle:        a.Engine.Settle,
		FollowMethods: a.Billing.FollowMethods,
		ChainAudit:    a.Merchants.ChainAudit,
		Prune:         func(ctx context.Context) error { return a.Store.Prune(ctx, foyer.Micro(a.Now())) },
	}, quiet(a.Log))
	if err != nil {
		return err
	}
	a.Metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectors.NewDBStatsCollector(a.Store.SQL(), "foyer"))
	api, err := httpapi.New(httpapi.Config{
		Identity: a.Identity, Merchants: a.Merchants, Billing: a.Billing, Customers: a.Customers, Catalog: a.Catalog, Invoices: a.Invoices, Notify: a.Notify,
		Retention: a.Retention, Notices: a.Notices, Webhooks: webhooks{a}, Hooks: a.Hooks, Keys: a.Store, Audit: a.Store,
		Receipts: receipts{a.Invoices, a.Retention, a.Store}.draw,
		Clocks:   clocks{a.Engine, a.Merchants}, ClockTurn: a.ClockTurn,
		Sender: invoice.NewSender(invoice.SenderConfig{
			Store: a.Store, Customers: a.Billing, Mails: post, Limiter: a.Store, Rules: a.Limits[identity.LimitInvoiceSend], IDs: a.IDs,
			Now: a.Merchants.Clock, Real: a.Now,
		}),
		Reviser:  invoice.NewReviser(invoice.ReviserConfig{Store: a.Store, Merchants: a.Merchants, Refunds: a.Engine, Mails: post, IDs: a.IDs, Now: a.Merchants.Clock}),
		Exporter: invoice.Exporter{Documents: a.Invoices, Gate: identity.Gate{Limiter: a.Store, Keyring: a.Keyring, Limits: a.Limits}, Real: a.Now},
		Keyring:  a.Keyring, Now: a.Now, PublicURL: a.PublicURL, TrustedProxies: a.TrustedProxies, Log: a.Log, Metrics: a.Metrics,
	})
	if err != nil {
		return err
	}
	a.Public = a.withSandbox(api)
	a.Admin = a.admin()
	return nil
}

// Migrate brings the schema up to date, ours and the job queue's, and returns what it applied.
func (a *App) Migrate(ctx context.Context) ([]string, error) {
	applied, err := a.Store.Migrate(ctx)
	if err != nil {
		return nil, err
	}
	if err := sandbox.Migrate(ctx, a.Store.SQL()); err != nil {
		return applied, fmt.Errorf("sandbox gateway: %w", err)
	}
	return applied, jobs.Migrate(ctx, a.Store)
}

// CopyTo copies everything from this embedded database into another App's empty PostgreSQL one, the sandbox gateway's books
// too; see store.CopyTo.
func (a *App) CopyTo(ctx context.Context, target *App, progress func(table string, rows int64)) error {
	return a.Store.CopyTo(ctx, target.Store, progress, sandbox.Tables...)
}

// Close returns the connections.
func (a *App) Close() {
	if a.closeSandbox != nil {
		a.closeSandbox()
	}
	a.Store.Close()
}

// quiet lets the job queue speak only when something is wrong.
func quiet(log *slog.Logger) *slog.Logger { return slog.New(atLeastWarn{log.Handler()}) }

type atLeastWarn struct{ slog.Handler }

// Enabled implements slog.Handler.
func (h atLeastWarn) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.Handler.Enabled(ctx, level)
}

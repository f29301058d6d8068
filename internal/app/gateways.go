package app

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/gateway/sandbox"
	"foyer/internal/gateway/stripe"
	"foyer/internal/i18n"
	"foyer/internal/invoice"
	"foyer/internal/jobs"
	"foyer/internal/merchant"
	"foyer/internal/provider/native"
	"foyer/internal/retention"
	"foyer/internal/store"
)

// sandboxPath is where the sandbox gateway's form is posted to when it runs in this process.
const sandboxPath = "/sandbox-gateway"

// gateways knows what moves a merchant's money: the sandbox for sandbox merchants, the configured one for live ones.
type gateways struct {
	merchants *merchant.Service
	sandbox   billing.Gateway
	live      billing.Gateway
}

// GatewayOf implements billing.Gateways.
func (g gateways) GatewayOf(ctx context.Context, id foyer.MerchantID) (billing.Gateway, error) {
	m, err := g.merchants.ByID(ctx, id)
	if err != nil {
		return nil, err
	}
	if m.Mode == merchant.Sandbox {
		return g.sandbox, nil
	}
	if g.live == nil {
		return nil, foyer.Refuse(foyer.Conflict, "gateway.not_configured")
	}
	return g.live, nil
}

// byName returns the gateway a message came for.
func (g gateways) byName(name string) (billing.Gateway, bool) {
	for _, gateway := range []billing.Gateway{g.sandbox, g.live} {
		if gateway != nil && gateway.Name() == name {
			return gateway, true
		}
	}
	return nil, false
}

// openGateways makes what moves money.
func (a *App) openGateways() (err error) {
	if a.Stripe != nil {
		options := *a.Stripe
		options.References, options.Log = a.Store, a.Log
		live, err := stripe.New(options)
		if err != nil {
			return fmt.Errorf("FOYER_STRIPE_API_URL: %w", err)
		}
		a.gateways.live = live
	}
	if a.SandboxAtStripe && a.gateways.live != nil {
		a.gateways.sandbox = a.gateways.live
		return nil
	}
	if a.gateways.sandbox, err = a.openSandbox(); err != nil {
		return fmt.Errorf("FOYER_SANDBOX_GATEWAY_URL: %w", err)
	}
	return nil
}

// openSandbox returns the sandbox gateway: a process of its own where an address is given, else one in this process, on its
// own tables of the same database.
func (a *App) openSandbox() (billing.Gateway, error) {
	if a.SandboxGatewayURL != "" {
		return sandbox.NewRemote(a.SandboxGatewayURL, sandbox.RemoteOptions{WebhookSecret: a.SandboxGatewaySecret})
	}
	a.sandbox = sandbox.NewLocal(a.Store.SQL(), sandbox.Options{Now: a.Now, Log: a.Log, WebhookSecret: a.SandboxGatewaySecret, OnNotice: a.noticed})
	a.closeSandbox = func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = a.sandbox.Close(ctx) // what it did not tell is looked up
	}
	return a.sandbox, nil
}

// noticed sees to it that what changed at the gateway is looked at.
func (a *App) noticed(n billing.GatewayNotice) {
	if !lookable(n) {
		return
	}
	ctx := context.Background()
	if err := a.lookInto(ctx, n); err != nil {
		// A charge is not lost: the attempt's lease runs out and it is looked up then.
		a.Log.WarnContext(ctx, "gateway notice not enqueued", "merchant", n.Merchant, "error", err)
	}
}

// withSandbox serves the sandbox gateway's form beside the API, when it runs in this process.
func (a *App) withSandbox(api http.Handler) http.Handler {
	if a.sandbox == nil {
		return api
	}
	form := http.StripPrefix(sandboxPath, a.sandbox.Public())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, sandboxPath+"/") {
			form.ServeHTTP(w, r)
			return
		}
		api.ServeHTTP(w, r)
	})
}

// mails writes ordered mails down and enqueues them, in the open transaction.
type mails struct {
	store *store.Store
	queue *jobs.Queue
}

// EnqueueMails implements billing.Mails.
func (m mails) EnqueueMails(ctx context.Context, orders []billing.MailOrder) error {
	if err := m.store.CreateMailOrders(ctx, orders...); err != nil {
		return err
	}
	return m.queue.EnqueueBillingMails(ctx, orders)
}

// EnqueueWithdrawalMail implements retention.Mails.
func (m mails) EnqueueWithdrawalMail(ctx context.Context, merchant foyer.MerchantID, id retention.WithdrawalID, mail string) error {
	return m.queue.EnqueueWithdrawalMail(ctx, merchant, id, mail)
}

// clocks tells and moves merchants' clocks.
type clocks struct {
	engine    *native.Engine
	merchants *merchant.Service
}

// Clock implements httpapi.Clocks.
func (c clocks) Clock(ctx context.Context, id foyer.MerchantID) (time.Time, error) {
	return c.merchants.Clock(ctx, id)
}

// Advance implements httpapi.Clocks. A live merchant's clock is refused before anything else is said about it.
func (c clocks) Advance(ctx context.Context, id foyer.MerchantID, to time.Time, enough func() bool) (time.Time, bool, error) {
	m, err := c.merchants.ByID(ctx, id)
	if err != nil {
		return time.Time{}, false, err
	}
	if m.Mode != merchant.Sandbox {
		return time.Time{}, false, foyer.Refuse(foyer.Conflict, "clock.live")
	}
	return c.engine.AdvanceUntil(ctx, c.merchants, id, to, enough)
}

// documents gives notify the PDFs it attaches.
type documents struct{ invoices *invoice.Service }

// InvoicePDF implements notify.Documents.
func (d documents) InvoicePDF(ctx context.Context, scope foyer.Scope, id string, locale i18n.Locale) (string, []byte, error) {
	file, err := d.invoices.Download(ctx, scope, invoice.ID(id), locale)
	if err != nil {
		return "", nil, err
	}
	return invoice.FileName(file.Invoice, locale), file.Content, nil
}

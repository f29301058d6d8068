package app

import (
	"context"
	"errors"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// webhooks takes the messages of the gateways there are.
type webhooks struct{ app *App }

// ReceiveWebhook implements httpapi.GatewayWebhooks. The same message again enqueues another look, which finds nothing to do.
func (w webhooks) ReceiveWebhook(ctx context.Context, gateway string, header map[string][]string, body []byte) error {
	named, _ := w.app.gateways.byName(gateway)
	reader, can := named.(billing.WebhookReader)
	if !can {
		return foyer.ErrNotFound()
	}
	notice, err := reader.ReadWebhook(ctx, header, body, w.app.Now())
	if err != nil || !lookable(notice) {
		return err
	}
	if _, err := w.app.Merchants.ByID(ctx, notice.Merchant); errors.Is(err, foyer.NotFound) {
		return nil // signed, and about another Foyer's merchant: nothing to do here
	} else if err != nil {
		return err // not accepted, so it is sent again
	}
	return w.app.lookInto(ctx, notice)
}

// lookable tells whether a notice is about anything that can be looked at.
func lookable(n billing.GatewayNotice) bool { return n.ChargeKey != "" || n.Customer != "" }

// lookInto enqueues the look at the gateway that a notice is a reason for.
func (a *App) lookInto(ctx context.Context, n billing.GatewayNotice) error {
	return a.Store.InTx(ctx, func(ctx context.Context) error {
		if n.Customer != "" {
			if err := a.Queue.EnqueueFollowMethods(ctx, foyer.Scope{Merchant: n.Merchant, Customer: n.Customer}); err != nil {
				return err
			}
		}
		if n.ChargeKey == "" {
			return nil
		}
		return a.Queue.EnqueueSettle(ctx, n.Merchant, billing.AttemptID(n.ChargeKey))
	})
}

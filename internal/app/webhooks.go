package app

import (
	"context"

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
	if err != nil || notice.ChargeKey == "" {
		return err
	}
	if _, err := w.app.Merchants.ByID(ctx, notice.Merchant); err != nil {
		return nil //nolint:nilerr // signed, and about another Foyer's merchant: nothing to do here
	}
	return w.app.Store.InTx(ctx, func(ctx context.Context) error {
		return w.app.Queue.EnqueueSettle(ctx, notice.Merchant, billing.AttemptID(notice.ChargeKey))
	})
}

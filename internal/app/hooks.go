package app

import (
	"context"
	"errors"
	"net/url"

	"github.com/prometheus/client_golang/prometheus"

	"foyer/internal/foyer"
	"foyer/internal/httpapi"
	"foyer/internal/notify"
	"foyer/internal/store"
	"foyer/internal/webhook"
)

// newHooks is the service that tells merchants' systems what happened, with its figures.
func (a *App) newHooks() *webhook.Service {
	outcomes := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "foyer_webhook_tries_total", Help: "Tries to deliver a webhook, by what came of them.",
	}, []string{"outcome"})
	due := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "foyer_webhook_deliveries_due", Help: "Deliveries that are due now; counted up to 10,000.",
	}, func() float64 {
		n, err := a.Store.DueDeliveries(context.Background(), foyer.Micro(a.Now()), 10_000)
		if err != nil {
			a.Log.Warn("due deliveries can't be counted", "error", err)
		}
		return float64(n)
	})
	a.Metrics.MustRegister(outcomes, due)
	for _, o := range webhook.Outcomes {
		outcomes.WithLabelValues(string(o))
	}
	return webhook.NewService(webhook.Config{
		Store: a.Store, Messages: messages{a.Store}, Mails: a.Queue, IDs: a.IDs, Now: a.Now, Options: a.Webhooks, Log: a.Log,
		Observe: func(o webhook.Outcome) { outcomes.WithLabelValues(string(o)).Inc() },
	})
}

// messages gives webhook the events as the API shows them.
type messages struct{ store *store.Store }

// EventMessages implements webhook.Messages.
func (m messages) EventMessages(ctx context.Context, merchant foyer.MerchantID, ids []string) (map[string][]byte, error) {
	events, err := m.store.EventsByID(ctx, merchant, ids)
	if err != nil {
		return nil, err
	}
	out := make(map[string][]byte, len(events))
	for _, e := range events {
		if out[e.ID], err = httpapi.PresentEvent(e); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// disabledEndpoints gives notify the endpoints it tells merchants of.
type disabledEndpoints struct{ store *store.Store }

// DisabledEndpoint implements notify.Endpoints.
func (d disabledEndpoints) DisabledEndpoint(ctx context.Context, merchant foyer.MerchantID, id string) (notify.DisabledEndpoint, bool, error) {
	e, err := d.store.WebhookEndpoint(ctx, merchant, webhook.EndpointID(id))
	if errors.Is(err, foyer.NotFound) {
		return notify.DisabledEndpoint{}, false, nil
	}
	if err != nil || e.ArchivedAt != nil || e.Status != webhook.Disabled || e.DisabledReason == webhook.DisabledByMerchant || e.FailingSince == nil {
		return notify.DisabledEndpoint{}, false, err
	}
	host := ""
	if u, err := url.Parse(e.URL); err == nil {
		host = u.Hostname()
	}
	return notify.DisabledEndpoint{
		ID: id, Host: host, Description: e.Description, Gone: e.DisabledReason == webhook.DisabledGone, FailingSince: *e.FailingSince, At: *e.DisabledAt,
	}, true, nil
}

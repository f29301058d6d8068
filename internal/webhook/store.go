package webhook

import (
	"context"
	"time"

	"foyer/internal/foyer"
)

// Store keeps endpoints and deliveries. Not found is foyer.NotFound; methods join the transaction in ctx.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	// Conclude is InTx for the transaction that may be a call's last.
	Conclude(ctx context.Context, fn func(ctx context.Context) error) error

	// CreateWebhookEndpoint keeps a new endpoint; Conflict (webhook_endpoint.too_many) when the merchant has the most there may be.
	CreateWebhookEndpoint(ctx context.Context, e Endpoint, most int) error
	// WebhookEndpoints returns a page of those not archived, without secrets.
	WebhookEndpoints(ctx context.Context, merchant foyer.MerchantID, page foyer.PageRequest) ([]Endpoint, error)
	// WebhookEndpoint returns one, archived or not, with its secrets.
	WebhookEndpoint(ctx context.Context, merchant foyer.MerchantID, id EndpointID) (Endpoint, error)
	// WebhookEndpointForUpdate is WebhookEndpoint that keeps others from changing it until the transaction ends.
	WebhookEndpointForUpdate(ctx context.Context, merchant foyer.MerchantID, id EndpointID) (Endpoint, error)
	SaveWebhookEndpoint(ctx context.Context, e Endpoint) error

	CreateDelivery(ctx context.Context, d Delivery) error
	// Deliveries returns a page, without attempts.
	Deliveries(ctx context.Context, merchant foyer.MerchantID, filter DeliveryFilter, page foyer.PageRequest) ([]Delivery, error)
	Delivery(ctx context.Context, merchant foyer.MerchantID, id DeliveryID) (Delivery, error)
	DeliveryForUpdate(ctx context.Context, merchant foyer.MerchantID, id DeliveryID) (Delivery, error)
	// SaveDelivery saves what a try or a redelivery changed.
	SaveDelivery(ctx context.Context, d Delivery) error
	// RedeliverSpan makes deliveries of the endpoint's events in the span that failed, or that it never got, due at once, oldest first and
	// at most so many, and returns how many. It reads none of them.
	RedeliverSpan(ctx context.Context, e Endpoint, span foyer.Period, now time.Time, most int) (int64, error)

	// EndpointsDue returns the endpoints of all merchants that have a delivery due by now, without secrets.
	EndpointsDue(ctx context.Context, now time.Time) ([]Endpoint, error)
	// ClaimDeliveries takes due deliveries of an endpoint, first due first: until the lease ends nobody else gets them.
	ClaimDeliveries(ctx context.Context, e Endpoint, lease string, now, until time.Time, limit int) ([]Delivery, error)
	// FinishDelivery is SaveDelivery if the lease is still the one it was claimed under.
	FinishDelivery(ctx context.Context, d Delivery, lease string) (bool, error)
	// RenewDeliveries moves the end of a lease, of any merchant's deliveries.
	RenewDeliveries(ctx context.Context, ids []DeliveryID, lease string, until time.Time) error
	// ReleaseDeliveries gives back what was claimed and not sent: it is due now.
	ReleaseDeliveries(ctx context.Context, merchant foyer.MerchantID, ids []DeliveryID, lease string, now time.Time) error
	// FailDeliveries ends due deliveries of an endpoint without a try and returns how many.
	FailDeliveries(ctx context.Context, e Endpoint, why Outcome, now time.Time, limit int) (int64, error)
}

// Messages renders events.
type Messages interface {
	// EventMessages returns the events as the API shows them, by id; those that are no longer there are left out.
	EventMessages(ctx context.Context, merchant foyer.MerchantID, ids []string) (map[string][]byte, error)
}

// Mails tells merchants what became of their endpoints, from within the open transaction.
type Mails interface {
	EnqueueEndpointMail(ctx context.Context, merchant foyer.MerchantID, endpoint EndpointID, mail string) error
}

// DeliveryFilter narrows a list of deliveries; empty is everything.
type DeliveryFilter struct {
	Endpoint EndpointID
	Event    string
	Statuses []DeliveryStatus
}

package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"foyer/internal/foyer"
)

// MaxRedelivered is how many deliveries one call makes due again; who has more calls again.
const MaxRedelivered = 10_000

// longestSpan bounds how many events one call may look through.
const longestSpan = 31 * 24 * time.Hour

// Deliveries returns a page of the merchant's deliveries, newest first, without their attempts.
func (s *Service) Deliveries(ctx context.Context, merchant foyer.MerchantID, filter DeliveryFilter, page foyer.PageRequest) ([]Delivery, error) {
	return s.Store.Deliveries(ctx, merchant, filter, page)
}

// Delivery returns one of the merchant's deliveries with its attempts.
func (s *Service) Delivery(ctx context.Context, merchant foyer.MerchantID, id DeliveryID) (Delivery, error) {
	return s.Store.Delivery(ctx, merchant, id)
}

// Redeliver makes a delivery due at once, whatever became of it, with the whole schedule before it. The event's id stays.
//
// Refusals: Conflict (webhook_endpoint.archived, webhook_endpoint.disabled).
func (s *Service) Redeliver(ctx context.Context, merchant foyer.MerchantID, id DeliveryID) (Delivery, error) {
	var again Delivery
	err := s.Store.Conclude(ctx, func(ctx context.Context) error {
		d, err := s.Store.DeliveryForUpdate(ctx, merchant, id)
		if err != nil {
			return err
		}
		e, err := s.Store.WebhookEndpoint(ctx, merchant, d.Endpoint)
		if err != nil {
			return err
		}
		if err := e.reachable(); err != nil {
			return err
		}
		again = d.again(s.now())
		return s.Store.SaveDelivery(ctx, again)
	})
	return again, err
}

// Span says which deliveries to make due again: those of events in [From, To), by the events' own time.
type Span struct {
	Endpoint EndpointID
	From, To time.Time
}

// RedeliverSpan makes due at once what the endpoint did not get of a span: deliveries that failed, and events it has no delivery
// of because it was disabled or did not exist. It returns how many, and whether there are more, for which the caller calls again.
//
// Refusals: Invalid (an unknown endpoint, an empty or too long span); Conflict (webhook_endpoint.archived, webhook_endpoint.disabled).
func (s *Service) RedeliverSpan(ctx context.Context, merchant foyer.MerchantID, span Span) (n int64, more bool, err error) {
	if !span.From.Before(span.To) || span.To.Sub(span.From) > longestSpan {
		return 0, false, foyer.InvalidFields(foyer.FieldError{Pointer: "/to", Code: "webhook.span"})
	}
	err = s.Store.Conclude(ctx, func(ctx context.Context) error {
		e, err := s.Store.WebhookEndpoint(ctx, merchant, span.Endpoint)
		if errors.Is(err, foyer.NotFound) {
			return foyer.InvalidFields(foyer.FieldError{Pointer: "/endpoint_id", Code: "input.unknown_reference"})
		}
		if err != nil {
			return err
		}
		if err := e.reachable(); err != nil {
			return err
		}
		n, err = s.Store.RedeliverSpan(ctx, e, foyer.Period{Start: foyer.Micro(span.From), End: foyer.Micro(span.To)}, s.now(), MaxRedelivered)
		return err
	})
	return n, n == MaxRedelivered, err
}

// Test sends a message to the endpoint that tells of nothing, once, and returns its delivery.
//
// Refusals: Conflict (webhook_endpoint.archived, webhook_endpoint.disabled).
func (s *Service) Test(ctx context.Context, merchant foyer.MerchantID, id EndpointID) (Delivery, error) {
	var d Delivery
	err := s.Store.Conclude(ctx, func(ctx context.Context) error {
		e, err := s.Store.WebhookEndpoint(ctx, merchant, id)
		if err != nil {
			return err
		}
		if err := e.reachable(); err != nil {
			return err
		}
		now := s.now()
		event := foyer.Event{ID: s.IDs(foyer.PrefixEvent), Scope: foyer.Scope{Merchant: merchant}, Type: TestType, Subject: string(id), Sequence: 1, At: now}
		d = NewDelivery(DeliveryID(s.IDs(foyer.PrefixDelivery)), id, event, now)
		if d.Message, err = testMessage(event); err != nil {
			return err
		}
		return s.Store.CreateDelivery(ctx, d)
	})
	return d, err
}

// testMessage is an event as every other, about the endpoint itself.
func testMessage(e foyer.Event) ([]byte, error) {
	return json.Marshal(map[string]any{
		"id": e.ID, "type": e.Type, "created_at": e.At.Format(time.RFC3339Nano), "sequence": e.Sequence, "subject_id": e.Subject, "customer_id": nil,
		"data": map[string]any{"id": e.Subject}, "previous_attributes": nil,
	})
}

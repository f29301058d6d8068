package httpapi

import (
	"context"
	"time"

	"foyer/api"
	"foyer/internal/foyer"
	"foyer/internal/webhook"
)

// MerchantListDeliveries shows what was delivered, or is to be.
func (s *Server) MerchantListDeliveries(ctx context.Context, in api.MerchantListDeliveriesRequestObject) (api.MerchantListDeliveriesResponseObject, error) {
	q := in.Params
	p, err := s.page(ctx, listing{limit: q.Limit, after: q.After, from: q.From, to: q.To})
	if err != nil {
		return nil, err
	}
	filter := webhook.DeliveryFilter{Endpoint: webhook.EndpointID(value(q.EndpointId)), Event: value(q.EventId)}
	if q.Status != nil {
		filter.Statuses = each(*q.Status, func(v api.DeliveryStatus) webhook.DeliveryStatus { return webhook.DeliveryStatus(v) })
	}
	found, err := s.Hooks.Deliveries(ctx, requestOf(ctx).merchant, filter, p)
	if err != nil {
		return nil, err
	}
	found, next := cut(ctx, s, found, p, func(d webhook.Delivery) foyer.PageKey { return foyer.PageKey{At: d.CreatedAt, ID: string(d.ID)} })
	return api.MerchantListDeliveries200JSONResponse{Body: api.DeliveryList{
		Page: next, Data: each(found, func(d webhook.Delivery) api.Delivery { return showDelivery(d, false) }),
	}}, nil
}

// MerchantGetDelivery shows one delivery with its attempts.
func (s *Server) MerchantGetDelivery(ctx context.Context, in api.MerchantGetDeliveryRequestObject) (api.MerchantGetDeliveryResponseObject, error) {
	found, err := s.Hooks.Delivery(ctx, requestOf(ctx).merchant, webhook.DeliveryID(in.DeliveryId))
	if err != nil {
		return nil, err
	}
	shown := showDelivery(found, true)
	same, err := unchanged(ctx, int64(found.Tries)+1, shown)
	if err != nil {
		return nil, err
	}
	if same {
		return api.MerchantGetDelivery304Response{}, nil
	}
	return api.MerchantGetDelivery200JSONResponse{Body: shown}, nil
}

// MerchantRedeliver delivers an event again.
func (s *Server) MerchantRedeliver(ctx context.Context, in api.MerchantRedeliverRequestObject) (api.MerchantRedeliverResponseObject, error) {
	again, err := s.Hooks.Redeliver(ctx, requestOf(ctx).merchant, webhook.DeliveryID(in.DeliveryId))
	if err != nil {
		return nil, err
	}
	return api.MerchantRedeliver200JSONResponse{Body: showDelivery(again, true)}, nil
}

// MerchantRedeliverSpan delivers again what an endpoint missed.
func (s *Server) MerchantRedeliverSpan(ctx context.Context, in api.MerchantRedeliverSpanRequestObject) (api.MerchantRedeliverSpanResponseObject, error) {
	n, more, err := s.Hooks.RedeliverSpan(ctx, requestOf(ctx).merchant, webhook.Span{
		Endpoint: webhook.EndpointID(in.Body.EndpointId), From: in.Body.From, To: in.Body.To,
	})
	if err != nil {
		return nil, err
	}
	return api.MerchantRedeliverSpan200JSONResponse{Body: api.Redelivered{Count: n, HasMore: more}}, nil
}

func showDelivery(d webhook.Delivery, withAttempts bool) api.Delivery {
	shown := api.Delivery{
		Id: string(d.ID), EndpointId: string(d.Endpoint), EventId: d.Event, EventType: string(d.EventType), EventCreatedAt: d.EventAt,
		Status: api.DeliveryStatus(d.Status), Tries: int32(d.Tries), LastOutcome: orNull(d.LastOutcome), LastHttpStatus: status(d.LastStatus),
		CreatedAt: d.CreatedAt, CompletedAt: d.CompletedAt,
	}
	if d.Lease == "" {
		shown.NextTryAt = d.DueAt
	}
	if withAttempts {
		attempts := each(d.Attempts, showDeliveryAttempt)
		shown.Attempts = &attempts
	}
	return shown
}

func showDeliveryAttempt(a webhook.Attempt) api.DeliveryAttempt {
	shown := api.DeliveryAttempt{At: a.At, Outcome: api.DeliveryOutcome(a.Outcome), HttpStatus: status(a.Status)}
	if a.Took > 0 {
		took := int64(a.Took / time.Millisecond)
		shown.DurationMs = &took
	}
	return shown
}

// status is null when no answer came.
func status(code int) *int32 {
	if code == 0 {
		return nil
	}
	shown := int32(code)
	return &shown
}

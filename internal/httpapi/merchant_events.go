package httpapi

import (
	"context"
	"encoding/json"

	"foyer/api"
	"foyer/internal/foyer"
	"foyer/internal/notify"
)

// MerchantListEvents shows what changed.
func (s *Server) MerchantListEvents(ctx context.Context, in api.MerchantListEventsRequestObject) (api.MerchantListEventsResponseObject, error) {
	q := in.Params
	p, err := s.page(ctx, listing{limit: q.Limit, after: q.After, from: q.From, to: q.To})
	if err != nil {
		return nil, err
	}
	filter := notify.EventFilter{Subject: value(q.SubjectId), Customer: foyer.CustomerID(value(q.CustomerId))}
	if q.Type != nil {
		filter.Types = each(*q.Type, func(t string) foyer.EventType { return foyer.EventType(t) })
	}
	found, err := s.Notify.Events(ctx, requestOf(ctx).merchant, filter, p)
	if err != nil {
		return nil, err
	}
	found, next := cut(ctx, s, found, p, func(e notify.Event) foyer.PageKey { return foyer.PageKey{At: e.At, ID: e.ID} })
	return api.MerchantListEvents200JSONResponse{Body: api.EventList{Page: next, Data: each(found, showEvent)}}, nil
}

// MerchantGetEvent shows one change.
func (s *Server) MerchantGetEvent(ctx context.Context, in api.MerchantGetEventRequestObject) (api.MerchantGetEventResponseObject, error) {
	found, err := s.Notify.Event(ctx, requestOf(ctx).merchant, in.EventId)
	if err != nil {
		return nil, err
	}
	shown := showEvent(found)
	same, err := unchanged(ctx, found.Sequence, shown)
	if err != nil {
		return nil, err
	}
	if same {
		return api.MerchantGetEvent304Response{}, nil
	}
	return api.MerchantGetEvent200JSONResponse{Body: shown}, nil
}

func showEvent(e notify.Event) api.Event {
	return api.Event{
		Id: e.ID, Type: string(e.Type), CreatedAt: e.At, Sequence: e.Sequence, SubjectId: e.Subject, CustomerId: orNull(e.Scope.Customer),
		Data: rawOrNull(e.Object), PreviousAttributes: rawOrNull(e.Previous),
	}
}

func rawOrNull(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return json.RawMessage("null")
	}
	return raw
}

// PresentEvent writes an event as merchantGetEvent shows it and webhooks carry it.
func PresentEvent(e notify.Event) ([]byte, error) { return json.Marshal(showEvent(e)) }

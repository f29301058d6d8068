package notify

import (
	"context"
	"encoding/json"

	"foyer/internal/foyer"
)

// Event is a change as it is told: with the thing as the API showed it after the change.
type Event struct {
	foyer.Event
	// Object is the thing, as a merchant reads it (in English); empty for events written before objects were kept.
	Object json.RawMessage
	// Previous holds the fields of Object that were different at the event before, but for those other things' events tell of; empty when
	// there was none.
	Previous json.RawMessage
}

// EventFilter narrows a list of events; empty fields do not.
type EventFilter struct {
	Types    []foyer.EventType
	Subject  string
	Customer foyer.CustomerID
}

// EventStore keeps events.
type EventStore interface {
	// Events returns a page of the merchant's events, newest first.
	Events(ctx context.Context, merchant foyer.MerchantID, filter EventFilter, page foyer.PageRequest) ([]Event, error)
	// Event returns one event of the merchant; foyer.NotFound when it is none.
	Event(ctx context.Context, merchant foyer.MerchantID, id string) (Event, error)
}

// Events returns a page of the merchant's events, newest first.
func (s *Service) Events(ctx context.Context, merchant foyer.MerchantID, filter EventFilter, page foyer.PageRequest) ([]Event, error) {
	return s.EventLog.Events(ctx, merchant, filter, page)
}

// Event returns one event of the merchant.
func (s *Service) Event(ctx context.Context, merchant foyer.MerchantID, id string) (Event, error) {
	return s.EventLog.Event(ctx, merchant, id)
}

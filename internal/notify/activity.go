package notify

import (
	"context"
	"slices"
	"strings"

	"foyer/internal/foyer"
)

// toldOfEvents are the events a customer sees in their activity; i18n has a text for each. What happened to sessions and to the
// customer's own details is written down there by itself, with the device.
var toldOfEvents = []foyer.EventType{
	"subscription.created", "subscription.updated", "subscription.active", "subscription.past_due", "subscription.paused", "subscription.canceled",
	"payment.billed", "payment.completed", "payment.past_due", "payment.canceled", "payment.updated", "payment.disputed", "payment.dispute_closed",
	"invoice.created", "invoice.replaced",
	"payment_method.created", "payment_method.updated", "payment_method.deleted",
	"cancellation.created", "cancellation.offered", "cancellation.saved", "cancellation.scheduled", "cancellation.canceled", "cancellation.undone",
	"cancellation.abandoned", "cancellation.expired",
	"withdrawal.confirmed", "withdrawal.completed", "withdrawal.expired", "withdrawal.dismissed",
}

// Activity returns a page of what happened to the customer, newest first: what was written down for them, and the events of
// their things. Both lists are read to the length of a page and laid together, so a page costs the same wherever it is.
func (s *Service) Activity(ctx context.Context, scope foyer.Scope, page foyer.PageRequest) ([]foyer.Activity, error) {
	written, err := s.Config.Activity.Activity(ctx, scope, page)
	if err != nil {
		return nil, err
	}
	if page.After != nil {
		after := *page.After
		after.ID = renamed(after.ID, foyer.PrefixEvent)
		page.After = &after
	}
	events, err := s.EventLog.Events(ctx, scope.Merchant, EventFilter{Types: toldOfEvents, Customer: scope.Customer}, page)
	if err != nil {
		return nil, err
	}
	for _, e := range events {
		written = append(written, foyer.Activity{
			ID: renamed(e.ID, foyer.PrefixActivity), Scope: scope, Type: foyer.ActivityType(e.Type), Subject: e.Subject, At: e.At,
		})
	}
	slices.SortFunc(written, func(a, b foyer.Activity) int {
		if c := b.At.Compare(a.At); c != 0 {
			return c
		}
		return strings.Compare(b.ID, a.ID)
	})
	return written[:min(len(written), page.Limit)], nil
}

// renamed is an id under another prefix: activity and events are each in the order of what follows it.
func renamed(id string, to foyer.Prefix) string {
	_, ulid, _ := strings.Cut(id, "_")
	return string(to) + "_" + ulid
}

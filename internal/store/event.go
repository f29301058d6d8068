package store

import (
	"context"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

type eventRow struct {
	ID         string
	MerchantID foyer.MerchantID
	CustomerID foyer.CustomerID
	Type       billing.EventType
	SubjectID  string
	Sequence   int64
	CreatedAt  time.Time
}

func (eventRow) TableName() string { return "events" }

// RecordEvents implements billing.Store.
func (s *Store) RecordEvents(ctx context.Context, events ...billing.Event) error {
	if len(events) == 0 {
		return nil
	}
	rows := make([]eventRow, len(events))
	for i, e := range events {
		rows[i] = eventRow{
			ID: e.ID, MerchantID: e.Scope.Merchant, CustomerID: e.Scope.Customer, Type: e.Type, SubjectID: e.Subject, Sequence: e.Sequence, CreatedAt: e.At,
		}
	}
	return translate(s.db(ctx).Create(&rows).Error)
}

// Events returns what happened to the customer's things, oldest first.
func (s *Store) Events(ctx context.Context, scope foyer.Scope) ([]billing.Event, error) {
	var rows []eventRow
	err := s.db(ctx).Where("merchant_id = ? AND customer_id = ?", scope.Merchant, scope.Customer).Order("created_at, id").Find(&rows).Error
	out := make([]billing.Event, len(rows))
	for i, r := range rows {
		out[i] = billing.Event{
			ID: r.ID, Scope: foyer.Scope{Merchant: r.MerchantID, Customer: r.CustomerID}, Type: r.Type, Subject: r.SubjectID, Sequence: r.Sequence,
			At: r.CreatedAt.UTC(),
		}
	}
	return out, translate(err)
}

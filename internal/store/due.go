package store

import (
	"context"
	"time"

	"foyer/internal/foyer"
)

// NextDue returns the earliest moment anything of the merchant falls due by its clock; nil when nothing will. Each of
// them is the first entry of an index.
func (s *Store) NextDue(ctx context.Context, merchant foyer.MerchantID) (*time.Time, error) {
	var first *time.Time
	for _, of := range []struct{ table, column string }{
		{"subscriptions", "due_at"},
		{"payments", "due_at"},
		{"payment_methods", "notice_at"},
		{"cancellations", "due_at"},
		{"withdrawals", "due_at"},
	} {
		var found []time.Time
		err := s.db(ctx).Table(of.table).Where("merchant_id = ? AND "+of.column+" IS NOT NULL", merchant).Order(of.column).Limit(1).Pluck(of.column, &found).Error
		if err != nil {
			return nil, translate(err)
		}
		if len(found) > 0 && (first == nil || found[0].Before(*first)) {
			at := found[0].UTC()
			first = &at
		}
	}
	return first, nil
}

// Abandoned tells whether a lease of the merchant's attempts or refunds has run out by now, or an attempt is to be looked at.
func (s *Store) Abandoned(ctx context.Context, merchant foyer.MerchantID, now time.Time) (bool, error) {
	for _, of := range []struct{ table, column string }{{"attempts", "leased_until"}, {"attempts", "look_at"}, {"refunds", "leased_until"}} {
		var found []string
		err := s.db(ctx).Table(of.table).Where("merchant_id = ? AND "+of.column+" <= ?", merchant, now.UTC()).Limit(1).Pluck("id", &found).Error
		if err != nil || len(found) > 0 {
			return len(found) > 0, translate(err)
		}
	}
	return false, nil
}

package store

import (
	"context"

	"foyer/internal/billing"
)

// SaveEmail implements billing.Store: the version decides which of two changes at once is made, a unique index who has the
// address.
func (s *Store) SaveEmail(ctx context.Context, c billing.Customer) (bool, error) {
	row := newCustomerRow(c)
	row.EditedAt = &row.UpdatedAt
	result := s.db(ctx).Model(&customerRow{}).Where("merchant_id = ? AND id = ? AND version = ? AND NOT archived", c.Merchant, c.ID, c.Version-1).
		Select("email", "email_key", "edited_at", "updated_at", "version").UpdateColumns(&row)
	return result.RowsAffected == 1, translate(result.Error)
}

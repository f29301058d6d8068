package store

import (
	"context"

	"foyer/internal/foyer"
)

// NextNumbers reserves n numbers of a merchant's series and returns the first. The row stays locked until the transaction
// ends, so that a number is taken exactly when its document is written: no gap, whatever is rolled back. Ask last, and for
// many at once: everybody else who numbers waits.
func (s *Store) NextNumbers(ctx context.Context, merchant foyer.MerchantID, series string, n int) (int64, error) {
	var last int64
	err := s.db(ctx).Raw("INSERT INTO number_series (merchant_id, series, last) VALUES (?, ?, ?) "+
		"ON CONFLICT (merchant_id, series) DO UPDATE SET last = number_series.last + excluded.last RETURNING last", merchant, series, n).Scan(&last).Error
	return last - int64(n) + 1, translate(err)
}

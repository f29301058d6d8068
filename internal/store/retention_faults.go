package store

import (
	"context"
	"time"

	"foyer/internal/foyer"
	"foyer/internal/retention"
)

// faultBatch is how many rows are looked at at once.
const faultBatch = 500

// retentionFaults adds up the merchant's cancellations anew, day by day, and counts the rows of sums that are something else; and the
// receipts that a confirmed cancellation should have and has not, or whose content is not what was sealed.
func (s *Store) retentionFaults(ctx context.Context, merchant foyer.MerchantID) (sums, receipts int64, err error) {
	day, done := "", "" // the day being read, and the one up to which all are compared
	var want []retention.TallyEntry
	compare := func(to string) error {
		broken, err := s.brokenSums(ctx, merchant, done, to, want)
		sums, done, want = sums+broken, to, nil
		return err
	}
	var last cancellationRow
	for {
		var rows []cancellationRow
		err := s.db(ctx).Where("merchant_id = ? AND (created_at, id) > (?, ?)", merchant, last.CreatedAt.UTC(), last.ID).
			Order("created_at, id").Limit(faultBatch).Find(&rows).Error
		if err != nil {
			return 0, 0, translate(err)
		}
		var sameDay []retention.Cancellation
		var confirmed []retention.CancellationID
		for _, row := range rows {
			if row.day() != day {
				want = retention.AddUp(want, sameDay...)
				if err := compare(day); err != nil {
					return 0, 0, err
				}
				day, sameDay = row.day(), nil
			}
			c, err := row.domain()
			if err != nil {
				return 0, 0, err
			}
			if c.ReceivedAt != nil {
				confirmed = append(confirmed, c.ID)
			}
			sameDay, last = append(sameDay, c), row
		}
		want = retention.AddUp(want, sameDay...)
		missing, err := s.withoutReceipt(ctx, merchant, confirmed)
		if err != nil {
			return 0, 0, err
		}
		receipts += missing
		if len(rows) < faultBatch {
			break
		}
	}
	if err := compare(afterAllDays); err != nil {
		return 0, 0, err
	}
	changed, err := s.changedReceipts(ctx, merchant)
	return sums, receipts + changed, err
}

// afterAllDays sorts behind every day there is.
const afterAllDays = "9999-12-31"

func (r cancellationRow) day() string { return r.CreatedAt.UTC().Format(time.DateOnly) }

// brokenSums counts the rows of the days after one and up to another that are not what they should be, and those that are missing. A row
// of nothing is as good as none: what was counted there has moved on.
func (s *Store) brokenSums(ctx context.Context, merchant foyer.MerchantID, after, to string, want []retention.TallyEntry) (int64, error) {
	var rows []tallyRow
	if err := s.db(ctx).Where("merchant_id = ? AND day > ? AND day <= ?", merchant, after, to).Find(&rows).Error; err != nil {
		return 0, translate(err)
	}
	missing := make(map[retention.TallyKey]retention.Counts, len(want))
	for _, e := range want {
		missing[e.Key] = e.Add
	}
	var broken int64
	for _, r := range rows {
		if e := r.entry(); e.Add != missing[e.Key] {
			broken++
		}
		delete(missing, r.entry().Key)
	}
	return broken + int64(len(missing)), nil
}

// withoutReceipt counts the cancellations that have no receipt.
func (s *Store) withoutReceipt(ctx context.Context, merchant foyer.MerchantID, confirmed []retention.CancellationID) (int64, error) {
	if len(confirmed) == 0 {
		return 0, nil
	}
	var found int64
	err := s.db(ctx).Model(&receiptRow{}).Where("merchant_id = ? AND id IN ?", merchant, confirmed).Count(&found).Error
	return int64(len(confirmed)) - found, translate(err)
}

// changedReceipts counts the receipts whose content is not the one that was sealed.
func (s *Store) changedReceipts(ctx context.Context, merchant foyer.MerchantID) (changed int64, err error) {
	for last := ""; ; {
		var rows []receiptRow
		if err := s.db(ctx).Where("merchant_id = ? AND id > ?", merchant, last).Order("id").Limit(faultBatch).Find(&rows).Error; err != nil {
			return 0, translate(err)
		}
		for _, row := range rows {
			if r, err := row.domain(); err != nil || !r.Intact() {
				changed++
			}
			last = row.ID
		}
		if len(rows) < faultBatch {
			return changed, nil
		}
	}
}

package store

import (
	"context"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// Captured returns the amounts of every attempt that captured money for a merchant by a gateway of ours, by attempt.
func (s *Store) Captured(ctx context.Context, merchant foyer.MerchantID) (map[billing.AttemptID]int64, error) {
	var rows []struct {
		ID     billing.AttemptID
		Amount int64
	}
	err := s.db(ctx).Table("attempts").Select("id, amount").
		Where("merchant_id = ? AND status = ? AND gateway <> ''", merchant, billing.AttemptCaptured).Find(&rows).Error
	out := make(map[billing.AttemptID]int64, len(rows))
	for _, r := range rows {
		out[r.ID] = r.Amount
	}
	return out, translate(err)
}

// Faults counts, for each rule that must always hold of a merchant's books, the rows that break it.
func (s *Store) Faults(ctx context.Context, merchant foyer.MerchantID) (map[string]int64, error) {
	out := map[string]int64{}
	for rule, query := range map[string]string{
		"payments paid twice": "SELECT count(*) FROM (SELECT payment_id FROM attempts WHERE merchant_id = @m AND status = 'captured' AND gateway <> '' " +
			"GROUP BY payment_id HAVING count(*) > 1) AS twice",
		"completed payments without an invoice": "SELECT count(*) FROM payments WHERE merchant_id = @m AND status = 'completed' AND (external_id IS NULL OR imported IS NULL) " +
			"AND total > 0 AND invoice_id IS NULL",
		"payments whose totals do not add up": "SELECT count(*) FROM payments WHERE merchant_id = @m AND (external_id IS NULL OR imported IS NULL) " +
			"AND (total <> subtotal - discount + tax OR grand_total <> CASE WHEN total > credit THEN total - credit ELSE 0 END OR refunded > grand_total)",
		"payments refunded other than their refunds": "SELECT count(*) FROM payments AS p LEFT JOIN (SELECT payment_id, sum(total) AS total FROM refunds " +
			"WHERE merchant_id = @m AND status = 'approved' AND action <> 'credit' GROUP BY payment_id) AS r ON r.payment_id = p.id " +
			"WHERE p.merchant_id = @m AND p.imported IS NULL AND p.refunded <> coalesce(r.total, 0)",
		// Money has notes up to what was charged, and credit that went back its own.
		"invoices with more credited than they were for": "SELECT count(*) FROM (SELECT credits, payment_id, sum(total) AS total FROM invoices " +
			"WHERE merchant_id = @m AND credits IS NOT NULL GROUP BY credits, payment_id) AS n JOIN payments AS p ON p.id = n.payment_id " +
			"WHERE p.merchant_id = @m AND n.total > p.grand_total + (SELECT coalesce(sum(c.total), 0) FROM refunds AS c " +
			"WHERE c.merchant_id = @m AND c.payment_id = p.id AND c.action = 'credit' AND c.status = 'approved')",
		"invoices replaced without a successor": "SELECT count(*) FROM invoices AS i WHERE merchant_id = @m AND (status = 'replaced') <> EXISTS " +
			"(SELECT 1 FROM invoices AS n WHERE n.merchant_id = @m AND n.id = i.replaced_by AND n.replaces = i.id)",
		"numbers missing or given twice": "SELECT coalesce(sum(last), 0) - (SELECT count(*) FROM (SELECT DISTINCT number FROM invoices WHERE merchant_id = @m AND copy = @no AND revision = 1) AS n) " +
			"FROM number_series WHERE merchant_id = @m",
		"subscriptions past due without a debt": "SELECT count(*) FROM subscriptions WHERE merchant_id = @m AND provider <> '' AND (status = 'past_due') <> (debt_id IS NOT NULL)",
		"attempts nobody looks after": "SELECT count(*) FROM attempts WHERE merchant_id = @m AND status IN ('pending', 'requires_action') AND gateway <> '' " +
			"AND leased_until IS NULL",
	} {
		var n int64
		if err := s.db(ctx).Raw(query, map[string]any{"m": merchant, "no": false}).Scan(&n).Error; err != nil {
			return nil, translate(err)
		}
		out[rule] = n
	}
	broken, err := s.auditFaults(ctx, merchant)
	if err != nil {
		return nil, err
	}
	out["entries of the audit log changed, removed or inserted"] = broken
	sums, receipts, err := s.retentionFaults(ctx, merchant)
	out["retention numbers that are not the sums of their cancellations"] = sums
	out["receipts of cancellations missing or changed"] = receipts
	if err != nil {
		return nil, err
	}
	out["invoices whose content was changed"], err = s.changedInvoices(ctx, merchant)
	return out, err
}

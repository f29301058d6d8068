package store

import (
	"context"
	"maps"
	"slices"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

type disputeRow struct {
	ID          billing.DisputeID
	MerchantID  foyer.MerchantID
	CustomerID  foyer.CustomerID
	PaymentID   billing.PaymentID
	AttemptID   billing.AttemptID
	Reference   string
	Status      billing.DisputeStatus
	Reason      string
	Amount      int64
	OpenedAt    time.Time
	RespondBy   *time.Time
	ClosedAt    *time.Time
	RefundID    *billing.RefundID
	ToldVersion int64
	Version     int64
}

func (disputeRow) TableName() string { return "disputes" }

func (r disputeRow) domain() billing.Dispute {
	return billing.Dispute{
		ID: r.ID, Payment: r.PaymentID, Attempt: r.AttemptID, Reference: r.Reference, Status: r.Status, Reason: r.Reason, Amount: r.Amount,
		OpenedAt: r.OpenedAt.UTC(), RespondBy: utc(r.RespondBy), ClosedAt: utc(r.ClosedAt), Chargeback: value(r.RefundID), Told: r.ToldVersion, Version: r.Version,
	}
}

// Disputes returns the disputes of a payment, oldest first.
func (s *Store) Disputes(ctx context.Context, merchant foyer.MerchantID, payment billing.PaymentID) ([]billing.Dispute, error) {
	var rows []disputeRow
	err := s.db(ctx).Where("payment_id = ? AND merchant_id = ?", payment, merchant).Order("opened_at, id").Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return nil, translate(err)
	}
	return domains(rows), nil
}

// addDisputes fills in the disputes of the payments: one query, and none for none.
func (s *Store) addDisputes(ctx context.Context, merchant foyer.MerchantID, payments []billing.Payment, place map[billing.PaymentID]int) error {
	if len(place) == 0 {
		return nil
	}
	var rows []disputeRow
	err := s.db(ctx).Where("payment_id IN ? AND merchant_id = ?", slices.Collect(maps.Keys(place)), merchant).Order("opened_at, id").Find(&rows).Error
	for _, r := range rows {
		p := &payments[place[r.PaymentID]]
		p.Disputes = append(p.Disputes, r.domain())
	}
	return translate(err)
}

// chargedBack are those of the payments with refunds that a bank took money of: few, so that most lists ask for no disputes.
func chargedBack(payments []billing.Payment, place map[billing.PaymentID]int) map[billing.PaymentID]int {
	out := map[billing.PaymentID]int{}
	for id, at := range place {
		if slices.ContainsFunc(payments[at].Refunds, func(r billing.Refund) bool { return r.Action == billing.ActionChargeback }) {
			out[id] = at
		}
	}
	return out
}

// Dispute returns one dispute of a merchant's and the scope it is in.
func (s *Store) Dispute(ctx context.Context, merchant foyer.MerchantID, id billing.DisputeID) (billing.Dispute, foyer.Scope, error) {
	var row disputeRow
	err := s.db(ctx).Where("merchant_id = ? AND id = ?", merchant, id).Take(&row).Error
	return row.domain(), foyer.Scope{Merchant: row.MerchantID, Customer: row.CustomerID}, translate(err)
}

// SaveDispute writes down a change of a dispute and the refund it counts as; Conflict when somebody changed it since. Its payment is
// saved beside it, in the same transaction.
func (s *Store) SaveDispute(ctx context.Context, scope foyer.Scope, c billing.DisputeChange) error {
	if err := s.saveChargeback(ctx, scope, c); err != nil {
		return err
	}
	d := c.Dispute
	row := disputeRow{
		ID: d.ID, MerchantID: scope.Merchant, CustomerID: scope.Customer, PaymentID: d.Payment, AttemptID: d.Attempt, Reference: d.Reference,
		Status: d.Status, Reason: d.Reason, Amount: d.Amount, OpenedAt: d.OpenedAt, RespondBy: d.RespondBy, ClosedAt: d.ClosedAt,
		RefundID: null(d.Chargeback), ToldVersion: d.Told, Version: d.Version,
	}
	if c.New {
		return translate(s.db(ctx).Create(&row).Error)
	}
	result := s.db(ctx).Model(&disputeRow{}).Where("merchant_id = ? AND id = ? AND version = ?", scope.Merchant, d.ID, d.Version-1).
		Select("status", "reason", "amount", "respond_by", "closed_at", "refund_id", "told_version", "version").UpdateColumns(&row)
	return changedOne(result)
}

func (s *Store) saveChargeback(ctx context.Context, scope foyer.Scope, c billing.DisputeChange) error {
	r := c.Chargeback
	if r == nil {
		return nil
	}
	if c.NewChargeback {
		return s.CreateRefund(ctx, billing.PendingRefund{Refund: *r, Payment: c.Dispute.Payment, Scope: scope, Charge: string(c.Dispute.Attempt)})
	}
	return changedOne(s.db(ctx).Model(&RefundRow{}).Where("merchant_id = ? AND id = ? AND action = ?", scope.Merchant, r.ID, billing.ActionChargeback).
		UpdateColumns(map[string]any{"status": r.Status, "total": r.Total, "tax": r.Tax, "lines": toJSON(r.Lines), "updated_at": r.UpdatedAt}))
}

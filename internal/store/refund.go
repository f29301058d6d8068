package store

import (
	"context"
	"time"

	"gorm.io/gorm"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// RefundRow is a refund as the table has it. Exported because GORM looks into embedded structs only then.
type RefundRow struct {
	ID                billing.RefundID
	MerchantID        foyer.MerchantID
	CustomerID        foyer.CustomerID
	PaymentID         *billing.PaymentID
	ExternalPaymentID string
	ExternalID        *string
	Action            billing.RefundAction
	Status            billing.RefundStatus
	Total             int64
	Tax               int64
	Reason            string
	Lines             string
	Noted             *string
	CreatedAt         time.Time
	UpdatedAt         time.Time
	LeasedUntil       *time.Time
	Charge            string
	Command           string
}

// TableName tells GORM the table.
func (RefundRow) TableName() string { return "refunds" }

func (r RefundRow) refund() (billing.Refund, error) {
	lines, err := fromJSON[[]billing.RefundLine]("refunds.lines", r.Lines)
	if err != nil {
		return billing.Refund{}, err
	}
	var noted []billing.RefundLine
	switch {
	case r.Noted != nil:
		if noted, err = fromJSON[[]billing.RefundLine]("refunds.noted", *r.Noted); err != nil {
			return billing.Refund{}, err
		}
	case r.Action != billing.ActionChargeback:
		noted = lines // made before a refund could be paid again
	}
	return billing.Refund{
		ID: r.ID, ExternalID: value(r.ExternalID), Action: r.Action, Status: r.Status, Total: r.Total, Tax: r.Tax, Reason: r.Reason,
		Lines: lines, Noted: noted, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
	}, nil
}

// CreateRefund keeps a refund before the gateway is asked.
func (s *Store) CreateRefund(ctx context.Context, r billing.PendingRefund) error {
	row := RefundRow{
		ID: r.ID, MerchantID: r.Scope.Merchant, CustomerID: r.Scope.Customer, PaymentID: null(r.Payment), Action: r.Action, Status: r.Status,
		Total: r.Total, Tax: r.Tax, Reason: r.Reason, Lines: toJSON(r.Lines), CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, LeasedUntil: r.LeasedUntil,
		Charge: r.Charge, Command: r.Command,
	}
	if r.Action != billing.ActionChargeback {
		noted := toJSON(r.Noted)
		row.Noted = &noted
	}
	return translate(s.db(ctx).Create(&row).Error)
}

// FinishRefund writes down what became of a refund; false when somebody did before.
func (s *Store) FinishRefund(ctx context.Context, r billing.PendingRefund) (bool, error) {
	result := s.db(ctx).Model(&RefundRow{}).Where("merchant_id = ? AND id = ? AND leased_until IS NOT NULL", r.Scope.Merchant, r.ID).
		UpdateColumns(map[string]any{"status": r.Status, "updated_at": r.UpdatedAt, "leased_until": nil})
	return result.RowsAffected == 1, translate(result.Error)
}

// abandonedRow is a refund with its payment's currency.
type abandonedRow struct {
	RefundRow
	Currency foyer.Currency
}

func (r abandonedRow) domain() (billing.PendingRefund, error) {
	refund, err := r.refund()
	return billing.PendingRefund{
		Refund: refund, Payment: value(r.PaymentID), Scope: foyer.Scope{Merchant: r.MerchantID, Customer: r.CustomerID}, Currency: r.Currency,
		Charge: r.Charge, LeasedUntil: utc(r.LeasedUntil), Command: r.Command,
	}, err
}

// AbandonedRefunds takes over refunds whose lease has run out by now and returns them.
func (s *Store) AbandonedRefunds(ctx context.Context, merchant foyer.MerchantID, now, until time.Time, limit int) ([]billing.PendingRefund, error) {
	var rows []abandonedRow
	err := s.InTx(ctx, func(ctx context.Context) error {
		var ids []billing.RefundID
		err := s.locking(ctx, "SKIP LOCKED").Table("refunds").Where("merchant_id = ? AND leased_until <= ?", merchant, now.UTC()).
			Order("leased_until, id").Limit(limit).Pluck("id", &ids).Error
		if err != nil || len(ids) == 0 {
			return err
		}
		err = s.db(ctx).Model(&RefundRow{}).Where("merchant_id = ? AND id IN ?", merchant, ids).UpdateColumn("leased_until", until.UTC()).Error
		if err != nil {
			return err
		}
		return s.refundsInCurrency(ctx, merchant).Where("refunds.id IN ?", ids).Order("refunds.id").Find(&rows).Error
	})
	if err != nil {
		return nil, translate(err)
	}
	out := make([]billing.PendingRefund, len(rows))
	for i, r := range rows {
		if out[i], err = r.domain(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// refundsInCurrency are the merchant's refunds with the currencies of their payments.
func (s *Store) refundsInCurrency(ctx context.Context, merchant foyer.MerchantID) *gorm.DB {
	return s.db(ctx).Table("refunds").Select("refunds.*, payments.currency").
		Joins("JOIN payments ON payments.id = refunds.payment_id AND payments.merchant_id = refunds.merchant_id").
		Where("refunds.merchant_id = ?", merchant)
}

// RefundByCommand returns the refund a call made; foyer.NotFound when it made none.
func (s *Store) RefundByCommand(ctx context.Context, merchant foyer.MerchantID, command string) (billing.PendingRefund, error) {
	var row abandonedRow
	if err := s.refundsInCurrency(ctx, merchant).Where("refunds.command = ? AND refunds.command <> ''", command).Take(&row).Error; err != nil {
		return billing.PendingRefund{}, translate(err)
	}
	return row.domain()
}

// RefundsOfCharge returns refunds of a charge that went through and were made since, oldest first: those that may still come back.
func (s *Store) RefundsOfCharge(ctx context.Context, merchant foyer.MerchantID, charge string, since time.Time) ([]billing.PendingRefund, error) {
	var rows []abandonedRow
	err := s.refundsInCurrency(ctx, merchant).Where("refunds.charge = ? AND refunds.charge <> '' AND refunds.action = ? AND refunds.status = ? AND refunds.created_at >= ?",
		charge, billing.ActionRefund, billing.RefundApproved, since.UTC()).Order("refunds.created_at, refunds.id").Find(&rows).Error
	if err != nil {
		return nil, translate(err)
	}
	out := make([]billing.PendingRefund, len(rows))
	for i, r := range rows {
		if out[i], err = r.domain(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// ReverseRefund writes down that a refund came back; false when that was written before.
func (s *Store) ReverseRefund(ctx context.Context, merchant foyer.MerchantID, id billing.RefundID, now time.Time) (bool, error) {
	result := s.db(ctx).Model(&RefundRow{}).
		Where("merchant_id = ? AND id = ? AND action = ? AND status = ?", merchant, id, billing.ActionRefund, billing.RefundApproved).
		UpdateColumns(map[string]any{"status": billing.RefundReversed, "updated_at": now})
	return result.RowsAffected == 1, translate(result.Error)
}

// MerchantRefund returns a refund of a merchant's with its payment and currency.
func (s *Store) MerchantRefund(ctx context.Context, merchant foyer.MerchantID, id billing.RefundID) (billing.PendingRefund, error) {
	var row abandonedRow
	if err := s.refundsInCurrency(ctx, merchant).Where("refunds.id = ?", id).Take(&row).Error; err != nil {
		return billing.PendingRefund{}, translate(err)
	}
	return row.domain()
}

package store

import (
	"context"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

type setupRow struct {
	ID              billing.SetupID
	MerchantID      foyer.MerchantID
	CustomerID      foyer.CustomerID
	Gateway         string
	Reference       string
	PaymentMethodID *billing.PaymentMethodID
	CreatedAt       time.Time
}

func (setupRow) TableName() string { return "payment_method_setups" }

// CreateSetup implements billing.Store.
func (s *Store) CreateSetup(ctx context.Context, setup billing.Setup) error {
	return translate(s.db(ctx).Create(&setupRow{
		ID: setup.ID, MerchantID: setup.Merchant, CustomerID: setup.Customer, Gateway: setup.Gateway, Reference: setup.Reference,
		PaymentMethodID: null(setup.PaymentMethod), CreatedAt: setup.CreatedAt,
	}).Error)
}

// Setup implements billing.Store.
func (s *Store) Setup(ctx context.Context, scope foyer.Scope, id billing.SetupID) (billing.Setup, error) {
	var r setupRow
	if err := s.db(ctx).Where("merchant_id = ? AND customer_id = ? AND id = ?", scope.Merchant, scope.Customer, id).Take(&r).Error; err != nil {
		return billing.Setup{}, translate(err)
	}
	return billing.Setup{
		ID: r.ID, Merchant: r.MerchantID, Customer: r.CustomerID, Gateway: r.Gateway, Reference: r.Reference,
		PaymentMethod: value(r.PaymentMethodID), CreatedAt: r.CreatedAt.UTC(),
	}, nil
}

// FinishSetup implements billing.Store: the row count decides which of two calls made the payment method.
func (s *Store) FinishSetup(ctx context.Context, setup billing.Setup) (bool, error) {
	result := s.db(ctx).Model(&setupRow{}).
		Where("merchant_id = ? AND customer_id = ? AND id = ? AND payment_method_id IS NULL", setup.Merchant, setup.Customer, setup.ID).
		UpdateColumn("payment_method_id", setup.PaymentMethod)
	return result.RowsAffected == 1, translate(result.Error)
}

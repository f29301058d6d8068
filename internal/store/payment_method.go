package store

import (
	"context"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

type paymentMethodRow struct {
	ID          billing.PaymentMethodID
	MerchantID  foyer.MerchantID
	CustomerID  foyer.CustomerID
	ExternalID  *string
	Gateway     string
	Type        string
	Brand       string
	Last4       string
	ExpiryMonth int
	ExpiryYear  int
	BillingName string
	IsDefault   bool
	DeletedAt   *time.Time
	CreatedAt   time.Time
	UpdatedAt   time.Time
	Version     int64
}

func (paymentMethodRow) TableName() string { return "payment_methods" }

func (r paymentMethodRow) domain() billing.PaymentMethod {
	return billing.PaymentMethod{
		ID: r.ID, Merchant: r.MerchantID, Customer: r.CustomerID, ExternalID: value(r.ExternalID), Gateway: r.Gateway, Type: r.Type,
		Card: card(r.Brand, r.Last4, r.ExpiryMonth, r.ExpiryYear), BillingName: r.BillingName, Default: r.IsDefault,
		CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(), Version: r.Version,
	}
}

// PaymentMethods implements billing.Store.
func (s *Store) PaymentMethods(ctx context.Context, scope foyer.Scope, page foyer.PageRequest) ([]billing.PaymentMethod, error) {
	var rows []paymentMethodRow
	query := s.db(ctx).Where("merchant_id = ? AND customer_id = ? AND deleted_at IS NULL", scope.Merchant, scope.Customer)
	if err := newest(query, "created_at", page).Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	methods := domains(rows)
	return methods, s.usedBy(ctx, scope, methods)
}

// PaymentMethod implements billing.Store.
func (s *Store) PaymentMethod(ctx context.Context, scope foyer.Scope, id billing.PaymentMethodID) (billing.PaymentMethod, error) {
	var row paymentMethodRow
	err := s.db(ctx).Where("merchant_id = ? AND customer_id = ? AND id = ? AND deleted_at IS NULL", scope.Merchant, scope.Customer, id).Take(&row).Error
	if err != nil {
		return billing.PaymentMethod{}, translate(err)
	}
	methods := []billing.PaymentMethod{row.domain()}
	err = s.usedBy(ctx, scope, methods)
	return methods[0], err
}

// usedBy fills in which subscriptions, not canceled ones, are charged with each method: one query for all of them.
func (s *Store) usedBy(ctx context.Context, scope foyer.Scope, methods []billing.PaymentMethod) error {
	if len(methods) == 0 {
		return nil
	}
	ids := make([]billing.PaymentMethodID, len(methods))
	for i, m := range methods {
		ids[i] = m.ID
	}
	var uses []struct {
		ID              billing.SubscriptionID
		PaymentMethodID billing.PaymentMethodID
	}
	err := s.db(ctx).Table("subscriptions").Select("id, payment_method_id").
		Where("merchant_id = ? AND customer_id = ? AND payment_method_id IN ? AND status <> ?", scope.Merchant, scope.Customer, ids, billing.SubscriptionCanceled).
		Order("created_at, id").Find(&uses).Error
	for i := range methods {
		for _, use := range uses {
			if use.PaymentMethodID == methods[i].ID {
				methods[i].UsedBy = append(methods[i].UsedBy, use.ID)
			}
		}
	}
	return translate(err)
}

// CreatePaymentMethod implements billing.Store.
func (s *Store) CreatePaymentMethod(ctx context.Context, m billing.PaymentMethod) error {
	row := paymentMethodRow{
		ID: m.ID, MerchantID: m.Merchant, CustomerID: m.Customer, ExternalID: null(m.ExternalID), Gateway: m.Gateway, Type: m.Type,
		BillingName: m.BillingName, IsDefault: m.Default, CreatedAt: m.CreatedAt, UpdatedAt: m.UpdatedAt, Version: m.Version,
	}
	if c := m.Card; c != nil {
		row.Brand, row.Last4, row.ExpiryMonth, row.ExpiryYear = c.Brand, c.Last4, c.ExpiryMonth, c.ExpiryYear
	}
	return translate(s.db(ctx).Create(&row).Error)
}

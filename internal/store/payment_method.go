package store

import (
	"context"
	"time"

	"gorm.io/gorm"

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
	Wallet      string
	Identifier  string
	BillingName string
	IsDefault   bool
	Metadata    *string
	DeletedAt   *time.Time
	CreatedAt   time.Time
	UpdatedAt   time.Time
	Version     int64
	SealedToken []byte
	Fingerprint []byte
	NoticeAt    *time.Time
	GoneAt      *time.Time
}

func (paymentMethodRow) TableName() string { return "payment_methods" }

func (r paymentMethodRow) domain() billing.PaymentMethod {
	return billing.PaymentMethod{
		ID: r.ID, Merchant: r.MerchantID, Customer: r.CustomerID, ExternalID: value(r.ExternalID), Gateway: r.Gateway, Type: r.Type,
		Card: card(r.Brand, r.Last4, r.ExpiryMonth, r.ExpiryYear), Wallet: r.Wallet, Identifier: r.Identifier, BillingName: r.BillingName,
		Default: r.IsDefault, Metadata: metadata(r.Metadata),
		CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(), Version: r.Version, GoneAt: utc(r.GoneAt),
	}
}

// PaymentMethods implements billing.Store.
func (s *Store) PaymentMethods(ctx context.Context, scope foyer.Scope, filter billing.MethodFilter, page foyer.PageRequest) ([]billing.PaymentMethod, error) {
	var rows []paymentMethodRow
	query := s.db(ctx).Where("merchant_id = ? AND customer_id = ? AND deleted_at IS NULL", scope.Merchant, scope.Customer)
	if filter.ExternalID != "" {
		query = query.Where("external_id = ?", filter.ExternalID)
	}
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

// usedBy fills in which subscriptions, not canceled ones, of the methods' customer are charged with each.
func (s *Store) usedBy(ctx context.Context, scope foyer.Scope, methods []billing.PaymentMethod) error {
	return usedBy(s.db(ctx).Where("merchant_id = ? AND customer_id = ?", scope.Merchant, scope.Customer), methods)
}

// usedByAny is usedBy for methods of several customers of one merchant: whose method it is, pays.
func (s *Store) usedByAny(ctx context.Context, merchant foyer.MerchantID, methods []billing.PaymentMethod) error {
	return usedBy(s.db(ctx).Where("merchant_id = ?", merchant), methods)
}

// usedBy asks once for all methods.
func usedBy(query *gorm.DB, methods []billing.PaymentMethod) error {
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
	err := query.Table("subscriptions").Select("id, payment_method_id").Where("payment_method_id IN ? AND status <> ?", ids, billing.SubscriptionCanceled).
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
		Wallet: m.Wallet, Identifier: m.Identifier, BillingName: m.BillingName, IsDefault: m.Default, Metadata: metadataOrNull(m.Metadata), CreatedAt: m.CreatedAt, UpdatedAt: m.UpdatedAt,
		Version: m.Version, NoticeAt: m.NoticeAt,
	}
	if c := m.Card; c != nil {
		row.Brand, row.Last4, row.ExpiryMonth, row.ExpiryYear = c.Brand, c.Last4, c.ExpiryMonth, c.ExpiryYear
	}
	if m.Token != "" {
		row.SealedToken = s.keyring.Seal(purposeToken, []byte(m.Token), []byte(m.ID))
	}
	if m.Fingerprint != "" {
		row.Fingerprint = s.keyring.MAC(purposeFingerprint, []byte(m.Fingerprint))
	}
	return translate(s.db(ctx).Create(&row).Error)
}

const (
	purposeToken       foyer.Purpose = "payment method token"
	purposeFingerprint foyer.Purpose = "card fingerprint"
)

// SavePaymentMethod implements billing.Store.
func (s *Store) SavePaymentMethod(ctx context.Context, m billing.PaymentMethod) (bool, error) {
	result := s.db(ctx).Model(&paymentMethodRow{}).
		Where("merchant_id = ? AND customer_id = ? AND id = ? AND version = ? AND deleted_at IS NULL", m.Merchant, m.Customer, m.ID, m.Version-1).
		UpdateColumns(map[string]any{
			"billing_name": m.BillingName, "is_default": m.Default, "external_id": null(m.ExternalID), "metadata": metadataOrNull(m.Metadata),
			"updated_at": m.UpdatedAt, "version": m.Version,
		})
	return result.RowsAffected == 1, translate(result.Error)
}

// ClearDefault implements billing.Store.
func (s *Store) ClearDefault(ctx context.Context, scope foyer.Scope, now time.Time) ([]billing.PaymentMethod, error) {
	var rows []paymentMethodRow
	err := s.db(ctx).Raw("UPDATE payment_methods SET is_default = ?, updated_at = ?, version = version + 1 "+
		"WHERE merchant_id = ? AND customer_id = ? AND is_default = ? AND deleted_at IS NULL RETURNING *",
		false, now.UTC(), scope.Merchant, scope.Customer, true).Scan(&rows).Error
	return domains(rows), translate(err)
}

// DeletePaymentMethod implements billing.Store. The row stays, because attempts name it; what could charge it does not, nor an address
// that only recognises it: attempts have their copy.
func (s *Store) DeletePaymentMethod(ctx context.Context, m billing.PaymentMethod, now time.Time) error {
	return translate(s.db(ctx).Model(&paymentMethodRow{}).
		Where("merchant_id = ? AND customer_id = ? AND id = ? AND deleted_at IS NULL", m.Merchant, m.Customer, m.ID).
		UpdateColumns(map[string]any{
			"deleted_at": now, "updated_at": now, "version": m.Version, "sealed_token": nil, "fingerprint": nil, "notice_at": nil, "is_default": false,
			"identifier": "",
		}).Error)
}

// SameCard implements billing.Store.
func (s *Store) SameCard(ctx context.Context, scope foyer.Scope, fingerprint string) (billing.PaymentMethod, error) {
	if fingerprint == "" {
		return billing.PaymentMethod{}, foyer.ErrNotFound()
	}
	var row paymentMethodRow
	err := s.db(ctx).Where("merchant_id = ? AND customer_id = ? AND fingerprint IN ? AND deleted_at IS NULL", scope.Merchant, scope.Customer,
		s.keyring.MACs(purposeFingerprint, []byte(fingerprint))).Order("created_at DESC").Take(&row).Error
	if err != nil {
		return billing.PaymentMethod{}, translate(err)
	}
	methods := []billing.PaymentMethod{row.domain()}
	err = s.usedBy(ctx, scope, methods)
	return methods[0], err
}

// ChargeableMethods returns payment methods with the tokens that charge them, by id; one that was deleted is left out.
func (s *Store) ChargeableMethods(ctx context.Context, merchant foyer.MerchantID, ids []billing.PaymentMethodID) (map[billing.PaymentMethodID]billing.PaymentMethod, error) {
	out := map[billing.PaymentMethodID]billing.PaymentMethod{}
	if len(ids) == 0 {
		return out, nil
	}
	var rows []paymentMethodRow
	if err := s.db(ctx).Where("merchant_id = ? AND id IN ? AND deleted_at IS NULL", merchant, ids).Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	for _, r := range rows {
		m, err := s.chargeable(r)
		if err != nil {
			return nil, err
		}
		out[m.ID] = m
	}
	return out, nil
}

// chargeable is the method with the token that charges it.
func (s *Store) chargeable(r paymentMethodRow) (billing.PaymentMethod, error) {
	m := r.domain()
	if r.SealedToken != nil {
		token, err := s.keyring.Open(purposeToken, r.SealedToken, []byte(r.ID))
		if err != nil {
			return billing.PaymentMethod{}, errSecretChanged
		}
		m.Token = string(token)
	}
	return m, nil
}

// ExpiringMethods returns methods whose customers must be told by now that they expire, and marks them told.
func (s *Store) ExpiringMethods(ctx context.Context, merchant foyer.MerchantID, now time.Time, limit int) ([]billing.PaymentMethod, error) {
	var rows []paymentMethodRow
	err := s.locking(ctx, "SKIP LOCKED").Where("merchant_id = ? AND notice_at <= ? AND deleted_at IS NULL", merchant, now.UTC()).
		Order("notice_at, id").Limit(limit).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return nil, translate(err)
	}
	ids := make([]billing.PaymentMethodID, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	err = s.db(ctx).Model(&paymentMethodRow{}).Where("merchant_id = ? AND id IN ?", merchant, ids).UpdateColumn("notice_at", nil).Error
	return domains(rows), translate(err)
}

package store

import (
	"context"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// StoredMethods implements billing.Store.
func (s *Store) StoredMethods(ctx context.Context, scope foyer.Scope) ([]billing.PaymentMethod, error) {
	var rows []paymentMethodRow
	err := s.db(ctx).Where("merchant_id = ? AND customer_id = ? AND deleted_at IS NULL", scope.Merchant, scope.Customer).
		Order("created_at, id").Find(&rows).Error
	if err != nil {
		return nil, translate(err)
	}
	out := make([]billing.PaymentMethod, len(rows))
	for i, r := range rows {
		if out[i], err = s.chargeable(r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// HasFingerprint implements billing.Store.
func (s *Store) HasFingerprint(ctx context.Context, scope foyer.Scope, id billing.PaymentMethodID, fingerprint string) (bool, error) {
	var n int64
	err := s.db(ctx).Model(&paymentMethodRow{}).
		Where("merchant_id = ? AND customer_id = ? AND id = ? AND fingerprint IN ? AND deleted_at IS NULL", scope.Merchant, scope.Customer, id,
			s.keyring.MACs(purposeFingerprint, []byte(fingerprint))).Count(&n).Error
	return n == 1, translate(err)
}

// SaveFollowedMethod implements billing.Store. A gateway that tells no fingerprint takes none away.
func (s *Store) SaveFollowedMethod(ctx context.Context, m billing.PaymentMethod, renewed bool) (bool, error) {
	columns := map[string]any{
		"wallet": m.Wallet, "identifier": m.Identifier, "gone_at": m.GoneAt, "updated_at": m.UpdatedAt, "version": m.Version,
	}
	if c := m.Card; c != nil {
		columns["brand"], columns["last4"], columns["expiry_month"], columns["expiry_year"] = c.Brand, c.Last4, c.ExpiryMonth, c.ExpiryYear
	}
	if m.Fingerprint != "" {
		columns["fingerprint"] = s.keyring.MAC(purposeFingerprint, []byte(m.Fingerprint))
	}
	if renewed {
		columns["notice_at"] = m.NoticeAt
	}
	result := s.db(ctx).Model(&paymentMethodRow{}).
		Where("merchant_id = ? AND customer_id = ? AND id = ? AND version = ? AND deleted_at IS NULL", m.Merchant, m.Customer, m.ID, m.Version-1).
		UpdateColumns(columns)
	return result.RowsAffected == 1, translate(result.Error)
}

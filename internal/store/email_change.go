package store

import (
	"context"
	"time"

	"foyer/internal/foyer"
	"foyer/internal/identity"
)

type emailChangeRow struct {
	ID            identity.EmailChangeID
	MerchantID    foyer.MerchantID
	CustomerID    foyer.CustomerID
	SessionID     foyer.SessionID
	Email         string
	EmailKey      string
	PreviousEmail string
	Nonce         []byte
	TokenHash     []byte
	Locale        string
	Silent        bool
	CreatedAt     time.Time
	ExpiresAt     time.Time
	UsedAt        *time.Time
	CompletedAt   *time.Time
}

func (emailChangeRow) TableName() string { return "email_changes" }

func (r emailChangeRow) domain() identity.EmailChange {
	return identity.EmailChange{
		ID: r.ID, Scope: foyer.Scope{Merchant: r.MerchantID, Customer: r.CustomerID}, Session: r.SessionID, Email: r.Email, EmailKey: r.EmailKey,
		PreviousEmail: r.PreviousEmail, Nonce: r.Nonce, TokenHash: r.TokenHash, Locale: r.Locale, Silent: r.Silent,
		CreatedAt: r.CreatedAt.UTC(), ExpiresAt: r.ExpiresAt.UTC(), UsedAt: utc(r.UsedAt), CompletedAt: utc(r.CompletedAt),
	}
}

// CreateEmailChange implements identity.Store.
func (s *Store) CreateEmailChange(ctx context.Context, c identity.EmailChange) error {
	return translate(s.db(ctx).Create(&emailChangeRow{
		ID: c.ID, MerchantID: c.Scope.Merchant, CustomerID: c.Scope.Customer, SessionID: c.Session, Email: c.Email, EmailKey: c.EmailKey,
		PreviousEmail: c.PreviousEmail, Nonce: c.Nonce, TokenHash: c.TokenHash, Locale: c.Locale, Silent: c.Silent,
		CreatedAt: c.CreatedAt, ExpiresAt: c.ExpiresAt, UsedAt: c.UsedAt, CompletedAt: c.CompletedAt,
	}).Error)
}

// EmailChange implements identity.Store.
func (s *Store) EmailChange(ctx context.Context, merchant foyer.MerchantID, id identity.EmailChangeID) (identity.EmailChange, error) {
	var row emailChangeRow
	err := s.db(ctx).Where("merchant_id = ? AND id = ?", merchant, id).Take(&row).Error
	return row.domain(), translate(err)
}

// EmailChangeByTokenHash implements identity.Store.
func (s *Store) EmailChangeByTokenHash(ctx context.Context, hash []byte) (identity.EmailChange, error) {
	var row emailChangeRow
	err := s.db(acrossMerchants(ctx, "the token tells the merchant")).Where("token_hash = ?", hash).Take(&row).Error
	return row.domain(), translate(err)
}

// EmailChanges implements identity.Store.
func (s *Store) EmailChanges(ctx context.Context, scope foyer.Scope, page foyer.PageRequest) ([]identity.EmailChange, error) {
	var rows []emailChangeRow
	query := s.db(ctx).Where("merchant_id = ? AND customer_id = ?", scope.Merchant, scope.Customer)
	if err := newest(query, "created_at", page).Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	return domains(rows), nil
}

// UseEmailChange implements identity.Store.
func (s *Store) UseEmailChange(ctx context.Context, merchant foyer.MerchantID, id identity.EmailChangeID, now time.Time) (bool, error) {
	result := s.db(ctx).Exec("UPDATE email_changes SET used_at = ? WHERE merchant_id = ? AND id = ? AND used_at IS NULL AND expires_at > ?",
		now, merchant, id, now)
	return result.RowsAffected == 1, translate(result.Error)
}

// CompleteEmailChange implements identity.Store.
func (s *Store) CompleteEmailChange(ctx context.Context, merchant foyer.MerchantID, id identity.EmailChangeID, previous string, now time.Time) error {
	return translate(s.db(ctx).Exec("UPDATE email_changes SET completed_at = ?, previous_email = ? WHERE merchant_id = ? AND id = ?",
		now, previous, merchant, id).Error)
}

// EndEmailChanges implements identity.Store.
func (s *Store) EndEmailChanges(ctx context.Context, scope foyer.Scope, now time.Time) error {
	return translate(s.db(ctx).Exec("UPDATE email_changes SET used_at = ? WHERE merchant_id = ? AND customer_id = ? AND used_at IS NULL",
		now, scope.Merchant, scope.Customer).Error)
}

// EmailTaken implements identity.Store.
func (s *Store) EmailTaken(ctx context.Context, scope foyer.Scope, emailKey string) (bool, error) {
	var ids []foyer.CustomerID
	err := s.db(ctx).Table("customers").Where("merchant_id = ? AND email_key = ? AND id <> ?", scope.Merchant, emailKey, scope.Customer).Pluck("id", &ids).Error
	return len(ids) > 0, translate(err)
}

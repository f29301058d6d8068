package store

import (
	"context"
	"strings"
	"time"

	"foyer/internal/foyer"
	"foyer/internal/merchant"
)

type apiKeyRow struct {
	ID            merchant.APIKeyID
	MerchantID    foyer.MerchantID
	Name          string
	Hint          string
	Hash          []byte
	Permissions   string
	CreatedAt     time.Time
	LastUsedAt    *time.Time
	RevokedAt     *time.Time
	PreviousHash  []byte
	PreviousUntil *time.Time
	ExpiresAt     *time.Time
	Version       int64
}

func (apiKeyRow) TableName() string { return "api_keys" }

func (r apiKeyRow) domain() merchant.APIKey {
	key := merchant.APIKey{
		ID: r.ID, Merchant: r.MerchantID, Name: r.Name, Hint: r.Hint, Hash: r.Hash, CreatedAt: r.CreatedAt.UTC(), LastUsedAt: utc(r.LastUsedAt),
		RevokedAt: utc(r.RevokedAt), PreviousHash: r.PreviousHash, PreviousUntil: utc(r.PreviousUntil), ExpiresAt: utc(r.ExpiresAt), Version: r.Version,
	}
	for permission := range strings.FieldsSeq(r.Permissions) {
		key.Permissions = append(key.Permissions, merchant.Permission(permission))
	}
	return key
}

func newAPIKeyRow(k merchant.APIKey) apiKeyRow {
	permissions := make([]string, len(k.Permissions))
	for i, p := range k.Permissions {
		permissions[i] = string(p)
	}
	return apiKeyRow{
		ID: k.ID, MerchantID: k.Merchant, Name: k.Name, Hint: k.Hint, Hash: k.Hash, Permissions: strings.Join(permissions, " "), CreatedAt: k.CreatedAt,
		LastUsedAt: k.LastUsedAt, RevokedAt: k.RevokedAt, PreviousHash: k.PreviousHash, PreviousUntil: k.PreviousUntil, ExpiresAt: k.ExpiresAt,
		Version: k.Version,
	}
}

// CreateAPIKey implements merchant.Store.
func (s *Store) CreateAPIKey(ctx context.Context, k merchant.APIKey) error {
	row := newAPIKeyRow(k)
	return translate(s.db(ctx).Create(&row).Error)
}

// APIKeyByHash implements merchant.Store.
func (s *Store) APIKeyByHash(ctx context.Context, hash []byte) (merchant.APIKey, error) {
	var row apiKeyRow
	err := s.db(acrossMerchants(ctx, "the secret tells the merchant")).Where("hash = ? OR previous_hash = ?", hash, hash).Take(&row).Error
	return row.domain(), translate(err)
}

// APIKey implements merchant.Store.
func (s *Store) APIKey(ctx context.Context, id foyer.MerchantID, key merchant.APIKeyID) (merchant.APIKey, error) {
	var row apiKeyRow
	err := s.db(ctx).Where("merchant_id = ? AND id = ?", id, key).Take(&row).Error
	return row.domain(), translate(err)
}

// APIKeys implements merchant.Store.
func (s *Store) APIKeys(ctx context.Context, id foyer.MerchantID, page foyer.PageRequest) ([]merchant.APIKey, error) {
	var rows []apiKeyRow
	err := newest(s.db(ctx).Where("merchant_id = ?", id), "created_at", page).Find(&rows).Error
	return domains(rows), translate(err)
}

// SaveAPIKey implements merchant.Store.
func (s *Store) SaveAPIKey(ctx context.Context, k merchant.APIKey) (bool, error) {
	row := newAPIKeyRow(k)
	result := s.db(ctx).Model(&apiKeyRow{}).Where("merchant_id = ? AND id = ? AND version = ?", k.Merchant, k.ID, k.Version-1).
		Select("name", "hint", "hash", "permissions", "revoked_at", "previous_hash", "previous_until", "expires_at", "version").UpdateColumns(&row)
	return result.RowsAffected == 1, translate(result.Error)
}

// TouchAPIKey implements merchant.Store.
func (s *Store) TouchAPIKey(ctx context.Context, id foyer.MerchantID, key merchant.APIKeyID, now, since time.Time) error {
	return translate(s.db(ctx).Exec("UPDATE api_keys SET last_used_at = ? WHERE merchant_id = ? AND id = ? AND (last_used_at IS NULL OR last_used_at < ?)",
		now, id, key, since).Error)
}

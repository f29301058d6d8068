package store

import (
	"context"
	"strings"
	"time"

	"gorm.io/gorm/clause"

	"foyer/internal/foyer"
	"foyer/internal/identity"
)

type portalSessionRow struct {
	ID         identity.PortalSessionID
	MerchantID foyer.MerchantID
	CustomerID foyer.CustomerID
	Nonce      []byte
	TicketHash []byte
	Scope      string
	TargetKind identity.TargetKind
	TargetID   string
	CreatedAt  time.Time
	ExpiresAt  time.Time
	UsedAt     *time.Time
}

func (portalSessionRow) TableName() string { return "portal_sessions" }

func (r portalSessionRow) domain() identity.PortalSession {
	return identity.PortalSession{
		ID: r.ID, Scope: foyer.Scope{Merchant: r.MerchantID, Customer: r.CustomerID}, Scopes: strings.Fields(r.Scope),
		Target: identity.Target{Kind: r.TargetKind, ID: r.TargetID}, Nonce: r.Nonce, TicketHash: r.TicketHash,
		CreatedAt: r.CreatedAt.UTC(), ExpiresAt: r.ExpiresAt.UTC(), UsedAt: utc(r.UsedAt),
	}
}

// CreatePortalSession implements identity.Store.
func (s *Store) CreatePortalSession(ctx context.Context, p identity.PortalSession) error {
	return translate(s.db(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&portalSessionRow{
		ID: p.ID, MerchantID: p.Scope.Merchant, CustomerID: p.Scope.Customer, Nonce: p.Nonce, TicketHash: p.TicketHash,
		Scope: identity.JoinScopes(p.Scopes), TargetKind: p.Target.Kind, TargetID: p.Target.ID,
		CreatedAt: p.CreatedAt, ExpiresAt: p.ExpiresAt, UsedAt: p.UsedAt,
	}).Error)
}

// PortalSession implements identity.Store.
func (s *Store) PortalSession(ctx context.Context, merchant foyer.MerchantID, id identity.PortalSessionID) (identity.PortalSession, error) {
	var row portalSessionRow
	err := s.db(ctx).Where("merchant_id = ? AND id = ?", merchant, id).Take(&row).Error
	return row.domain(), translate(err)
}

// PortalSessionByTicketHash implements identity.Store.
func (s *Store) PortalSessionByTicketHash(ctx context.Context, hash []byte) (identity.PortalSession, error) {
	var row portalSessionRow
	err := s.db(acrossMerchants(ctx, "the ticket tells the merchant")).Where("ticket_hash = ?", hash).Take(&row).Error
	return row.domain(), translate(err)
}

// UsePortalSession implements identity.Store.
func (s *Store) UsePortalSession(ctx context.Context, merchant foyer.MerchantID, id identity.PortalSessionID, now time.Time) (bool, error) {
	result := s.db(ctx).Exec("UPDATE portal_sessions SET used_at = ? WHERE merchant_id = ? AND id = ? AND used_at IS NULL AND expires_at > ?",
		now, merchant, id, now)
	return result.RowsAffected == 1, translate(result.Error)
}

// PortalOf implements identity.Store.
func (s *Store) PortalOf(ctx context.Context, merchant foyer.MerchantID) (foyer.PortalID, error) {
	var ids []foyer.PortalID
	if err := s.db(ctx).Table("portals").Where("merchant_id = ?", merchant).Pluck("id", &ids).Error; err != nil {
		return "", translate(err)
	}
	if len(ids) == 0 {
		return "", foyer.ErrNotFound()
	}
	return ids[0], nil
}

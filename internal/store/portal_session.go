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
	Origin     identity.PortalSessionOrigin
	Nonce      []byte
	TicketHash []byte
	Scope      string
	TargetKind identity.TargetKind
	TargetID   string
	ReturnURL  string
	Locale     string
	CreatedAt  time.Time
	ExpiresAt  time.Time
	UsedAt     *time.Time
	SessionID  *foyer.SessionID
	RevokedAt  *time.Time
}

func (portalSessionRow) TableName() string { return "portal_sessions" }

func (r portalSessionRow) domain() identity.PortalSession {
	return identity.PortalSession{
		ID: r.ID, Scope: foyer.Scope{Merchant: r.MerchantID, Customer: r.CustomerID}, Origin: r.Origin, Scopes: strings.Fields(r.Scope),
		Target: identity.Target{Kind: r.TargetKind, ID: r.TargetID}, ReturnURL: r.ReturnURL, Locale: r.Locale, Nonce: r.Nonce, TicketHash: r.TicketHash,
		CreatedAt: r.CreatedAt.UTC(), ExpiresAt: r.ExpiresAt.UTC(), UsedAt: utc(r.UsedAt), Session: value(r.SessionID), RevokedAt: utc(r.RevokedAt),
	}
}

// CreatePortalSession implements identity.Store.
func (s *Store) CreatePortalSession(ctx context.Context, p identity.PortalSession) error {
	return translate(s.db(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&portalSessionRow{
		ID: p.ID, MerchantID: p.Scope.Merchant, CustomerID: p.Scope.Customer, Origin: p.Origin, Nonce: p.Nonce, TicketHash: p.TicketHash,
		Scope: identity.JoinScopes(p.Scopes), TargetKind: p.Target.Kind, TargetID: p.Target.ID, ReturnURL: p.ReturnURL, Locale: p.Locale,
		CreatedAt: p.CreatedAt, ExpiresAt: p.ExpiresAt, UsedAt: p.UsedAt, SessionID: null(p.Session), RevokedAt: p.RevokedAt,
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

// PortalSessions implements identity.Store.
func (s *Store) PortalSessions(ctx context.Context, merchant foyer.MerchantID, filter identity.PortalSessionFilter, page foyer.PageRequest) ([]identity.PortalSession, error) {
	query := s.db(ctx).Where("merchant_id = ?", merchant)
	if filter.Customer != "" {
		query = query.Where("customer_id = ?", filter.Customer)
	}
	if filter.Origin != "" {
		query = query.Where("origin = ?", filter.Origin)
	}
	var rows []portalSessionRow
	if err := newest(query, "created_at", page).Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	return domains(rows), nil
}

// UsePortalSession implements identity.Store.
func (s *Store) UsePortalSession(ctx context.Context, merchant foyer.MerchantID, id identity.PortalSessionID, session foyer.SessionID, now time.Time) (bool, error) {
	result := s.db(ctx).Exec("UPDATE portal_sessions SET used_at = ?, session_id = ? WHERE merchant_id = ? AND id = ? AND used_at IS NULL AND revoked_at IS NULL AND expires_at > ?",
		now, session, merchant, id, now)
	return result.RowsAffected == 1, translate(result.Error)
}

// RevokePortalSession implements identity.Store.
func (s *Store) RevokePortalSession(ctx context.Context, merchant foyer.MerchantID, id identity.PortalSessionID, now time.Time) (bool, error) {
	result := s.db(ctx).Exec("UPDATE portal_sessions SET revoked_at = ? WHERE merchant_id = ? AND id = ? AND revoked_at IS NULL", now, merchant, id)
	if result.Error != nil || result.RowsAffected == 1 {
		return true, translate(result.Error)
	}
	_, err := s.PortalSession(ctx, merchant, id)
	return false, err
}

// RevokeOpenPortalSessions implements identity.Store.
func (s *Store) RevokeOpenPortalSessions(ctx context.Context, scope foyer.Scope, origin identity.PortalSessionOrigin, now time.Time) ([]identity.PortalSessionID, error) {
	query := "UPDATE portal_sessions SET revoked_at = ? WHERE merchant_id = ? AND customer_id = ? AND used_at IS NULL AND revoked_at IS NULL AND expires_at > ?"
	args := []any{now, scope.Merchant, scope.Customer, now}
	if origin != "" {
		query, args = query+" AND origin = ?", append(args, origin)
	}
	var ids []identity.PortalSessionID
	err := s.db(ctx).Raw(query+" RETURNING id", args...).Scan(&ids).Error
	return ids, translate(err)
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

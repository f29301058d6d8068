package store

import (
	"context"
	"strings"
	"time"

	"foyer/internal/foyer"
	"foyer/internal/identity"
)

var _ identity.Store = (*Store)(nil)

type signInRow struct {
	ID            identity.SignInID
	MerchantID    foyer.MerchantID
	PortalID      foyer.PortalID
	Email         string
	EmailKey      string
	CustomerID    *foyer.CustomerID
	Nonce         []byte
	TokenHash     []byte
	CodeChallenge string
	CodeTries     int
	Locale        string
	TargetKind    identity.TargetKind
	TargetID      string
	Silent        bool
	CreatedAt     time.Time
	ExpiresAt     time.Time
	UsedAt        *time.Time
	CompletedAt   *time.Time
}

func (signInRow) TableName() string { return "sign_ins" }

func (r signInRow) domain() identity.SignIn {
	return identity.SignIn{
		ID: r.ID, Merchant: r.MerchantID, Portal: r.PortalID, Email: r.Email, EmailKey: r.EmailKey, Customer: value(r.CustomerID),
		Nonce: r.Nonce, TokenHash: r.TokenHash, CodeChallenge: r.CodeChallenge, CodeTries: r.CodeTries, Locale: r.Locale,
		Target: identity.Target{Kind: r.TargetKind, ID: r.TargetID}, Silent: r.Silent,
		CreatedAt: r.CreatedAt.UTC(), ExpiresAt: r.ExpiresAt.UTC(), UsedAt: utc(r.UsedAt), CompletedAt: utc(r.CompletedAt),
	}
}

// CreateSignIn implements identity.Store.
func (s *Store) CreateSignIn(ctx context.Context, in identity.SignIn) error {
	return translate(s.db(ctx).Create(&signInRow{
		ID: in.ID, MerchantID: in.Merchant, PortalID: in.Portal, Email: in.Email, EmailKey: in.EmailKey, CustomerID: null(in.Customer),
		Nonce: in.Nonce, TokenHash: in.TokenHash, CodeChallenge: in.CodeChallenge, CodeTries: in.CodeTries, Locale: in.Locale,
		TargetKind: in.Target.Kind, TargetID: in.Target.ID, Silent: in.Silent,
		CreatedAt: in.CreatedAt, ExpiresAt: in.ExpiresAt, UsedAt: in.UsedAt, CompletedAt: in.CompletedAt,
	}).Error)
}

// RecentSignIn implements identity.Store.
func (s *Store) RecentSignIn(ctx context.Context, merchant foyer.MerchantID, emailKey, challenge string, since time.Time) (identity.SignIn, error) {
	var row signInRow
	err := s.db(ctx).Where("merchant_id = ? AND email_key = ? AND code_challenge = ? AND created_at >= ? AND used_at IS NULL",
		merchant, emailKey, challenge, since).Order("created_at DESC").Take(&row).Error
	return row.domain(), translate(err)
}

// SignInByTokenHash implements identity.Store.
func (s *Store) SignInByTokenHash(ctx context.Context, hash []byte) (identity.SignIn, error) {
	var row signInRow
	err := s.db(acrossMerchants(ctx, "the token tells the merchant")).Where("token_hash = ?", hash).Take(&row).Error
	return row.domain(), translate(err)
}

// SignInByID implements identity.Store.
func (s *Store) SignInByID(ctx context.Context, id identity.SignInID) (identity.SignIn, error) {
	var row signInRow
	err := s.db(acrossMerchants(ctx, "the id is verified together with a code")).Where("id = ?", id).Take(&row).Error
	return row.domain(), translate(err)
}

// CountCodeTry implements identity.Store.
func (s *Store) CountCodeTry(ctx context.Context, merchant foyer.MerchantID, id identity.SignInID, most int) (bool, error) {
	result := s.db(alone(ctx)).Exec("UPDATE sign_ins SET code_tries = code_tries + 1 WHERE merchant_id = ? AND id = ? AND code_tries < ?",
		merchant, id, most)
	return result.RowsAffected == 1, translate(result.Error)
}

// AssignCustomer implements identity.Store.
func (s *Store) AssignCustomer(ctx context.Context, merchant foyer.MerchantID, id identity.SignInID, customer foyer.CustomerID) (bool, error) {
	result := s.db(ctx).Exec("UPDATE sign_ins SET customer_id = ? WHERE merchant_id = ? AND id = ? AND customer_id IS NULL", customer, merchant, id)
	return result.RowsAffected == 1, translate(result.Error)
}

// UseSignIn implements identity.Store.
func (s *Store) UseSignIn(ctx context.Context, merchant foyer.MerchantID, id identity.SignInID, now time.Time) (bool, error) {
	result := s.db(ctx).Exec("UPDATE sign_ins SET used_at = ?, completed_at = ? WHERE merchant_id = ? AND id = ? AND used_at IS NULL AND expires_at > ?",
		now, now, merchant, id, now)
	return result.RowsAffected == 1, translate(result.Error)
}

// EndSignIns implements identity.Store.
func (s *Store) EndSignIns(ctx context.Context, scope foyer.Scope, emailKey string, now time.Time) error {
	return translate(s.db(ctx).Exec("UPDATE sign_ins SET used_at = ? WHERE merchant_id = ? AND (customer_id = ? OR email_key = ?) AND used_at IS NULL",
		now, scope.Merchant, scope.Customer, emailKey).Error)
}

// CustomerByEmail implements identity.Store.
func (s *Store) CustomerByEmail(ctx context.Context, merchant foyer.MerchantID, emailKey string) (foyer.CustomerID, error) {
	var ids []foyer.CustomerID
	err := s.db(ctx).Table("customers").Where("merchant_id = ? AND email_key = ? AND NOT archived", merchant, emailKey).Pluck("id", &ids).Error
	if err != nil {
		return "", translate(err)
	}
	if len(ids) == 0 {
		return "", foyer.ErrNotFound()
	}
	return ids[0], nil
}

// CustomerActive implements identity.Store.
func (s *Store) CustomerActive(ctx context.Context, scope foyer.Scope) (bool, error) {
	var active []bool
	err := s.db(ctx).Table("customers").Where("merchant_id = ? AND id = ? AND NOT archived", scope.Merchant, scope.Customer).
		Pluck("NOT archived", &active).Error
	return len(active) == 1, translate(err)
}

type sessionRow struct {
	ID              foyer.SessionID
	MerchantID      foyer.MerchantID
	CustomerID      foyer.CustomerID
	Kind            identity.SessionKind
	Scope           string
	TargetKind      identity.TargetKind
	TargetID        string
	ReturnURL       string
	Locale          string
	Device          string
	IP              string
	AuthenticatedAt time.Time
	CreatedAt       time.Time
	LastUsedAt      time.Time
	IdleExpiresAt   time.Time
	ExpiresAt       time.Time
	RevokedAt       *time.Time
}

func (sessionRow) TableName() string { return "sessions" }

func (r sessionRow) domain() identity.Session {
	return identity.Session{
		ID: r.ID, Merchant: r.MerchantID, Customer: r.CustomerID, Kind: r.Kind, Scopes: strings.Fields(r.Scope),
		Target: identity.Target{Kind: r.TargetKind, ID: r.TargetID}, ReturnURL: r.ReturnURL, Locale: r.Locale,
		Place:           foyer.Place{Device: r.Device, IP: r.IP},
		AuthenticatedAt: r.AuthenticatedAt.UTC(), CreatedAt: r.CreatedAt.UTC(), LastUsedAt: r.LastUsedAt.UTC(),
		IdleExpiresAt: r.IdleExpiresAt.UTC(), ExpiresAt: r.ExpiresAt.UTC(), RevokedAt: utc(r.RevokedAt),
	}
}

// CreateSession implements identity.Store.
func (s *Store) CreateSession(ctx context.Context, in identity.Session) error {
	return translate(s.db(ctx).Create(&sessionRow{
		ID: in.ID, MerchantID: in.Merchant, CustomerID: in.Customer, Kind: in.Kind, Scope: identity.JoinScopes(in.Scopes),
		TargetKind: in.Target.Kind, TargetID: in.Target.ID, ReturnURL: in.ReturnURL, Locale: in.Locale, Device: in.Place.Device, IP: in.Place.IP,
		AuthenticatedAt: in.AuthenticatedAt, CreatedAt: in.CreatedAt, LastUsedAt: in.LastUsedAt,
		IdleExpiresAt: in.IdleExpiresAt, ExpiresAt: in.ExpiresAt,
	}).Error)
}

// SessionByID implements identity.Store.
func (s *Store) SessionByID(ctx context.Context, merchant foyer.MerchantID, id foyer.SessionID) (identity.Session, error) {
	var row sessionRow
	err := s.db(ctx).Where("merchant_id = ? AND id = ?", merchant, id).Take(&row).Error
	return row.domain(), translate(err)
}

// OpenSessions implements identity.Store.
func (s *Store) OpenSessions(ctx context.Context, scope foyer.Scope, now time.Time, page foyer.PageRequest) ([]identity.Session, error) {
	var rows []sessionRow
	query := s.db(ctx).Where("merchant_id = ? AND customer_id = ? AND revoked_at IS NULL AND idle_expires_at > ? AND expires_at > ?",
		scope.Merchant, scope.Customer, now, now)
	if err := newest(query, "created_at", page).Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	return domains(rows), nil
}

// AllSessions implements identity.Store.
func (s *Store) AllSessions(ctx context.Context, scope foyer.Scope, page foyer.PageRequest) ([]identity.Session, error) {
	var rows []sessionRow
	query := s.db(ctx).Where("merchant_id = ? AND customer_id = ?", scope.Merchant, scope.Customer)
	if err := newest(query, "created_at", page).Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	return domains(rows), nil
}

// domains turns rows into what they stand for.
func domains[R interface{ domain() D }, D any](rows []R) []D {
	out := make([]D, len(rows))
	for i, r := range rows {
		out[i] = r.domain()
	}
	return out
}

// TouchSession implements identity.Store.
func (s *Store) TouchSession(ctx context.Context, in identity.Session) error {
	return translate(s.db(ctx).Exec("UPDATE sessions SET last_used_at = ?, idle_expires_at = ? WHERE merchant_id = ? AND id = ? AND revoked_at IS NULL",
		in.LastUsedAt, in.IdleExpiresAt, in.Merchant, in.ID).Error)
}

// RevokeSession implements identity.Store.
func (s *Store) RevokeSession(ctx context.Context, scope foyer.Scope, id foyer.SessionID, now time.Time) (bool, error) {
	result := s.db(ctx).Exec("UPDATE sessions SET revoked_at = ? WHERE merchant_id = ? AND customer_id = ? AND id = ? AND revoked_at IS NULL",
		now, scope.Merchant, scope.Customer, id)
	if result.Error != nil || result.RowsAffected == 1 {
		return true, translate(result.Error)
	}
	session, err := s.SessionByID(ctx, scope.Merchant, id)
	if err == nil && session.Customer != scope.Customer {
		err = foyer.ErrNotFound()
	}
	return false, err
}

// RevokeSessions implements identity.Store.
func (s *Store) RevokeSessions(ctx context.Context, scope foyer.Scope, keep foyer.SessionID, now time.Time) ([]foyer.SessionID, error) {
	var ids []foyer.SessionID
	err := s.db(ctx).Raw("UPDATE sessions SET revoked_at = ? WHERE merchant_id = ? AND customer_id = ? AND id <> ? AND revoked_at IS NULL RETURNING id",
		now, scope.Merchant, scope.Customer, keep).Scan(&ids).Error
	return ids, translate(err)
}

// SessionsRevokedSince implements identity.Store.
func (s *Store) SessionsRevokedSince(ctx context.Context, since time.Time) ([]foyer.SessionID, error) {
	var ids []foyer.SessionID
	err := s.db(acrossMerchants(ctx, "every process must know what was revoked")).Table("sessions").
		Where("revoked_at >= ?", since).Pluck("id", &ids).Error
	return ids, translate(err)
}

type refreshTokenRow struct {
	Hash          []byte
	MerchantID    foyer.MerchantID
	SessionID     foyer.SessionID
	CreatedAt     time.Time
	UsedAt        *time.Time
	SuccessorHash []byte
}

func (refreshTokenRow) TableName() string { return "refresh_tokens" }

// CreateRefreshToken implements identity.Store.
func (s *Store) CreateRefreshToken(ctx context.Context, t identity.RefreshToken) error {
	return translate(s.db(ctx).Create(&refreshTokenRow{
		Hash: t.Hash, MerchantID: t.Merchant, SessionID: t.Session, CreatedAt: t.CreatedAt,
	}).Error)
}

// RefreshTokenByHash implements identity.Store.
func (s *Store) RefreshTokenByHash(ctx context.Context, hash []byte) (identity.RefreshToken, error) {
	var row refreshTokenRow
	err := s.db(acrossMerchants(ctx, "the token tells the merchant")).Where("hash = ?", hash).Take(&row).Error
	return identity.RefreshToken{
		Hash: row.Hash, Merchant: row.MerchantID, Session: row.SessionID, CreatedAt: row.CreatedAt.UTC(), UsedAt: utc(row.UsedAt),
		SuccessorHash: row.SuccessorHash,
	}, translate(err)
}

// UseRefreshToken implements identity.Store.
func (s *Store) UseRefreshToken(ctx context.Context, t identity.RefreshToken, successor []byte, now time.Time) (bool, error) {
	result := s.db(ctx).Exec("UPDATE refresh_tokens SET used_at = ?, successor_hash = ? WHERE merchant_id = ? AND hash = ? AND used_at IS NULL",
		now, successor, t.Merchant, t.Hash)
	return result.RowsAffected == 1, translate(result.Error)
}

const purposeSigningKey foyer.Purpose = "signing key"

type signingKeyRow struct {
	Kid              string
	PublicKey        []byte
	SealedPrivateKey []byte
	CreatedAt        time.Time
	RetiredAt        *time.Time
}

func (signingKeyRow) TableName() string { return "signing_keys" }

// SigningKeys implements identity.Store.
func (s *Store) SigningKeys(ctx context.Context) ([]identity.SigningKey, error) {
	var rows []signingKeyRow
	if err := s.db(ctx).Order("created_at DESC, kid").Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	var keys []identity.SigningKey
	for _, r := range rows {
		key := identity.SigningKey{ID: r.Kid, Public: r.PublicKey, CreatedAt: r.CreatedAt.UTC(), RetiredAt: utc(r.RetiredAt)}
		if r.RetiredAt == nil {
			private, err := s.keyring.Open(purposeSigningKey, r.SealedPrivateKey, []byte(r.Kid))
			if err != nil {
				return nil, errSecretChanged
			}
			key.Private = private
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// ReplaceSigningKey implements identity.Store. The unique index on the current key lets one of several processes win.
func (s *Store) ReplaceSigningKey(ctx context.Context, k identity.SigningKey) error {
	return s.InTx(ctx, func(ctx context.Context) error {
		if err := s.db(ctx).Exec("UPDATE signing_keys SET retired_at = ? WHERE retired_at IS NULL", k.CreatedAt).Error; err != nil {
			return translate(err)
		}
		return translate(s.db(ctx).Create(&signingKeyRow{
			Kid: k.ID, PublicKey: k.Public, SealedPrivateKey: s.keyring.Seal(purposeSigningKey, k.Private, []byte(k.ID)), CreatedAt: k.CreatedAt,
		}).Error)
	})
}

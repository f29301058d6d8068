package identity

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"foyer/internal/foyer"
)

// errInvalidToken is the one answer for an access token that is not good.
func errInvalidToken(merchant foyer.MerchantID) error {
	return &foyer.Error{Kind: foyer.Unauthenticated, Code: "auth.invalid", Merchant: merchant}
}

// Authenticate returns who speaks with the access token. It asks no database: the signature is checked with keys in
// memory, and revoked sessions are known from a look every few seconds.
//
// Refusals: Unauthenticated; its Merchant is set when the token is ours and only expired or revoked.
func (s *Service) Authenticate(ctx context.Context, token string) (Access, error) {
	now := s.now()
	access, err := s.verify(ctx, token, now)
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return Access{}, errInvalidToken(access.Actor.Scope.Merchant)
	case errors.Is(err, errToken):
		return Access{}, errInvalidToken("")
	case err != nil:
		return Access{}, err
	}
	revoked, known := s.revoked.has(access.Actor.Session, now)
	if !known {
		// The last good look is too old to promise anything: ask, and if that fails too, say so.
		if err := s.loadRevoked(ctx); err != nil {
			return Access{}, err
		}
		revoked, _ = s.revoked.has(access.Actor.Session, now)
	}
	if revoked {
		return Access{}, errInvalidToken(access.Actor.Scope.Merchant)
	}
	return access, nil
}

func (s *Service) verify(ctx context.Context, token string, now time.Time) (Access, error) {
	hash := sha256.Sum256([]byte(token))
	if known, ok := s.verified.get(hash); ok {
		if _, good := s.keys.public(known.kid, now, s.lifetimes.Access); good && now.Before(known.access.ExpiresAt) {
			return known.access, nil
		}
	}
	var kid string
	var loadError error
	access, err := parseAccessToken(token, s.issuer, now, func(id string) (ed25519.PublicKey, bool) {
		kid = id
		if public, ok := s.keys.public(id, now, s.lifetimes.Access); ok {
			return public, true
		}
		var public ed25519.PublicKey
		var ok bool
		public, ok, loadError = s.unknownKey(ctx, id, now)
		return public, ok
	})
	if loadError != nil {
		return Access{}, loadError
	}
	if err != nil {
		return access, err
	}
	s.verified.put(hash, verifiedToken{access: access, kid: kid})
	return access, nil
}

// staleAfter is how old the last good look at revoked sessions may be. With it a revoked access token dies within 60
// seconds or nothing is answered.
const staleAfter = 45 * time.Second

// revocations is what a process knows of sessions revoked while their access tokens may still live.
type revocations struct {
	mu sync.RWMutex
	// sessions maps a revoked session to when this process learned of it.
	sessions map[foyer.SessionID]time.Time
	asOf     time.Time
}

func (r *revocations) add(now time.Time, ids ...foyer.SessionID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range ids {
		if _, ok := r.sessions[id]; !ok {
			r.sessions[id] = now
		}
	}
}

func (r *revocations) has(id foyer.SessionID, now time.Time) (revoked, known bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	_, revoked = r.sessions[id]
	return revoked, now.Sub(r.asOf) < staleAfter
}

// looked notes a good look at the database and forgets what was learned before since.
func (r *revocations) looked(now, since time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asOf = now
	for id, learned := range r.sessions {
		if learned.Before(since) {
			delete(r.sessions, id)
		}
	}
}

// loadRevoked adds what other processes revoked. Sessions revoked longer ago than an access token lives need not be
// remembered.
func (s *Service) loadRevoked(ctx context.Context) error {
	now := s.now()
	since := now.Add(-s.lifetimes.Access - 2*clockTolerance)
	ids, err := s.store.SessionsRevokedSince(ctx, since)
	if err != nil {
		return err
	}
	s.revoked.add(now, ids...)
	s.revoked.looked(now, since)
	return nil
}

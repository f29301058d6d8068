package identity

import (
	"bytes"
	"context"
	"errors"
	"time"

	"foyer/internal/foyer"
)

// errInvalidSession is the one answer for a refresh token that is unknown, expired, revoked or reused.
func errInvalidSession(merchant foyer.MerchantID) error {
	return &foyer.Error{Kind: foyer.Unauthenticated, Code: "session.invalid", Merchant: merchant}
}

// RefreshSession exchanges a refresh token for its successor and a new access token. Within the grace the same token
// gives the same successor again, so that a lost answer or two tabs sign nobody out; later reuse revokes the session,
// and that stays although the call is refused.
//
// Refusals: Unauthenticated (session.invalid).
func (s *Service) RefreshSession(ctx context.Context, token string, place foyer.Place) (Tokens, error) {
	now := s.now()
	row, err := s.store.RefreshTokenByHash(ctx, hashToken(token))
	if errors.Is(err, foyer.NotFound) {
		return Tokens{}, errInvalidSession("")
	}
	if err != nil {
		return Tokens{}, err
	}
	next := successors(s.keyring, token)
	var session Session
	var reused bool
	var successor string
	err = s.store.InTx(ctx, func(ctx context.Context) error {
		var err error
		session, err = s.store.SessionByID(ctx, row.Merchant, row.Session)
		if errors.Is(err, foyer.NotFound) {
			return errInvalidSession(row.Merchant) // pruned in between
		}
		if err != nil {
			return err
		}
		if !session.Open(now) {
			return errInvalidSession(row.Merchant)
		}
		active, err := s.store.CustomerActive(ctx, session.Scope())
		if err != nil {
			return err
		}
		if !active {
			return errInvalidSession(row.Merchant)
		}
		// The guarded update decides which of many calls makes the successor (two winners: bike4mind#1801).
		first, err := s.store.UseRefreshToken(ctx, row, hashToken(next[0]), now)
		if err != nil {
			return err
		}
		if !first {
			successor, reused, err = s.repeated(ctx, token, next, now)
			return err
		}
		successor = next[0]
		session = session.Touched(now, s.lifetimes.RefreshIdle)
		fresh := RefreshToken{Hash: hashToken(successor), Merchant: row.Merchant, Session: row.Session, CreatedAt: now}
		if err := s.store.CreateRefreshToken(ctx, fresh); err != nil {
			return err
		}
		return s.store.TouchSession(ctx, session)
	})
	if err != nil {
		return Tokens{}, err
	}
	if reused {
		if err := s.revokeReused(ctx, session, place, now); err != nil {
			return Tokens{}, err
		}
		return Tokens{}, errInvalidSession(row.Merchant)
	}
	return s.tokens(ctx, session, successor, now)
}

// repeated looks at a token that was used before: within the grace its successor is given again, later it is reused.
func (s *Service) repeated(ctx context.Context, token string, next []string, now time.Time) (successor string, reused bool, err error) {
	row, err := s.store.RefreshTokenByHash(ctx, hashToken(token))
	if err != nil {
		return "", false, err
	}
	if row.UsedAt == nil || now.Sub(*row.UsedAt) > s.lifetimes.RefreshGrace {
		return "", true, nil
	}
	for _, candidate := range next {
		if bytes.Equal(hashToken(candidate), row.SuccessorHash) {
			return candidate, false, nil
		}
	}
	return "", true, nil
}

// revokeReused ends the session whose old token came back (RFC 9700 §4.14.2), in a transaction of its own.
func (s *Service) revokeReused(ctx context.Context, session Session, place foyer.Place, now time.Time) error {
	return s.store.InTx(ctx, func(ctx context.Context) error {
		ended, err := s.store.RevokeSession(ctx, session.Scope(), session.ID, now)
		if err != nil || !ended {
			return err
		}
		s.revoked.add(now, session.ID)
		if err := s.record(ctx, session, foyer.ActivityReuseDetected, place, now); err != nil {
			return err
		}
		return s.sessionsRevoked(ctx, session.Scope(), now, session.ID)
	})
}

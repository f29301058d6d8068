package identity

import (
	"context"

	"foyer/internal/foyer"
)

// Sessions returns a page of where the customer is signed in, newest first.
func (s *Service) Sessions(ctx context.Context, scope foyer.Scope, page foyer.PageRequest) ([]Session, error) {
	return s.store.OpenSessions(ctx, scope, s.now(), page)
}

// AllSessions returns a page of every session of the customer that is still kept, ended ones too, newest first.
func (s *Service) AllSessions(ctx context.Context, scope foyer.Scope, page foyer.PageRequest) ([]Session, error) {
	return s.store.AllSessions(ctx, scope, page)
}

// SignOut ends the session the actor speaks with. Ending it twice is not an error.
func (s *Service) SignOut(ctx context.Context, actor foyer.Actor, place foyer.Place) error {
	return s.end(ctx, actor, actor.Session, foyer.ActivitySignedOut, place)
}

// RevokeSession ends one session of the actor's customer. Ending it twice is not an error; another's is foyer.NotFound.
func (s *Service) RevokeSession(ctx context.Context, actor foyer.Actor, id foyer.SessionID, place foyer.Place) error {
	return s.end(ctx, actor, id, foyer.ActivitySessionRevoked, place)
}

func (s *Service) end(ctx context.Context, actor foyer.Actor, id foyer.SessionID, kind foyer.ActivityType, place foyer.Place) error {
	now := s.now()
	err := s.store.Conclude(ctx, func(ctx context.Context) error {
		ended, err := s.store.RevokeSession(ctx, actor.Scope, id, now)
		if err != nil || !ended {
			return err
		}
		session := Session{ID: actor.Session, Merchant: actor.Scope.Merchant, Customer: actor.Scope.Customer}
		if err := s.record(ctx, session, kind, place, now); err != nil {
			return err
		}
		return s.sessionsRevoked(ctx, actor.Scope, now, id)
	})
	if err == nil {
		s.revoked.add(now, id)
	}
	return err
}

// RevokeAllSessions signs the customer out everywhere, here too.
func (s *Service) RevokeAllSessions(ctx context.Context, actor foyer.Actor, place foyer.Place) error {
	now := s.now()
	var ended []foyer.SessionID
	err := s.store.Conclude(ctx, func(ctx context.Context) error {
		var err error
		ended, err = s.store.RevokeSessions(ctx, actor.Scope, "", now)
		if err != nil || len(ended) == 0 {
			return err
		}
		session := Session{ID: actor.Session, Merchant: actor.Scope.Merchant, Customer: actor.Scope.Customer}
		if err := s.record(ctx, session, foyer.ActivityAllRevoked, place, now); err != nil {
			return err
		}
		return s.sessionsRevoked(ctx, actor.Scope, now, ended...)
	})
	if err == nil {
		s.revoked.add(now, ended...)
	}
	return err
}

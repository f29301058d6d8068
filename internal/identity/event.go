package identity

import (
	"context"
	"time"

	"foyer/internal/foyer"
)

// The changes identity tells of. What changes here changes once each way, so its sequence is fixed: a sign-in is created (1)
// and completed (2), a session created (1) and revoked (2), a portal session created (1), used and revoked (its Version).
const (
	EventSignInCreated        foyer.EventType = "sign_in.created"
	EventSignInCompleted      foyer.EventType = "sign_in.completed"
	EventSessionCreated       foyer.EventType = "session.created"
	EventSessionRevoked       foyer.EventType = "session.revoked"
	EventPortalSessionCreated foyer.EventType = "portal_session.created"
	EventPortalSessionUsed    foyer.EventType = "portal_session.used"
	EventPortalSessionRevoked foyer.EventType = "portal_session.revoked"
)

// happened writes one change, in the open transaction and after it was made.
func (s *Service) happened(ctx context.Context, scope foyer.Scope, kind foyer.EventType, subject string, now time.Time) error {
	return s.store.RecordEvents(ctx, s.event(scope, kind, subject, now))
}

// sessionsRevoked writes that sessions ended.
func (s *Service) sessionsRevoked(ctx context.Context, scope foyer.Scope, now time.Time, ids ...foyer.SessionID) error {
	events := make([]foyer.Event, len(ids))
	for i, id := range ids {
		events[i] = s.event(scope, EventSessionRevoked, string(id), now)
	}
	return s.store.RecordEvents(ctx, events...)
}

// ticketsRevoked writes that portal sessions nobody had used were revoked.
func (s *Service) ticketsRevoked(ctx context.Context, scope foyer.Scope, now time.Time, ids ...PortalSessionID) error {
	events := make([]foyer.Event, len(ids))
	for i, id := range ids {
		events[i] = s.event(scope, EventPortalSessionRevoked, string(id), now)
	}
	return s.store.RecordEvents(ctx, events...)
}

func (s *Service) event(scope foyer.Scope, kind foyer.EventType, subject string, now time.Time) foyer.Event {
	return foyer.Event{ID: s.ids(foyer.PrefixEvent), Scope: scope, Type: kind, Subject: subject, At: now}
}

package identity

import (
	"context"

	"foyer/internal/foyer"
)

// EndCustomer ends everything by which somebody could act as the customer: sessions, tickets of every origin, open sign-ins and
// changes of address (ASVS 7.4.2). It joins the caller's transaction, so that it happens if, and only if, the customer is archived
// or blocked; that is also why this process learns of it as the others do, at its next look, and not before it is committed.
func (s *Service) EndCustomer(ctx context.Context, scope foyer.Scope) error {
	now := s.now()
	return s.store.InTx(ctx, func(ctx context.Context) error {
		// What gives a session ends before the sessions do: the update waits for an exchange or sign-in under way, whose session
		// is then among those that end. Sign-ins whose mail is not made yet have no customer; the job finds nobody any more.
		tickets, err := s.store.RevokeOpenPortalSessions(ctx, scope, "", now)
		if err != nil {
			return err
		}
		if err := s.store.EndSignIns(ctx, scope, "", now); err != nil {
			return err
		}
		if err := s.store.EndEmailChanges(ctx, scope, now); err != nil {
			return err
		}
		sessions, err := s.store.RevokeSessions(ctx, scope, "", now)
		if err != nil {
			return err
		}
		if err := s.ticketsRevoked(ctx, scope, now, tickets...); err != nil {
			return err
		}
		return s.sessionsRevoked(ctx, scope, now, sessions...)
	})
}

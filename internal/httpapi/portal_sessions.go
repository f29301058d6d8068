package httpapi

import (
	"time"

	"foyer/api"
	"foyer/internal/identity"
)

func showPortalSession(v identity.PortalSession, now time.Time) api.PortalSession {
	return api.PortalSession{
		Id: string(v.ID), CustomerId: string(v.Scope.Customer), Origin: api.PortalSessionOrigin(v.Origin), Status: api.PortalSessionStatus(v.Status(now)),
		Target: showTarget(v.Target), Scopes: v.Scopes, ReturnUrl: orNull(v.ReturnURL), Locale: orNull(v.Locale), CreatedAt: v.CreatedAt,
		ExpiresAt: v.ExpiresAt, UsedAt: v.UsedAt, SessionId: orNull(v.Session), RevokedAt: v.RevokedAt,
	}
}

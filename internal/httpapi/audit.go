package httpapi

import (
	"context"
	"encoding/json"

	"foyer/internal/foyer"
	"foyer/internal/identity"
	"foyer/internal/merchant"
)

// AuditLog keeps who did what.
type AuditLog interface {
	// RecordAudit writes one line, in the transaction of what it tells of.
	RecordAudit(ctx context.Context, e merchant.AuditEntry) error
}

// auditEntry is the line a call that succeeded leaves behind: every authenticated write, the customers' too, exactly one.
func (s *Server) auditEntry(r *request, answer *heldAnswer) merchant.AuditEntry {
	return s.auditLine(r, r.actor(), subjectOf(r, answer))
}

// witness writes the line of an act by which the caller becomes known.
func (s *Server) witness(r *request) identity.Witness {
	return func(ctx context.Context, actor foyer.Actor) error {
		return s.Audit.RecordAudit(ctx, s.auditLine(r, actor, string(actor.Scope.Customer)))
	}
}

func (s *Server) auditLine(r *request, actor foyer.Actor, subject string) merchant.AuditEntry {
	entry := merchant.AuditEntry{
		ID: s.ids(foyer.PrefixAuditEntry), Merchant: actor.Scope.Merchant, Actor: actor.Kind, ActorID: actor.Key, Customer: actor.Scope.Customer,
		Action: r.operation.OperationID, Subject: subject, IP: r.echo.RealIP(), RequestID: r.id, At: s.clock(),
	}
	if actor.Kind == foyer.ActorCustomer {
		entry.ActorID, entry.IP = string(actor.Session), identity.CutIP(r.echo.RealIP())
	}
	return entry
}

// subjectOf is what a call was about: what the path names last, else what the answer shows, else the customer who calls.
func subjectOf(r *request, answer *heldAnswer) string {
	if ids := r.echo.ParamValues(); len(ids) > 0 {
		return ids[len(ids)-1]
	}
	var shown struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(answer.body.Bytes(), &shown) != nil || shown.ID == "" {
		return string(r.scope().Customer)
	}
	return shown.ID
}

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
	actor := r.actor()
	entry := merchant.AuditEntry{
		ID: s.ids(foyer.PrefixAuditEntry), Merchant: r.merchant, Actor: actor.Kind, ActorID: actor.Key, Customer: actor.Scope.Customer,
		Action: r.operation.OperationID, Subject: subjectOf(r, answer), IP: r.echo.RealIP(), RequestID: r.id, At: s.clock(),
	}
	if actor.Kind == foyer.ActorCustomer {
		entry.ActorID, entry.IP = string(actor.Session), identity.CutIP(r.echo.RealIP())
	}
	return entry
}

// subjectOf is what a call was about: what the path names last, else what the answer shows.
func subjectOf(r *request, answer *heldAnswer) string {
	if ids := r.echo.ParamValues(); len(ids) > 0 {
		return ids[len(ids)-1]
	}
	var shown struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(answer.body.Bytes(), &shown) != nil {
		return ""
	}
	return shown.ID
}

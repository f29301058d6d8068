package httpapi

import (
	"context"

	"foyer/api"
	"foyer/internal/foyer"
	"foyer/internal/merchant"
)

// MerchantListAuditLog shows who did what.
func (s *Server) MerchantListAuditLog(ctx context.Context, in api.MerchantListAuditLogRequestObject) (api.MerchantListAuditLogResponseObject, error) {
	q := in.Params
	p, err := s.page(ctx, listing{limit: q.Limit, after: q.After, from: q.From, to: q.To})
	if err != nil {
		return nil, err
	}
	filter := merchant.AuditFilter{Actor: value(q.ActorId), Subject: value(q.SubjectId), Action: value(q.Action)}
	found, err := s.Merchants.AuditLog(ctx, requestOf(ctx).merchant, filter, p)
	if err != nil {
		return nil, err
	}
	found, next := cut(ctx, s, found, p, func(e merchant.AuditEntry) foyer.PageKey { return foyer.PageKey{At: e.At, ID: e.ID} })
	return api.MerchantListAuditLog200JSONResponse{Body: api.AuditEntryList{Page: next, Data: each(found, showAuditEntry)}}, nil
}

func showAuditEntry(e merchant.AuditEntry) api.AuditEntry {
	return api.AuditEntry{
		Id: e.ID, Actor: api.AuditActor{Kind: api.AuditActorKind(e.Actor), Id: orNull(e.ActorID), CustomerId: orNull(e.Customer)},
		Action: e.Action, SubjectId: orNull(e.Subject), Ip: orNull(e.IP), RequestId: orNull(e.RequestID), CreatedAt: e.At,
	}
}

package httpapi

import (
	"context"

	"foyer/api"
	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/retention"
)

// MerchantListWithdrawals shows contracts that were undone.
func (s *Server) MerchantListWithdrawals(ctx context.Context, in api.MerchantListWithdrawalsRequestObject) (api.MerchantListWithdrawalsResponseObject, error) {
	q := in.Params
	p, err := s.page(ctx, listing{limit: q.Limit, after: q.After, from: q.From, to: q.To})
	if err != nil {
		return nil, err
	}
	filter := retention.WithdrawalFilter{Customer: foyer.CustomerID(value(q.CustomerId)), Subscription: billing.SubscriptionID(value(q.SubscriptionId))}
	for _, state := range orZero(q.State) {
		filter.States = append(filter.States, retention.WithdrawalState(state))
	}
	found, err := s.Retention.MerchantWithdrawals(ctx, requestOf(ctx).merchant, filter, p)
	if err != nil {
		return nil, err
	}
	found, next := cut(ctx, s, found, p, func(v retention.Withdrawal) foyer.PageKey { return foyer.PageKey{At: v.CreatedAt, ID: string(v.ID)} })
	return api.MerchantListWithdrawals200JSONResponse{Body: api.WithdrawalList{Page: next, Data: each(found, presenterOf(ctx).withdrawn)}}, nil
}

// MerchantGetWithdrawal shows one withdrawal with its evidence.
func (s *Server) MerchantGetWithdrawal(ctx context.Context, in api.MerchantGetWithdrawalRequestObject) (api.MerchantGetWithdrawalResponseObject, error) {
	found, err := s.Retention.MerchantWithdrawal(ctx, requestOf(ctx).merchant, retention.WithdrawalID(in.WithdrawalId))
	if err != nil {
		return nil, err
	}
	shown := presenterOf(ctx).withdrawalHistory(found)
	same, err := unchanged(ctx, found.Version, shown)
	if err != nil {
		return nil, err
	}
	if same {
		return api.MerchantGetWithdrawal304Response{}, nil
	}
	return api.MerchantGetWithdrawal200JSONResponse{Body: shown}, nil
}

// MerchantAcceptWithdrawal agrees to a withdrawal, or has its refunds tried again.
func (s *Server) MerchantAcceptWithdrawal(ctx context.Context, in api.MerchantAcceptWithdrawalRequestObject) (api.MerchantAcceptWithdrawalResponseObject, error) {
	shown, err := s.decideWithdrawal(ctx, in.WithdrawalId, s.Retention.AcceptWithdrawal)
	if err != nil {
		return nil, err
	}
	return api.MerchantAcceptWithdrawal200JSONResponse{Body: shown}, nil
}

// MerchantDismissWithdrawal turns down a withdrawal declared by a notice.
func (s *Server) MerchantDismissWithdrawal(ctx context.Context, in api.MerchantDismissWithdrawalRequestObject) (api.MerchantDismissWithdrawalResponseObject, error) {
	shown, err := s.decideWithdrawal(ctx, in.WithdrawalId, s.Retention.DismissWithdrawal)
	if err != nil {
		return nil, err
	}
	return api.MerchantDismissWithdrawal200JSONResponse{Body: shown}, nil
}

// decideWithdrawal runs what the merchant decided and shows how the withdrawal stands then.
func (s *Server) decideWithdrawal(ctx context.Context, id string,
	decide func(ctx context.Context, by foyer.Actor, id retention.WithdrawalID, r retention.Reader) (retention.WithdrawalHistory, error),
) (api.MerchantWithdrawal, error) {
	reader, err := s.reader(ctx)
	if err != nil {
		return api.MerchantWithdrawal{}, err
	}
	found, err := decide(ctx, requestOf(ctx).actor(), retention.WithdrawalID(id), reader)
	if err != nil {
		return api.MerchantWithdrawal{}, err
	}
	shown := presenterOf(ctx).withdrawalHistory(found)
	_, err = unchanged(ctx, found.Version, shown)
	return shown, err
}

// withdrawn shows a withdrawal as it was written down: what its merchant and its events tell, and its customer's export.
func (p presenter) withdrawn(w retention.Withdrawal) api.MerchantWithdrawal {
	money, credit := w.Refund()
	return api.MerchantWithdrawal{
		Id: string(w.ID), CustomerId: string(w.Customer), SubscriptionId: string(w.Subscription), NoticeId: orNull(w.Notice), State: api.WithdrawalState(w.State),
		Profile: string(w.Profile), Country: orNull(w.Country), Policy: api.MerchantWithdrawalPolicy(w.Policy), DeclaredAt: w.DeclaredAt, EndsAt: windowEnd(w),
		Refund: p.money(money, w.Currency), Credit: p.money(credit, w.Currency), Refunds: p.returns(w), Reason: orNull(w.Reason), NextTryAt: w.TryAt,
		CreatedAt: w.CreatedAt, UpdatedAt: w.UpdatedAt, ExpiresAt: w.ExpiresAt,
	}
}

// withdrawalHistory shows a withdrawal with its evidence.
func (p presenter) withdrawalHistory(h retention.WithdrawalHistory) api.MerchantWithdrawal {
	shown := p.withdrawn(h.Withdrawal)
	evidence := each(h.Evidence, showEvidence)
	shown.Evidence = &evidence
	return shown
}

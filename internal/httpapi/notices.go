package httpapi

import (
	"context"
	"time"

	"foyer/api"
	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/retention"
)

// SubmitCancellationNotice takes the cancellation of somebody who is not signed in; the answer is the same for everybody.
func (s *Server) SubmitCancellationNotice(ctx context.Context, in api.SubmitCancellationNoticeRequestObject) (api.SubmitCancellationNoticeResponseObject, error) {
	body := in.Body
	declared := retention.Declaration{Name: body.Name, Email: body.Email, Contract: body.Contract, Reason: value(body.Reason), EndAt: body.EndAt}
	if body.Kind != nil {
		declared.Grounds = retention.Grounds(*body.Kind)
	}
	receipt, err := s.submitNotice(ctx, retention.NoticeCancellation, declared)
	return api.SubmitCancellationNotice201JSONResponse{Body: receipt}, err
}

// SubmitWithdrawalNotice takes the withdrawal of somebody who is not signed in; the answer is the same for everybody.
func (s *Server) SubmitWithdrawalNotice(ctx context.Context, in api.SubmitWithdrawalNoticeRequestObject) (api.SubmitWithdrawalNoticeResponseObject, error) {
	declared := retention.Declaration{Name: in.Body.Name, Email: in.Body.Email, Contract: in.Body.Contract}
	receipt, err := s.submitNotice(ctx, retention.NoticeWithdrawal, declared)
	return api.SubmitWithdrawalNotice201JSONResponse{Body: receipt}, err
}

func (s *Server) submitNotice(ctx context.Context, kind retention.NoticeKind, declared retention.Declaration) (api.NoticeReceipt, error) {
	r := requestOf(ctx)
	notice, err := s.Notices.Submit(ctx, retention.NoticeInput{Merchant: r.portal.ID, Kind: kind, Declaration: declared, IP: r.echo.RealIP()},
		retention.Reader{Locale: r.locale, Portal: spoken(r.portal.Portal.Settings).Tag})
	if err != nil {
		return api.NoticeReceipt{}, err
	}
	url, err := s.downloadURL(downloadTicket{
		Merchant: notice.Merchant, Kind: downloadReceipt, ID: string(notice.ID), Locale: r.locale.Tag, Disposition: "attachment",
		ExpiresAt: s.clock().Add(receiptLife).Truncate(time.Second).Unix(),
	})
	return api.NoticeReceipt{Id: string(notice.ID), ReceivedAt: notice.ReceivedAt, ReceiptUrl: url}, err
}

// MerchantListNotices shows what was declared without signing in.
func (s *Server) MerchantListNotices(ctx context.Context, in api.MerchantListNoticesRequestObject) (api.MerchantListNoticesResponseObject, error) {
	q := in.Params
	p, err := s.page(ctx, listing{limit: q.Limit, after: q.After, from: q.From, to: q.To})
	if err != nil {
		return nil, err
	}
	filter := retention.NoticeFilter{
		Kinds:  each(orZero(q.Kind), func(k api.NoticeKind) retention.NoticeKind { return retention.NoticeKind(k) }),
		States: each(orZero(q.State), func(v api.NoticeState) retention.NoticeState { return retention.NoticeState(v) }),
	}
	found, err := s.Notices.Page(ctx, requestOf(ctx).merchant, filter, p)
	if err != nil {
		return nil, err
	}
	found, next := cut(ctx, s, found, p, func(v retention.Notice) foyer.PageKey { return foyer.PageKey{At: v.ReceivedAt, ID: string(v.ID)} })
	return api.MerchantListNotices200JSONResponse{Body: api.NoticeList{Page: next, Data: each(found, presenterOf(ctx).notice)}}, nil
}

// MerchantGetNotice shows one notice with its evidence.
func (s *Server) MerchantGetNotice(ctx context.Context, in api.MerchantGetNoticeRequestObject) (api.MerchantGetNoticeResponseObject, error) {
	found, err := s.Notices.History(ctx, requestOf(ctx).merchant, retention.NoticeID(in.NoticeId))
	if err != nil {
		return nil, err
	}
	shown := presenterOf(ctx).noticeHistory(found)
	same, err := unchanged(ctx, found.Version, shown)
	if err != nil {
		return nil, err
	}
	if same {
		return api.MerchantGetNotice304Response{}, nil
	}
	return api.MerchantGetNotice200JSONResponse{Body: shown}, nil
}

// MerchantResolveNotice says what comes of a notice.
func (s *Server) MerchantResolveNotice(ctx context.Context, in api.MerchantResolveNoticeRequestObject) (api.MerchantResolveNoticeResponseObject, error) {
	resolution := retention.Resolution{Subscription: billing.SubscriptionID(value(in.Body.SubscriptionId)), Note: value(in.Body.Note)}
	found, err := s.Notices.Resolve(ctx, requestOf(ctx).actor(), retention.NoticeID(in.NoticeId), resolution)
	if err != nil {
		return nil, err
	}
	shown := presenterOf(ctx).noticeHistory(found)
	_, err = unchanged(ctx, found.Version, shown)
	return api.MerchantResolveNotice200JSONResponse{Body: shown}, err
}

// notice shows a notice to its merchant, and to the customer it is about.
func (p presenter) notice(n retention.Notice) api.Notice {
	shown := api.Notice{
		Id: string(n.ID), Kind: api.NoticeKind(n.Kind), State: api.NoticeState(n.State), Name: n.Name, Email: n.Email, Contract: n.Contract,
		Reason: orNull(n.Reason), EndAt: n.EndAt, ReceivedAt: n.ReceivedAt, Problem: orNull(n.Problem), CustomerId: orNull(n.Customer),
		SubscriptionId: orNull(n.Subscription), CancellationId: orNull(n.Cancellation), WithdrawalId: orNull(n.Withdrawal), Note: orNull(n.Note),
		Locale: n.Locale, UpdatedAt: n.UpdatedAt,
	}
	if n.Grounds != "" {
		grounds := api.NoticeGrounds(n.Grounds)
		shown.Grounds = &grounds
	}
	return shown
}

func (p presenter) noticeHistory(h retention.NoticeHistory) api.Notice {
	shown := p.notice(h.Notice)
	evidence := each(h.Evidence, showEvidence)
	shown.Evidence = &evidence
	return shown
}
